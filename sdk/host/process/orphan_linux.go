package process

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// nursery knows the children that live. It is of the whole process, since the
// kernel hands orphans to the process and not to who started their parent.
//
// Each child has a session of its own. The process is the reaper of what its
// children leave behind, so whatever becomes its child, of another session than
// its own, and was not started here, was started by a child that is gone or that
// let go of it: it is ended. What another part of the program starts itself stays
// in the program's session, and is left alone.
type nursery struct {
	mu   sync.Mutex
	live map[int]bool
}

var children = &nursery{live: map[int]bool{}} //nolint:gochecknoglobals // one a process, as the kernel has it; see nursery

// bear starts a child. Nothing is taken for an orphan meanwhile.
func (n *nursery) bear(start func() (*exec.Cmd, error)) (*exec.Cmd, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // of the whole process; without it orphans go to init
	cmd, err := start()
	if err == nil {
		n.live[cmd.Process.Pid] = true
	}
	return cmd, err
}

// bury forgets a child that has been reaped, and ends the orphans.
func (n *nursery) bury(pid int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.live, pid)
	for end := time.Now().Add(2 * time.Second); n.endOrphans() > 0 && time.Now().Before(end); {
		time.Sleep(2 * time.Millisecond) // the children of an orphan become orphans in turn
	}
}

// endOrphans kills and reaps, and counts those that it has found.
func (n *nursery) endOrphans() int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	self := os.Getpid()
	own, err := unix.Getsid(0)
	if err != nil {
		return 0
	}
	found := 0
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || n.live[pid] {
			continue
		}
		if parent, session := family(pid); parent == self && session != own {
			found++
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
	return found
}

// family gives the parent and the session of a process, or zeros.
func family(pid int) (parent, session int) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before may hold anything
	if len(fields) < 4 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(string(fields[1]))
	session, _ = strconv.Atoi(string(fields[3]))
	return parent, session
}

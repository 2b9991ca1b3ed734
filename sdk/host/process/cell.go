package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cell is a cgroup of one process: what the process starts is born in it, in
// whatever session, and all of it is ended by one write. There is one where this
// process may divide its own cgroup (version 2, Linux 5.14 or newer); a nil cell
// holds nobody, and the reaper of orphans is alone.
type cell struct{ path string }

// OwnCgroup is the folder of the cgroup that this process is in, or "" where
// there is none of version 2.
func OwnCgroup() string { return cgroupOf("/proc/self") }

// cgroupOf tells it by the files below proc.
func cgroupOf(proc string) string {
	member, err1 := os.ReadFile(filepath.Join(proc, "cgroup"))    //nolint:gosec // of the kernel
	mounts, err2 := os.ReadFile(filepath.Join(proc, "mountinfo")) //nolint:gosec // of the kernel
	if err1 != nil || err2 != nil {
		return ""
	}
	own := ""
	for line := range strings.Lines(string(member)) {
		if path, found := strings.CutPrefix(line, "0::"); found {
			own = strings.TrimSpace(path)
		}
	}
	for line := range strings.Lines(string(mounts)) {
		fields, kind, _ := strings.Cut(line, " - ")
		if f := strings.Fields(fields); strings.HasPrefix(kind, "cgroup2 ") && len(f) > 4 && own != "" {
			return filepath.Join(f[4], strings.TrimPrefix(own, f[3]))
		}
	}
	return ""
}

// newCell makes a cell below the cgroup, or gives nil.
func newCell(parent, name string) *cell {
	c := &cell{filepath.Join(parent, name)}
	if parent == "" || name == "" || os.Mkdir(c.path, 0o755) != nil { //nolint:gosec // as every cgroup; the files in it are the kernel's
		return nil
	}
	return c
}

// hold moves a process into the cell. It is called before the process has run
// its first instruction. A process that cannot be held stays with the reaper.
func (c *cell) hold(pid int) {
	if c != nil {
		_ = c.write("cgroup.procs", strconv.Itoa(pid))
	}
}

// kill ends everything in the cell at once.
func (c *cell) kill() {
	if c != nil {
		_ = c.write("cgroup.kill", "1")
	}
}

// remove takes the cell away when the last process in it has been reaped.
func (c *cell) remove() {
	if c == nil {
		return
	}
	for end := time.Now().Add(time.Second); os.Remove(c.path) != nil && time.Now().Before(end); {
		if _, err := os.Lstat(c.path); err != nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (c *cell) write(file, text string) error {
	return os.WriteFile(filepath.Join(c.path, file), []byte(text), 0o600)
}

// EndCell ends what a process that was killed has left in the cell of the name
// below the cgroup.
func EndCell(parent, name string) {
	c := &cell{filepath.Join(parent, name)}
	if info, err := os.Lstat(c.path); parent == "" || err != nil || !info.IsDir() {
		return
	}
	c.kill()
	c.remove()
}

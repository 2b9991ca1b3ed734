// Package process owns a child process from its start to its end: its limits
// are in force before its first instruction, it ends with this process, and what
// it has started ends with it, in whatever session. Plugins run so, and so does
// the policies' trial of rules that strangers wrote: it lies in the SDK, below
// the host of plugins, since the SDK imports nothing of the server. It refuses to
// know what a process is for, and reads nothing of what it says: whoever starts
// one gives the files, or a Bounded that keeps no more than there is room for.
//
// Limits, groups and cells are Linux's. Elsewhere a process has a group of its
// own where the system knows groups, and deadlines are the caller's.
package process

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
)

// Config says what to start and how to hold it.
type Config struct {
	// Command makes the command. It is called again where the first start is
	// refused, so each has readers of its own; how it is held is not its to say.
	Command func() *exec.Cmd

	Account *Account // whom it runs as; nil: as this process
	Limits  Limits
	Cell    string // the name of the cgroup that holds what it starts; "" is none
}

// Limits bound a process, on Linux.
type Limits struct {
	MemoryBytes uint64 // RLIMIT_DATA
	CPUSeconds  uint64 // RLIMIT_CPU
}

// Account is the user that a process runs as.
type Account struct{ UID, GID int }

// Process is a child that has been started.
type Process struct {
	pid    int
	exited chan struct{}
	peak   atomic.Uint64    // of its memory, as far as it was seen
	state  *os.ProcessState // after exited, as is the error
	err    error
}

// Start starts the command from a thread that lives as long as it: the kernel
// kills the process when that thread ends, and so when this process ends.
func Start(c Config) (*Process, error) {
	p := &Process{exited: make(chan struct{})}
	started := make(chan error)
	go p.live(c, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Process) live(c Config, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	held := newCell(OwnCgroup(), c.Cell)
	cmd, err := children.bear(func() (*exec.Cmd, error) { return startLimited(c, held) })
	if err != nil {
		held.remove()
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	go p.watch()
	p.err = reap(cmd, held)
	p.state = cmd.ProcessState
	children.bury(p.pid)
	held.remove()
	close(p.exited)
}

// PID is the number of the process.
func (p *Process) PID() int { return p.pid }

// Exited is closed once the process and what it left behind have ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// State tells how the process ended, once it has.
func (p *Process) State() *os.ProcessState { return p.state }

// Kill ends the process with everything in its group, and returns once it has
// ended.
func (p *Process) Kill() {
	select {
	case <-p.exited:
	default:
		p.Sample()
		killGroup(p.pid)
		<-p.exited
	}
}

// Wait returns once the process has ended, with an error where it did not end
// well. The end of the context ends it.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.Kill()
	}
	return p.err
}

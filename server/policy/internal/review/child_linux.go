package review

import (
	"os/exec"
	"runtime/debug"
	"syscall"
)

// limitChild bounds this very process: a rule that the sandbox failed to stop
// costs the child and nobody else.
func limitChild() error {
	debug.SetMemoryLimit(childHeap)
	for resource, limit := range map[int]uint64{
		syscall.RLIMIT_DATA: childMemory, syscall.RLIMIT_CPU: uint64(childTime.Seconds()), syscall.RLIMIT_CORE: 0,
	} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	return nil
}

// alone puts the child into a group of its own, which is killed whole, and has
// it die with this process.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

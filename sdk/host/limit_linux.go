package host

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// startLimited starts the command with its limits in force before its first
// instruction: it is started traced, which stops it right after exec, gets its
// limits, and is let go. Where tracing is forbidden the limits follow right
// after the start. The calling goroutine must be locked to its thread.
func startLimited(command func() *exec.Cmd, limits Limits) (*exec.Cmd, error) {
	cmd := command()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Ptrace: true}
	err := cmd.Start()
	traced := err == nil
	if errors.Is(err, unix.EPERM) {
		cmd = command()
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	if traced {
		err = awaitStop(cmd.Process.Pid)
	}
	if err == nil {
		err = setLimits(cmd.Process.Pid, limits)
	}
	if err == nil && traced {
		err = unix.PtraceDetach(cmd.Process.Pid)
	}
	if err != nil {
		killGroup(cmd.Process.Pid)
		_ = cmd.Wait()
		return nil, fmt.Errorf("limit the process: %w", err)
	}
	return cmd, nil
}

// awaitStop waits for the stop that follows exec.
func awaitStop(pid int) error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("await exec: %w", err)
		case !status.Stopped():
			return errors.New("await exec: the process ended")
		}
		return nil
	}
}

func setLimits(pid int, l Limits) error {
	for resource, limit := range map[int]unix.Rlimit{
		unix.RLIMIT_DATA:   {Cur: l.MemoryBytes, Max: l.MemoryBytes},
		unix.RLIMIT_CPU:    {Cur: l.CPUSeconds, Max: l.CPUSeconds + 1}, // first SIGXCPU, then SIGKILL
		unix.RLIMIT_NOFILE: {Cur: 256, Max: 256},
		unix.RLIMIT_CORE:   {}, // a core would hold the secrets
	} {
		if err := unix.Prlimit(pid, resource, &limit, nil); err != nil {
			return fmt.Errorf("set limit %d: %w", resource, err)
		}
	}
	return nil
}

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

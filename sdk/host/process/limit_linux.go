package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// startLimited starts the command with its limits in force before its first
// instruction: it is started traced, which stops it right after exec, gets its
// limits and its cell, and is let go. Where tracing is forbidden they follow right
// after the start. The calling goroutine must be locked to its thread.
func startLimited(c Config, held *cell) (*exec.Cmd, error) {
	cmd := c.Command()
	cmd.SysProcAttr = apart(c.Account)
	cmd.SysProcAttr.Ptrace = true
	err := cmd.Start()
	traced := err == nil
	if errors.Is(err, unix.EPERM) {
		cmd = c.Command()
		cmd.SysProcAttr = apart(c.Account)
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	if traced {
		err = awaitStop(cmd.Process.Pid)
	}
	if err == nil {
		err = asAccount(c.Account, func() error { return setLimits(cmd.Process.Pid, c.Limits) })
	}
	held.hold(cmd.Process.Pid)
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

// apart gives the process a session of its own, which is a group too, and its
// user. It ends with the thread that started it.
func apart(account *Account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if account != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(account.UID), Gid: uint32(account.GID)} //nolint:gosec // an id of a process or user, which the system gave
	}
	return attr
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

// asAccount calls set with the account as the real user of this thread alone,
// since only a process of the same user, or one with a right that containers
// lack, may set its limits. The effective user, and so every right, stays.
func asAccount(account *Account, set func() error) (err error) {
	if account == nil {
		return set()
	}
	uid, gid := os.Getuid(), os.Getgid()
	if err := realUser(account.UID, account.GID); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, realUser(uid, gid)) }()
	return set()
}

// realUser sets the real user and group of this thread, which is locked. The
// package syscall would set those of the whole process.
func realUser(uid, gid int) error {
	const keep = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), keep, keep); errno != 0 {
		return fmt.Errorf("set the group of the thread: %w", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), keep, keep); errno != 0 {
		return fmt.Errorf("set the user of the thread: %w", errno)
	}
	return nil
}

func setLimits(pid int, l Limits) error {
	for _, limit := range []struct {
		resource int
		value    unix.Rlimit
	}{
		{unix.RLIMIT_DATA, unix.Rlimit{Cur: l.MemoryBytes, Max: l.MemoryBytes}},
		{unix.RLIMIT_CPU, unix.Rlimit{Cur: l.CPUSeconds, Max: l.CPUSeconds + 1}}, // first SIGXCPU, then SIGKILL
		{unix.RLIMIT_NOFILE, unix.Rlimit{Cur: 256, Max: 256}},
		{unix.RLIMIT_CORE, unix.Rlimit{}}, // a core would hold the secrets
	} {
		if err := unix.Prlimit(pid, limit.resource, &limit.value, nil); err != nil {
			return fmt.Errorf("set limit %d: %w", limit.resource, err)
		}
	}
	return nil
}

// reap waits for the end of the process, ends what it left behind while its
// number is still its own, and gives the error of its end.
func reap(cmd *exec.Cmd, held *cell) error {
	awaitExit(cmd.Process.Pid)
	killGroup(cmd.Process.Pid)
	held.kill()
	return cmd.Wait()
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

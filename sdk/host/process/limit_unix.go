//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// startLimited starts the command in a group of its own. Limits of another
// process cannot be set here; deadlines and a plugin's own watch on its parent
// remain.
func startLimited(c Config, _ *cell) (*exec.Cmd, error) {
	cmd := c.Command()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.Account != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.Account.UID), Gid: uint32(c.Account.GID)}
	}
	return cmd, cmd.Start()
}

// reap waits for the end of the process, and ends what is left of its group.
func reap(cmd *exec.Cmd, _ *cell) error {
	err := cmd.Wait()
	killGroup(cmd.Process.Pid)
	return err
}

func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

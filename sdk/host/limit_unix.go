//go:build unix && !linux

package host

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// startLimited starts the command in a group of its own. Limits of another
// process cannot be set here; deadlines and the plugin's own watch on its
// parent remain.
func startLimited(command func() *exec.Cmd, account *Account, _ Limits, _ *cell) (*exec.Cmd, error) {
	cmd := command()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if account != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(account.UID), Gid: uint32(account.GID)}
	}
	return cmd, cmd.Start()
}

// awaitExit returns at once: the caller reaps the process itself.
func awaitExit(int) {}

func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

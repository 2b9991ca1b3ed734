//go:build !unix

package host

import (
	"os"
	"os/exec"
)

// startLimited starts the command. There are no groups and no limits here;
// deadlines and the plugin's own watch on its parent remain.
func startLimited(command func() *exec.Cmd, _ *Account, _ Limits, _ *cell) (*exec.Cmd, error) {
	cmd := command()
	return cmd, cmd.Start()
}

// awaitExit returns at once: the caller reaps the process itself.
func awaitExit(int) {}

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

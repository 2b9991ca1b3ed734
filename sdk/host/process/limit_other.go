//go:build !unix

package process

import (
	"os"
	"os/exec"
)

// startLimited starts the command. There are no groups and no limits here;
// deadlines and a plugin's own watch on its parent remain.
func startLimited(c Config, _ *cell) (*exec.Cmd, error) {
	cmd := c.Command()
	return cmd, cmd.Start()
}

// reap waits for the end of the process. What it left behind is not known here.
func reap(cmd *exec.Cmd, _ *cell) error { return cmd.Wait() }

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shell starts a script and gives the process with what it writes.
func shell(t *testing.T, script string, limits Limits) (*Process, *Bounded) {
	t.Helper()
	out := NewBounded(1<<10, nil)
	p, err := Start(Config{Limits: limits, Command: func() *exec.Cmd {
		return &exec.Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Stdout: out, WaitDelay: time.Second}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, out
}

// alive tells whether the process runs.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(status), ") Z ")
}

func TestLimitsHoldFromTheStart(t *testing.T) {
	p, out := shell(t, "ulimit -d; ulimit -t; ulimit -n; ulimit -c", Limits{MemoryBytes: 64 << 20, CPUSeconds: 7})
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Bytes()), "65536\n7\n256\n0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNothingOutlivesAProcess that ends by itself or is ended, neither in its
// group nor in a session of its own.
func TestNothingOutlivesAProcess(t *testing.T) {
	for name, last := range map[string]string{"by itself": "true", "ended": "sleep 1000"} {
		p, out := shell(t, "sleep 1000 >/dev/null & echo $!; setsid sleep 1000 >/dev/null & echo $!; sleep 0.2; "+last, Limits{MemoryBytes: 1 << 40, CPUSeconds: 60})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := p.Wait(ctx)
		cancel()
		if (err == nil) != (name == "by itself") {
			t.Errorf("%s: %v, %v", name, err, p.State())
		}
		pids := strings.Fields(string(out.Bytes()))
		if len(pids) != 2 {
			t.Fatalf("%s: it wrote %q", name, out.Bytes())
		}
		for _, text := range append(pids, strconv.Itoa(p.PID())) {
			if pid, _ := strconv.Atoi(text); alive(pid) {
				t.Errorf("%s: process %d lives on", name, pid)
			}
		}
	}
}

func TestWhatCannotBeStartedIsAnError(t *testing.T) {
	if _, err := Start(Config{Command: func() *exec.Cmd { return &exec.Cmd{Path: filepath.Join(t.TempDir(), "absent")} }}); err == nil {
		t.Error("no error")
	}
}

// TestWhatAKilledHostLeavesInACellIsEnded as the next one starts.
func TestWhatAKilledHostLeavesInACellIsEnded(t *testing.T) {
	name := fmt.Sprintf("souk-run-test%d", os.Getpid())
	held := newCell(OwnCgroup(), name)
	if held == nil {
		t.Log("cgroups cannot be made here, and are none")
		EndCell(OwnCgroup(), name)
		return
	}
	left := exec.CommandContext(t.Context(), "/bin/sleep", "1000")
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	held.hold(left.Process.Pid)
	ended := make(chan struct{})
	go func() { _ = left.Wait(); close(ended) }() // as init would, for a host that is gone
	EndCell(OwnCgroup(), name)
	if _, err := os.Stat(held.path); !os.IsNotExist(err) {
		t.Errorf("the cell is still there: %v", err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("what stood in the cell lives on")
		_ = left.Process.Kill()
	}
}

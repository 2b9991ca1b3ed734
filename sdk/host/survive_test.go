package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/host/process"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// crashWithChildren leaves a child in a session of its own, and crashes.
func crashWithChildren(out sdk.Sink) error {
	cmd := exec.CommandContext(context.Background(), "/bin/sleep", "1000") // must outlive its parent
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := errors.Join(out.Emit(asset(strconv.Itoa(cmd.Process.Pid))), out.Checkpoint(nil)); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond) // until the host has read it
	panic("crashed with children")
}

// TestACrashLeavesNoGrandchild, not in another session either.
func TestACrashLeavesNoGrandchild(t *testing.T) {
	b := newBench(t)
	var m memory
	_, f := b.harvest("crash with children", host.Limits{}, &m)
	if f == nil || f.Code != "panic" || len(m.names) != 1 {
		t.Fatalf("got %+v, %v", f, m.names)
	}
	if pid, err := strconv.Atoi(m.names[0]); err != nil || !gone(pid) {
		t.Errorf("process %d lives on: %v", pid, err)
	}
}

// TestLimitsHoldForAnotherUser, who has no rights of the server's.
func TestLimitsHoldForAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may start a process as another user")
	}
	if raceEnabled {
		t.Skip("the race detector's shadow memory leaves no useful memory limit")
	}
	for name, want := range map[string]struct {
		limits host.Limits
		code   string
	}{
		"leak": {host.Limits{MemoryBytes: 256 << 20}, "memory_limit"},
		"busy": {host.Limits{CPUSeconds: 1}, "cpu_limit"},
	} {
		b, spec := newBench(t), host.Self(name)
		if err := os.Chmod(b.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		spec.Account = &process.Account{UID: 65534, GID: 65534}
		p, failure := b.launch(spec, want.limits)
		if failure != nil {
			t.Fatal(failure)
		}
		_, err := p.Harvest(t.Context(), host.Request{Config: json.RawMessage(`{"count": 250}`)}, &memory{})
		if f := b.failure(err); f.Code != want.code {
			t.Errorf("%s: got %+v, want %s", name, f, want.code)
		}
		b.close(p)
	}
}

// hugeMessage is refused by its length, before it is read.
func hugeMessage(send func(...*harvestv1.HarvestEvent) error) error {
	e := batch(1, 1)
	e.GetBatch().GetRecords()[0].GetAsset().Description = strings.Repeat("x", 400<<20)
	return send(e)
}

// TestAHugeMessageLeavesTheHostSmall: it took 2.8 GB where gRPC had no limit.
func TestAHugeMessageLeavesTheHostSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector multiplies memory")
	}
	b := newBench(t)
	before := peak(t)
	_, f := b.harvest("huge message", host.Limits{MemoryBytes: 4 << 30}, &memory{})
	if f == nil || f.Code != "message_too_large" {
		t.Fatalf("got %+v", f)
	}
	if grown := peak(t) - before; grown > 64<<20 {
		t.Errorf("the host has grown by %d MiB", grown>>20)
	}
}

// TestUsageIsOfThePluginAlone, and not of the host that started it.
func TestUsageIsOfThePluginAlone(t *testing.T) {
	b := newBench(t)
	held := make([]byte, 300<<20) // which a child that is being started shares
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	p, failure := b.launch(host.Self("good"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	if _, err := p.Harvest(t.Context(), host.Request{}, &memory{}); err != nil {
		t.Fatal(err)
	}
	b.close(p)
	u := p.Usage()
	if u.CPU <= 0 || u.MaxRSS < 4<<20 || !raceEnabled && u.MaxRSS > 200<<20 || held[0] == 0 {
		t.Errorf("got %d MiB and %s", u.MaxRSS>>20, u.CPU)
	}
}

// peak is the most memory that this process has had.
func peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

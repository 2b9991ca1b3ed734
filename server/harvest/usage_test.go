package harvest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
)

// TestUsage tells what a plugin took of the machine, also when a limit ended it.
func TestUsage(t *testing.T) {
	w := newWorld(t, func(c *harvest.Config) { c.Limits.CPUSeconds = 1 })
	s := w.source()
	run := w.succeed(s, "tables main 200", "done main")
	if run.CPUSeconds == nil || *run.CPUSeconds <= 0 || *run.CPUSeconds > 1 || run.PeakMemoryBytes == nil || *run.PeakMemoryBytes < 1<<20 {
		t.Errorf("got %v s and %v bytes", run.CPUSeconds, run.PeakMemoryBytes)
	}
	run = w.run(s, "spin")
	if f := run.Failure; run.Status != model.RunFailed || f.Code != "cpu_limit" || !strings.Contains(f.Message, "s of processor time, and up to") {
		t.Errorf("got %s, %+v", run.Status, f)
	}
	if run.CPUSeconds == nil || *run.CPUSeconds < 0.9 {
		t.Errorf("got %v s of one that used them all", run.CPUSeconds)
	}
}

// hoard takes memory until there is no more of it, and pauses for long enough to
// be looked at while it has 80 MiB.
func hoard() error {
	var held [][]byte
	for i := range 1 << 10 {
		some := make([]byte, 4<<20)
		for i := 0; i < len(some); i += os.Getpagesize() {
			some[i] = 1
		}
		if held = append(held, some); i == 20 {
			time.Sleep(3 * time.Second)
		}
	}
	return fmt.Errorf("%d MiB are no end", len(held)*4)
}

// TestUsageOfMemory tells of a plugin that its limit ended how much it had.
func TestUsageOfMemory(t *testing.T) {
	const limit = 256 << 20
	w := newWorld(t, func(c *harvest.Config) { c.Limits.MemoryBytes = limit })
	run := w.run(w.source(), "hoard")
	if f := run.Failure; run.Status != model.RunFailed || f.Code != "memory_limit" || !strings.Contains(f.Message, "more memory than the 256 MiB") {
		t.Fatalf("got %s, %+v", run.Status, f)
	}
	if run.PeakMemoryBytes == nil || *run.PeakMemoryBytes < limit/4 || *run.PeakMemoryBytes > 2*limit {
		t.Fatalf("got %v bytes of one that used %d", run.PeakMemoryBytes, limit)
	}
	if told := fmt.Sprintf("and up to %d MiB", *run.PeakMemoryBytes>>20); !strings.Contains(run.Failure.Message, told) {
		t.Errorf("got %q, want %q in it", run.Failure.Message, told)
	}
}

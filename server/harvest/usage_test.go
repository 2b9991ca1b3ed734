package harvest_test

import (
	"strings"
	"testing"

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

package startup_test

import (
	"runtime/debug"
	"testing"

	"github.com/souk-mesh/souk/server/cmd/souk/internal/startup"
)

// TestOver looks at what the collector lets the heap grow by: what Go says after a
// start, unless the operator has said something else.
func TestOver(t *testing.T) {
	before := debug.SetGCPercent(300)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	t.Setenv("GOGC", "300")
	startup.Over()
	if got := debug.SetGCPercent(300); got != 300 {
		t.Errorf("beside a GOGC of 300: got %d", got)
	}
	t.Setenv("GOGC", "")
	startup.Over()
	if got := debug.SetGCPercent(300); got != 100 {
		t.Errorf("after the start: got %d, want 100", got)
	}
}

package harvest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
)

// TestAClockThatGoesBack: a source is harvested at once and from then on as
// scheduled, rather than not at all until the clock has come again to where it
// was; what is gone is retired, and what is there stays.
//
// Bad input: a clock that goes back.
func TestAClockThatGoesBack(t *testing.T) {
	w, clock, system := scheduled(t)
	s := w.hourly()
	w.succeed(s, "table public orders id", "table public customers id", "done public")
	clock.forward(-5 * time.Minute) // clocks of two servers differ as much
	w.Tick(system)
	before := w.latest(s)
	if before.Trigger == "schedule" {
		t.Errorf("a run before its time: %+v", before)
	}
	writeScript(t, w.script, "table public orders id", "done public")
	clock.forward(-72 * time.Hour)
	w.Tick(system)
	run := w.latest(s)
	if run.ID == before.ID || run.Status != model.RunSucceeded || run.Trigger != "schedule" || run.Counts.Retired != 1 {
		t.Errorf("three days back: %s %s, retired %d", run.Status, run.Trigger, run.Counts.Retired)
	}
	if d := cmp.Diff([]string{"orders"}, w.assets(model.AssetActive)); d != "" {
		t.Errorf("active (-want +got):\n%s", d)
	}
}

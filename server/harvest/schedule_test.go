package harvest_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

// clock is a clock that tests move.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return model.Now().Add(c.ahead)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// scheduled is a world whose clock stands still until it is moved, and whose
// schedules are looked at when the test says so.
func scheduled(t *testing.T) (*world, *clock, context.Context) {
	t.Helper()
	c := &clock{}
	w := newWorld(t, func(cfg *harvest.Config) {
		cfg.Now, cfg.Backoff = c.now, []time.Duration{time.Millisecond, time.Millisecond}
	})
	return w, c, model.WithPrincipal(t.Context(), model.System())
}

func (w *world) hourly() model.Source {
	return w.source(func(n *harvest.NewSource) { n.Schedule = "@hourly" })
}

// latest waits for the latest run of the source; a source that has none yet gives none.
func (w *world) latest(s model.Source) model.Run {
	w.t.Helper()
	id := w.reload(s).LastRunID
	if id == "" {
		return model.Run{}
	}
	return w.wait(model.Run{Meta: model.Meta{ID: id}})
}

func TestASourceRunsWhenItIsDue(t *testing.T) {
	w, clock, system := scheduled(t)
	writeScript(t, w.script, shop...)
	s, paused, none := w.hourly(), w.hourly(), w.source()
	yes := true
	paused = w.edit(paused, harvest.SourceEdit{Paused: &yes})
	w.Tick(system)
	if run := w.latest(s); run.ID != "" {
		t.Errorf("a run before its time: %+v", run)
	}
	clock.forward(61*time.Minute + time.Second) // an hour and the longest jitter
	w.Tick(system)
	run := w.latest(s)
	if run.Status != model.RunSucceeded || run.Trigger != "schedule" || run.StartedBy != model.System().ID {
		t.Errorf("the scheduled run: %+v", run)
	}
	for _, other := range []model.Source{paused, none} {
		if run := w.latest(other); run.ID != "" {
			t.Errorf("source %s has run", other.Name)
		}
	}
}

func TestAScheduledRunIsTriedAgain(t *testing.T) {
	w, clock, system := scheduled(t)
	s := w.hourly()
	writeScript(t, w.script, "table public orders id", "once-unavailable "+filepath.Join(t.TempDir(), "tried"), "done public")
	clock.forward(62 * time.Minute)
	w.Tick(system)
	run := w.latest(s)
	if run.Status != model.RunSucceeded || !slices.Contains(codes(run), "retried") || run.Counts.Assets != 1 {
		t.Errorf("the run ended as %s with %v and %+v: %+v", run.Status, codes(run), run.Counts, run.Failure)
	}
	clock.forward(62 * time.Minute)
	writeScript(t, w.script, "unavailable")
	w.Tick(system)
	run = w.latest(s)
	if run.Status != model.RunFailed || len(run.Notes) != 1 || run.Notes[0].Count != 2 {
		t.Errorf("a source that stays down: %s %+v", run.Status, run.Notes)
	}
	if run = w.run(s, "unavailable"); len(run.Notes) != 0 {
		t.Errorf("a run that somebody waits for was tried again: %+v", run.Notes)
	}
}

func TestFailedRunsPauseTheSchedule(t *testing.T) {
	w, clock, system := scheduled(t)
	s := w.hourly()
	for i := range 5 {
		run := w.run(s, "auth")
		if got, want := slices.Contains(codes(run), "circuit_open"), i == 4; got != want {
			t.Errorf("notes of run %d: %v", i+1, codes(run))
		}
	}
	if s = w.reload(s); !s.Paused || s.FailedRuns != 5 {
		t.Errorf("the source after five failures: paused %v, failed %d", s.Paused, s.FailedRuns)
	}
	clock.forward(2 * time.Hour)
	w.Tick(system)
	if got := w.reload(s).LastRunID; got != s.LastRunID {
		t.Error("a paused schedule has run")
	}
	w.succeed(s, shop...)
	if s = w.reload(s); s.Paused || s.FailedRuns != 0 {
		t.Errorf("the source after a success: paused %v, failed %d", s.Paused, s.FailedRuns)
	}
	yes, no := true, false
	s = w.edit(s, harvest.SourceEdit{Paused: &yes})
	w.succeed(s, shop...)
	if !w.reload(s).Paused {
		t.Error("a success has lifted a person's pause")
	}
	if s = w.edit(w.reload(s), harvest.SourceEdit{Paused: &no}); s.Paused {
		t.Error("the schedule stays paused")
	}
}

func TestASourceThatCannotBeginRests(t *testing.T) {
	w, clock, system := scheduled(t)
	w.apply(store.Sources.Put(model.Source{Meta: model.Meta{ID: "src_lost"}, Name: "lost", DomainID: "dom_gone", Plugin: "script", Schedule: "@hourly"}))
	complaints := func() int { return strings.Count(w.log.String(), "start source lost") }
	clock.forward(62 * time.Minute)
	w.Tick(system)
	w.Tick(system)
	if got := complaints(); got != 1 {
		t.Errorf("%d complaints in two rounds", got)
	}
	clock.forward(6 * time.Minute)
	w.Tick(system)
	if got := complaints(); got != 2 {
		t.Errorf("%d complaints after the rest", got)
	}
}

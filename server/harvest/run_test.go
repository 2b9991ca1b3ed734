package harvest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

var shop = []string{
	"table public orders id customer total", "table public customers id name", "table public totals day total",
	"edge public orders totals", "rule public orders not_null_id", "done public", "note info script.hello here",
}

func TestARunKeepsWhatThePluginFinds(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	run := w.succeed(s, shop...)
	want := model.RunCounts{Assets: 3, Fields: 7, Edges: 1, Quality: 1, Created: 3}
	if d := cmp.Diff(want, run.Counts); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"public"}, run.Scopes); d != "" {
		t.Errorf("scopes (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]model.RunNote{{Level: "info", Code: "script.hello", Title: "A remark.", Count: 1, Samples: []string{"here"}}}, run.Notes); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
	if run.EndedAt == nil || run.StartedBy != "prn_ana" || run.Trigger != "manual" {
		t.Errorf("the run tells too little: %+v", run)
	}
	if d := cmp.Diff([]string{"customers", "orders", "totals"}, w.assets(model.AssetActive)); d != "" {
		t.Errorf("assets (-want +got):\n%s", d)
	}
	stored, err := w.HarvestRun(w.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(run.Counts, stored.Counts); d != "" || stored.Status != model.RunSucceeded {
		t.Errorf("the row differs from what was watched: %s %s", stored.Status, d)
	}
}

func TestASecondRunChangesNothing(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, shop...)
	before := w.revisions()
	run := w.succeed(s, shop...)
	if c := run.Counts; c.Unchanged != 3 || c.Created+c.Updated+c.Retired != 0 {
		t.Errorf("counts of the second run: %+v", c)
	}
	if d := cmp.Diff(before, w.revisions()); d != "" {
		t.Errorf("the second run has written (-want +got):\n%s", d)
	}
}

// revisions gives the revision of everything that a harvest feeds.
func (w *world) revisions() map[model.ID]model.Revision {
	w.t.Helper()
	all := map[model.ID]model.Revision{}
	add := func(m model.Meta, err error) {
		if err != nil {
			w.t.Fatal(err)
		}
		all[m.ID] = m.Revision
	}
	for a, err := range store.Assets.All(w.t.Context(), w.store, store.Query{Index: "by_name"}) {
		add(a.Meta, err)
	}
	for e, err := range store.Edges.All(w.t.Context(), w.store, store.Query{Index: "by_to"}) {
		add(e.Meta, err)
	}
	for r, err := range store.QualityRules.All(w.t.Context(), w.store, store.Query{Index: "by_asset"}) {
		add(r.Meta, err)
	}
	return all
}

func TestManyRecordsAreKeptInManyChanges(t *testing.T) {
	w := newWorld(t)
	run := w.succeed(w.source(), "tables big 1700", "done big")
	if run.Counts.Assets != 1700 || run.Counts.Created != 1700 || run.Counts.Fields != 3400 {
		t.Errorf("counts: %+v", run.Counts)
	}
	changes := 0
	for e, err := range store.Events.All(t.Context(), w.store, store.Query{Index: "by_seq"}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Action == "run.observe" {
			changes++
		}
	}
	if changes < 6 || changes > 9 {
		t.Errorf("1700 records were kept in %d changes", changes)
	}
}

func TestWhatEndsARunAndWhoseFaultItIs(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		fault model.Fault
		code  string
	}{
		{"panic", []string{"panic"}, model.FaultPlugin, "panic"},
		{"exit", []string{"exit"}, model.FaultPlugin, "exit"},
		{"hang", []string{"hang"}, model.FaultPlugin, "hang"},
		{"unavailable", []string{"unavailable"}, model.FaultSource, "unavailable"},
		{"auth", []string{"auth"}, model.FaultSource, "auth"},
		{"config", []string{"nonsense"}, model.FaultConfig, "config"},
		{"scope with an error", []string{"note error lost public", "done public"}, model.FaultPlugin, "scope_incomplete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(c *harvest.Config) { c.Limits.Idle = 2 * time.Second })
			s := w.source()
			w.succeed(s, "table public orders id", "table public customers id", "done public")
			run := w.run(s, append([]string{"table public orders id", "done public"}, c.lines...)...)
			if run.Status != model.RunFailed || run.Failure == nil {
				t.Fatalf("the run ended as %s", run.Status)
			}
			if f := run.Failure; f.Fault != c.fault || f.Code != c.code || f.Message == "" || f.Fix == "" {
				t.Errorf("failure: %+v", f)
			}
			if d := cmp.Diff([]string{"customers", "orders"}, w.assets(model.AssetActive)); d != "" {
				t.Errorf("a run that failed has retired something (-want +got):\n%s", d)
			}
			if got := w.reload(s).FailedRuns; got != 1 {
				t.Errorf("failed runs: %d", got)
			}
			w.succeed(s, "table public orders id", "table public customers id", "done public")
			if got := w.reload(s).FailedRuns; got != 0 {
				t.Errorf("failed runs after a success: %d", got)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, shop...)
	writeScript(t, w.script, "table public orders id customer total", "done public", "hang")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1)
	if _, err := w.Cancel(w.outside, run.ID); !model.Is(err, model.KindNotFound) && !model.Is(err, model.KindDenied) {
		t.Errorf("a stranger's cancel: %v", err)
	}
	begun := time.Now()
	run, err = w.Cancel(w.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if run.Status != model.RunCancelled || run.Failure != nil || run.EndedAt == nil {
		t.Errorf("the run ended as %s: %+v", run.Status, run.Failure)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the cancel took %s", took)
	}
	if got := len(w.assets(model.AssetActive)); got != 3 {
		t.Errorf("%d assets are left", got)
	}
	again, err := w.Cancel(w.ctx, run.ID)
	if err != nil || again.Status != model.RunCancelled {
		t.Errorf("a second cancel: %s %v", again.Status, err)
	}
	done := w.succeed(s, shop...)
	if _, err := w.Cancel(w.ctx, done.ID); !model.Is(err, model.KindConflict) {
		t.Errorf("the cancel of a run that succeeded: %v", err)
	}
}

// awaitCounts waits until the run has counted assets.
func (w *world) awaitCounts(run model.Run, assets int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	states, err := w.Watch(ctx, run.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for state := range states {
		if state.Counts.Assets >= assets {
			return
		}
		if state.Status != model.RunRunning {
			w.t.Fatalf("the run ended as %s: %+v", state.Status, state.Failure)
		}
	}
	w.t.Fatal("the run has counted nothing")
}

func TestASourceHasOneRunAtATime(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	release := w.script + ".go"
	writeScript(t, w.script, "await "+release)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var started []model.Run
	for range 12 {
		wg.Go(func() {
			run, err := w.Start(w.ctx, s.ID, "manual")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				started = append(started, run)
			} else if e, _ := errors.AsType[*model.Error](err); e == nil || e.Kind != model.KindConflict || e.Code != "run_in_progress" {
				t.Errorf("a second start: %v", err)
			}
		})
	}
	wg.Wait()
	if len(started) != 1 {
		t.Fatalf("%d runs were started", len(started))
	}
	writeScript(t, release)
	if run := w.wait(started[0]); run.Status != model.RunSucceeded {
		t.Errorf("the run ended as %s: %+v", run.Status, run.Failure)
	}
	w.succeed(s)
}

func TestFourPluginsWorkAtATime(t *testing.T) {
	w := newWorld(t)
	release := w.script + ".go"
	writeScript(t, w.script, "table public orders id", "checkpoint a", "await "+release)
	var runs []model.Run
	for range 6 {
		run, err := w.Start(w.ctx, w.source().ID, "manual")
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	working := func() (n int) {
		for _, run := range runs {
			now, err := w.HarvestRun(w.ctx, run.ID)
			if err != nil {
				t.Fatal(err)
			}
			n += now.Counts.Assets
		}
		return n
	}
	for range 500 {
		if working() >= 4 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	if got := working(); got != 4 {
		t.Errorf("%d plugins work at a time", got)
	}
	writeScript(t, release)
	for _, run := range runs {
		if run = w.wait(run); run.Status != model.RunSucceeded {
			t.Errorf("a run ended as %s: %+v", run.Status, run.Failure)
		}
	}
}

func TestRunsThatFeedTheSameAssets(t *testing.T) {
	w := newWorld(t)
	var runs []model.Run
	writeScript(t, w.script, "tables one 300", "tables two 300", "edge one one.t1 two.t2", "rule one one.t1 key", "done one", "done two")
	for range 4 {
		run, err := w.Start(w.ctx, w.source().ID, "manual")
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	for _, run := range runs {
		if run = w.wait(run); run.Status != model.RunSucceeded || run.Counts.Assets != 600 {
			t.Errorf("a run ended as %s with %+v: %+v", run.Status, run.Counts, run.Failure)
		}
	}
	if got := len(w.assets(model.AssetActive)); got != 600 {
		t.Errorf("four sources show %d assets, not 600", got)
	}
}

func TestWatch(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	release := w.script + ".go"
	writeScript(t, w.script, "tables big 1200", "await "+release, "done big")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	slow, err := w.Watch(w.ctx, run.ID) // read only at the end
	if err != nil {
		t.Fatal(err)
	}
	short, stop := context.WithCancel(w.ctx)
	leaving, err := w.Watch(short, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1000)
	stop()
	for range leaving {
	}
	writeScript(t, release)
	run = w.wait(run)
	var states []model.Run
	for state := range slow {
		states = append(states, state)
	}
	if len(states) != 1 || states[0].Status != model.RunSucceeded || states[0].Counts.Assets != 1200 {
		t.Errorf("a slow reader got %d states", len(states))
	}
	late, err := w.Watch(w.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if state, ok := <-late; !ok || state.Status != model.RunSucceeded {
		t.Errorf("a late reader got %+v", state)
	}
	if _, ok := <-late; ok {
		t.Error("the channel of a run that is over stays open")
	}
	if _, err := w.Watch(w.outside, run.ID); !model.Is(err, model.KindNotFound) {
		t.Errorf("a stranger's watch: %v", err)
	}
}

func TestRunsAreListedTheLatestFirst(t *testing.T) {
	w := newWorld(t)
	s, other := w.source(), w.source()
	a := w.succeed(s, shop...)
	b := w.run(s, "auth")
	c := w.run(other, "auth")
	for _, q := range []struct {
		name   string
		filter harvest.RunFilter
		want   []model.ID
	}{
		{"all", harvest.RunFilter{}, []model.ID{c.ID, b.ID, a.ID}},
		{"of a source", harvest.RunFilter{SourceID: s.ID}, []model.ID{b.ID, a.ID}},
		{"in a status", harvest.RunFilter{Status: model.RunFailed}, []model.ID{c.ID, b.ID}},
		{"both", harvest.RunFilter{SourceID: s.ID, Status: model.RunFailed}, []model.ID{b.ID}},
	} {
		t.Run(q.name, func(t *testing.T) {
			page, err := w.Runs(w.ctx, q.filter, model.Paging{First: 10})
			if err != nil {
				t.Fatal(err)
			}
			var got []model.ID
			for _, run := range page.Nodes {
				got = append(got, run.ID)
			}
			if d := cmp.Diff(q.want, got); d != "" {
				t.Errorf("runs (-want +got):\n%s", d)
			}
			hidden, err := w.Runs(w.outside, q.filter, model.Paging{First: 10})
			if err != nil || len(hidden.Nodes) > 0 {
				t.Errorf("a stranger sees %d runs, %v", len(hidden.Nodes), err)
			}
		})
	}
}

// TestARunShowsHowFarItIs keeps what the plugin told last, as much of it as is
// shown.
func TestARunShowsHowFarItIs(t *testing.T) {
	w := newWorld(t)
	run := w.succeed(w.source(), "progress 1 7 schemas", "table public a id", "progress 3 0 "+strings.Repeat("t", 300), "done public")
	kept, err := store.Runs.Get(t.Context(), w.store, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p := kept.Progress; p == nil || p.Done != 3 || p.Total != 0 || len(p.What) > 103 || !strings.HasPrefix(p.What, "ttt") {
		t.Errorf("got %+v", p)
	}
}

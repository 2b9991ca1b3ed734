package harvest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

func TestCloseEndsTheRunsAsInterrupted(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	writeScript(t, w.script, "table public orders id", "checkpoint a", "hang")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1)
	w.Close()
	run, err = w.HarvestRun(w.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if run.Status != model.RunFailed || run.Failure == nil || run.Failure.Fault != model.FaultHost || run.Failure.Code != "interrupted" {
		t.Errorf("the run ended as %s: %+v", run.Status, run.Failure)
	}
	if s = w.reload(s); s.FailedRuns != 0 || string(s.Checkpoint) != "a" {
		t.Errorf("the source has %d failed runs and the checkpoint %q", s.FailedRuns, s.Checkpoint)
	}
	if _, err := w.Start(w.ctx, s.ID, "manual"); !model.Is(err, model.KindUnavailable) {
		t.Errorf("a start after the close: %v", err)
	}
}

func TestARunThatAnotherServerEndedIsStopped(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	release := w.script + ".go"
	writeScript(t, w.script, "table public orders id", "checkpoint a", "await "+release, "table public late id", "done public", "hang")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1)
	elsewhere := harvest.New(w.config) // as a second server on the same store
	t.Cleanup(elsewhere.Close)
	if _, err := elsewhere.Start(w.ctx, s.ID, "manual"); !model.Is(err, model.KindConflict) {
		t.Errorf("a start on another server: %v", err)
	}
	states, err := elsewhere.Watch(w.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Cancel(w.ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	writeScript(t, release)
	if got := w.wait(run); got.Status != model.RunCancelled {
		t.Errorf("the run ended as %s: %+v", got.Status, got.Failure)
	}
	var last model.Run
	for last = range states {
	}
	if last.Status != model.RunCancelled {
		t.Errorf("the other server saw it end as %s", last.Status)
	}
	if d := cmp.Diff([]string{"orders"}, w.assets(model.AssetActive)); d != "" {
		t.Errorf("something was kept after the end (-want +got):\n%s", d)
	}
}

func TestARunSaysThatItLives(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	writeScript(t, w.script, "table public orders id", "checkpoint a", "hang")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1)
	row := func() model.Run {
		found, err := store.Runs.Get(t.Context(), w.store, run.ID)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := row()
	w.Refresh(run.ID)
	if after := row(); after.Revision != before.Revision+1 || after.Status != model.RunRunning {
		t.Errorf("the row went from revision %d to %d", before.Revision, after.Revision)
	}
	elsewhere := harvest.New(w.config)
	t.Cleanup(elsewhere.Close)
	if _, err := elsewhere.Cancel(w.ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	w.Refresh(run.ID)
	if got := w.wait(run); got.Status != model.RunCancelled {
		t.Errorf("a run that learns of its end ended as %s", got.Status)
	}
}

func TestARunWhoseServerIsGoneIsGivenUp(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	run := model.Run{Meta: model.Meta{ID: model.NewID(model.PrefixRun)}, SourceID: s.ID, Status: model.RunRunning, Trigger: "manual", StartedAt: model.Now()}
	s.LastRunID = run.ID
	w.apply(store.Runs.Put(run), store.Sources.Put(s))
	if _, err := w.Start(w.ctx, s.ID, "manual"); !model.Is(err, model.KindConflict) {
		t.Errorf("a start beside a run that may live: %v", err)
	}
	writeScript(t, w.script, shop...)
	w.config.Now = func() time.Time { return model.Now().Add(2 * time.Minute) }
	later := harvest.New(w.config)
	t.Cleanup(later.Close)
	ctx, cancel := context.WithCancel(model.WithPrincipal(t.Context(), model.System()))
	var loop sync.WaitGroup
	loop.Go(func() { later.Run(ctx) })
	run, err := later.Wait(w.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if f := run.Failure; run.Status != model.RunFailed || f == nil || f.Fault != model.FaultHost || f.Code != "interrupted" {
		t.Errorf("the run ended as %s: %+v", run.Status, f)
	}
	for w.reload(s).LastRunID == run.ID {
		time.Sleep(10 * time.Millisecond)
	}
	next, err := later.Wait(w.ctx, w.reload(s).LastRunID)
	cancel()
	loop.Wait()
	if err != nil || next.Trigger != "takeover" || next.Status != model.RunSucceeded {
		t.Errorf("it was carried on as %+v, %v", next, err)
	}
}

// TestARunIsTakenOverOnce gives a run up whose row stands still for another
// server, whatever its clock says, and carries it on from its checkpoint: once,
// since it may be the run that ends servers.
func TestARunIsTakenOverOnce(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	writeScript(t, w.script, "table public orders id", "checkpoint a", "hang")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1)
	elsewhere := harvest.New(w.config)
	t.Cleanup(elsewhere.Close)
	system := model.WithPrincipal(t.Context(), model.System())
	elsewhere.Tick(system)
	elsewhere.Silence(15 * time.Second)
	w.Refresh(run.ID) // it lives
	elsewhere.Tick(system)
	elsewhere.Silence(15 * time.Second)
	elsewhere.Tick(system)
	if got := w.reload(s); got.LastRunID != run.ID {
		t.Fatalf("a run that lives was taken over by %s", got.LastRunID)
	}
	elsewhere.Silence(10 * time.Second)
	elsewhere.Tick(system)
	if got := w.wait(run); got.Status != model.RunFailed || got.Failure.Code != "interrupted" {
		t.Errorf("the run ended as %s: %+v", got.Status, got.Failure)
	}
	next, err := elsewhere.HarvestRun(w.ctx, w.reload(s).LastRunID)
	if err != nil || next.ID == run.ID || next.Trigger != "takeover" {
		t.Fatalf("it was carried on as %+v, %v", next, err)
	}
	elsewhere.Close()
	if got := w.reload(s); got.Interrupted || got.LastRunID != next.ID {
		t.Errorf("a run that was interrupted twice is taken over again: %+v", got)
	}
}

// TestWhatWaitsForNobodyIsTakenOver tells runs that people wait for in a command,
// and previews, from those that a server carries on.
func TestWhatWaitsForNobodyIsTakenOver(t *testing.T) {
	for trigger, want := range map[string]bool{"manual": true, "schedule": true, "command": false} {
		w := newWorld(t)
		s := w.source()
		writeScript(t, w.script, "table public orders id", "checkpoint a", "hang")
		run, err := w.Start(w.ctx, s.ID, trigger)
		if err != nil {
			t.Fatal(err)
		}
		w.awaitCounts(run, 1)
		w.Close()
		if got := w.reload(s).Interrupted; got != want {
			t.Errorf("%s: to be taken over: %v, want %v", trigger, got, want)
		}
	}
}

// TestARunBeforeTheOnlyServerIsNobodys does not wait for a minute of silence
// where the store tells that no other server lives.
func TestARunBeforeTheOnlyServerIsNobodys(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	run := model.Run{Meta: model.Meta{ID: model.NewID(model.PrefixRun)}, SourceID: s.ID, Status: model.RunRunning, Trigger: "manual", StartedAt: model.Now().Add(-time.Second)}
	s.LastRunID = run.ID
	w.apply(store.Runs.Put(run), store.Sources.Put(s))
	if _, err := w.Start(w.ctx, s.ID, "manual"); !model.Is(err, model.KindConflict) {
		t.Errorf("a start beside a run that may live: %v", err)
	}
	w.config.Alone = true
	w.Service = harvest.New(w.config)
	t.Cleanup(w.Close)
	w.succeed(w.reload(s), shop...)
	if old, err := store.Runs.Get(t.Context(), w.store, run.ID); err != nil || old.Status != model.RunFailed {
		t.Errorf("the run before is %s, %v", old.Status, err)
	}
}

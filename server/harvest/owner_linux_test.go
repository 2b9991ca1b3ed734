package harvest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/owner"
	"github.com/souk-mesh/souk/server/store"
)

// TestARunOfAKilledServerIsNobodys: beside other servers on one store, a source
// is free as soon as the process that harvested it is gone, and not before.
func TestARunOfAKilledServerIsNobodys(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	other := exec.CommandContext(t.Context(), "sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	by := owner.Of(other.Process.Pid)
	run := model.Run{Meta: model.Meta{ID: model.NewID(model.PrefixRun)}, SourceID: s.ID, Status: model.RunRunning, Trigger: "manual", StartedAt: model.Now(), Owner: by}
	s.LastRunID = run.ID
	w.apply(store.Runs.Put(run), store.Sources.Put(s))
	if _, err := w.Start(w.ctx, s.ID, "manual"); !model.Is(err, model.KindConflict) {
		t.Errorf("a start beside a run of a server that lives: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	w.succeed(w.reload(s), shop...)
	if old, err := store.Runs.Get(t.Context(), w.store, run.ID); err != nil || old.Status != model.RunFailed || old.Failure.Code != "interrupted" {
		t.Errorf("the run before is %s, %+v, %v", old.Status, old.Failure, err)
	}
}

// TestARunNamesItsServer, by which another server tells whether it lives.
func TestARunNamesItsServer(t *testing.T) {
	w := newWorld(t)
	run := w.succeed(w.source(), shop...)
	if want := owner.Of(os.Getpid()); run.Owner != want || want == "" {
		t.Errorf("the run's owner is %q, want %q", run.Owner, want)
	}
}

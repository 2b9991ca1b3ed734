package harvest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
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
	owner := harvest.OwnerOf(other.Process.Pid)
	run := model.Run{Meta: model.Meta{ID: model.NewID(model.PrefixRun)}, SourceID: s.ID, Status: model.RunRunning, Trigger: "manual", StartedAt: model.Now(), Owner: owner}
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
	if want := harvest.OwnerOf(os.Getpid()); run.Owner != want || want == "" {
		t.Errorf("the run's owner is %q, want %q", run.Owner, want)
	}
}

// TestGone: a process has ended only where that is certain.
func TestGone(t *testing.T) {
	self := strings.Fields(harvest.OwnerOf(os.Getpid()))
	first := strings.Fields(harvest.OwnerOf(1))
	if len(self) != 4 || len(first) != 4 {
		t.Fatalf("owners %q and %q", self, first)
	}
	for _, c := range []struct {
		name, owner string
		want        bool
	}{
		{"this process", strings.Join(self, " "), false},
		{"somebody else's process", strings.Join(first, " "), false},
		{"its number came again", strings.Join([]string{self[0], self[1], self[2], "1"}, " "), true},
		{"no such number", strings.Join([]string{self[0], self[1], "4194305", self[3]}, " "), true},
		{"another machine", "b0071d " + self[1] + " 4194305 1", false},
		{"another container", self[0] + " pid:[1] 4194305 1", false},
		{"an earlier program", "", false},
		{"no number", self[0] + " " + self[1] + " -1 1", false},
	} {
		if got := harvest.Gone(c.owner); got != c.want {
			t.Errorf("%s: gone is %v", c.name, got)
		}
	}
}

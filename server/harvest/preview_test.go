package harvest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// preview runs a script to its end without a change.
func (w *world) preview(s model.Source, lines ...string) model.Run {
	w.t.Helper()
	writeScript(w.t, w.script, lines...)
	run, err := w.Preview(w.ctx, s.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.wait(run)
}

// everything is what the store holds of what is harvested, and the source.
func (w *world) everything(s model.Source) map[model.ID]model.Revision {
	w.t.Helper()
	held := map[model.ID]model.Revision{}
	for a, err := range store.Assets.All(w.t.Context(), w.store, store.Query{Index: "by_name", Limit: 200}) {
		if err != nil {
			w.t.Fatal(err)
		}
		held[a.ID] = a.Revision
	}
	for e, err := range store.Edges.All(w.t.Context(), w.store, store.Query{Index: "by_scope", Where: store.Eq("scope", store.ScopeKey(s.ID, "public")), Limit: 200}) {
		if err != nil {
			w.t.Fatal(err)
		}
		held[e.ID] = e.Revision
	}
	return held
}

// samples gives what the notes of a run name, by code.
func samples(run model.Run) map[string][]string {
	named := map[string][]string{}
	for _, n := range run.Notes {
		named[n.Code] = n.Samples
	}
	return named
}

// TestPreview tells what a run would do, does nothing of it, and agrees with the
// run that follows.
func TestPreview(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	before := []string{"table public orders id", "table public lines id", "table public old id", "edge public orders lines", "done public"}
	after := []string{"table public orders id total", "table public lines id", "table public fresh id", "edge public orders fresh", "edge public lines fresh", "done public"}
	first := w.preview(s, before...)
	if first.Status != model.RunSucceeded || first.Counts.Created != 3 || len(w.everything(s)) != 0 {
		t.Errorf("the preview of an empty mesh ended as %+v, and left %v", first, w.everything(s))
	}
	w.succeed(s, before...)
	s = w.reload(s)
	held := w.everything(s)
	seen := w.preview(s, after...)
	if d := cmp.Diff(held, w.everything(s)); d != "" {
		t.Errorf("a preview has changed something (-before +after):\n%s", d)
	}
	for code, want := range map[string][]string{
		"would_create": {"shop.fresh"}, "would_change": {"shop.orders"}, "would_retire": {"shop.old"},
	} {
		if d := cmp.Diff(want, samples(seen)[code]); d != "" {
			t.Errorf("%s (-want +got):\n%s", code, d)
		}
	}
	done := w.succeed(w.reload(s), after...)
	if d := cmp.Diff(done.Counts, seen.Counts); d != "" {
		t.Errorf("the run that followed counts otherwise (-run +preview):\n%s", d)
	}
}

// TestPreviewLeavesTheSource keeps the checkpoint of an interrupted run, the
// failures in a row and the fail-safe as they were.
func TestPreviewLeavesTheSource(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table public a id", "table public b id", "done public")
	w.run(s, "table public a id", "checkpoint half", "unavailable")
	s = w.reload(s)
	seen := w.preview(s, "done public")
	if seen.Status != model.RunSucceeded || samples(seen)["retire_blocked"] == nil {
		t.Errorf("a preview of a source that shows nothing ended as %+v", seen)
	}
	w.preview(s, "unavailable")
	got := w.reload(s)
	if string(got.Checkpoint) != string(s.Checkpoint) || got.FailedRuns != s.FailedRuns || got.AllowRetireAll != s.AllowRetireAll || len(s.Checkpoint) == 0 {
		t.Errorf("got %+v, want %+v", got, s)
	}
}

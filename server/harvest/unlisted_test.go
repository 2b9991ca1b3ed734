package harvest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

func noteOf(t *testing.T, run model.Run, code string) model.RunNote {
	t.Helper()
	i := slices.IndexFunc(run.Notes, func(n model.RunNote) bool { return n.Code == code })
	if i < 0 {
		t.Fatalf("no note %s: %v", code, codes(run))
	}
	return run.Notes[i]
}

// TestAScopeThatNobodyListsAnyMore: what stood there neither goes nor stays
// without a word.
//
// Bad input: a schema that vanishes whole.
func TestAScopeThatNobodyListsAnyMore(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table old orders id", "table old customers id", "edge old orders customers", "rule old orders a", "done old")
	renamed := []string{"table new orders id", "done new"}
	for range 2 { // the word is said each time
		n := noteOf(t, w.succeed(s, renamed...), "scope_not_listed")
		if n.Level != "warn" || !strings.HasPrefix(n.Samples[0], "old: 1 asset, 1 flow, 1 quality rule") || !strings.Contains(n.Title, "allowRetireAll") {
			t.Errorf("note: %+v", n)
		}
	}
	for a, err := range store.Assets.All(t.Context(), w.store, store.Query{Index: "by_name"}) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Unlisted() != (a.ShortName == "customers") || a.Status != model.AssetActive {
			t.Errorf("%s: %s, unlisted %t", a.Name, a.Status, a.Unlisted())
		}
	}

	yes := true
	s = w.edit(w.reload(s), harvest.SourceEdit{AllowRetireAll: &yes})
	run := w.succeed(s, renamed...)
	if n := noteOf(t, run, "retired"); run.Counts.Retired != 1 || len(n.Samples) != 1 {
		t.Errorf("with a person's word: %+v, %+v", run.Counts, n)
	}
	if got := w.succeed(s, renamed...); len(got.Notes) != 0 || !slices.Equal(w.reload(s).Scopes, []string{"new"}) {
		t.Errorf("after it: %+v, scopes %v", got.Notes, w.reload(s).Scopes)
	}
}

// TestAScopeComesBack: what is listed again is as if nothing had been.
func TestAScopeComesBack(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table a orders id", "done a", "table b log id", "done b")
	noteOf(t, w.succeed(s, "table a orders id", "done a"), "scope_not_listed")
	run := w.succeed(s, "table a orders id", "done a", "table b log id", "done b")
	if len(run.Notes) != 0 || run.Counts.Updated != 1 {
		t.Errorf("got notes %+v, counts %+v", run.Notes, run.Counts)
	}
	if got := w.run(s, "table a orders id", "done a", "note error unreadable b"); slices.Contains(codes(got), "scope_not_listed") {
		t.Error("a scope that could not be read was listed all the same")
	}
}

// TestScopesOfAnOlderProgram are known from the runs.
func TestScopesOfAnOlderProgram(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table old orders id", "done old")
	s = w.reload(s)
	s.Scopes = nil
	w.apply(store.Sources.Put(s))
	noteOf(t, w.succeed(s, "table new log id", "done new"), "scope_not_listed")
}

// TestRunsWithErrorNotesArePartial, and count like others in every other way.
func TestRunsWithErrorNotesArePartial(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table public orders id", "table audit log id", "done public", "done audit")
	w.run(s, "table public orders id", "wait 500ms", "exit")
	run := w.run(s, "done public", "table public orders id", "note error unreadable audit")
	if run.Status != model.RunPartial || run.EndedAt == nil || run.Failure != nil {
		t.Fatalf("the run ended as %s: %+v", run.Status, run.Failure)
	}
	if got := w.reload(s); got.FailedRuns != 0 || len(got.Checkpoint) != 0 {
		t.Errorf("the source counts %d failures, checkpoint %q", got.FailedRuns, got.Checkpoint)
	}
	if got := w.assets(model.AssetActive); !slices.Equal(got, []string{"log", "orders"}) {
		t.Errorf("active: %v", got)
	}
	if _, err := w.Cancel(w.ctx, run.ID); !model.Is(err, model.KindConflict) {
		t.Errorf("cancel: %v", err)
	}
	page, err := w.Runs(w.ctx, harvest.RunFilter{SourceID: s.ID, Status: model.RunPartial}, model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 1 {
		t.Errorf("partial runs: %d, %v", len(page.Nodes), err)
	}
}

// TestGoneButNamed: a table that its database shows no longer is not there
// because a tool still names it.
func TestGoneButNamed(t *testing.T) {
	w := newWorld(t)
	db, tool := w.source(), w.source()
	w.succeed(db, "table public orders id", "table public log id", "done public")
	w.succeed(tool, "names tool orders", "done tool")
	run := w.succeed(db, "table public log id", "done public")
	if n := noteOf(t, run, "gone_but_named"); n.Count != 1 || run.Counts.Retired != 0 {
		t.Errorf("note %+v, counts %+v", n, run.Counts)
	}
	if got := w.assets(model.AssetUnresolved); !slices.Equal(got, []string{"orders"}) {
		t.Errorf("unresolved: %v", got)
	}
	w.succeed(tool, "names tool orders", "done tool")
	if got := w.assets(model.AssetUnresolved); !slices.Equal(got, []string{"orders"}) {
		t.Errorf("unresolved after the tool has named it again: %v", got)
	}
	w.succeed(tool, "done tool", "names tool other")
	if got := w.assets(model.AssetRetired); !slices.Equal(got, []string{"orders"}) {
		t.Errorf("retired when nobody names it: %v", got)
	}
}

// TestAChangedResultIsAChange.
func TestAChangedResultIsAChange(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, "table public orders id", "table public log id", "rule public orders a", "done public")
	run := w.succeed(s, "table public orders id", "table public log id", "rule public orders a fail", "done public")
	if c := run.Counts; c.Updated != 1 || c.Unchanged != 1 || c.Created != 0 {
		t.Errorf("counts: %+v", c)
	}
	run = w.succeed(s, "table public orders id", "table public log id", "rule public orders a fail", "done public")
	if c := run.Counts; c.Updated != 0 || c.Unchanged != 2 {
		t.Errorf("again: %+v", c)
	}
}

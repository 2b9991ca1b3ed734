package harvest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestUndo undoes a run that made, changed, renamed and retired: what nobody has
// written since stands as before, and the rest is told.
func TestUndo(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		s := w.source()
		w.succeed(s, object("a", "1"), "table main b id", "table main c id", "table main d id", "edge main b c", "rule main b checked pass", "done main")
		before := w.facts("shop.a", "shop.b", "shop.d")
		bad := w.succeed(s, object("z", "1"), "table main b id wrong", "table main c id wrong", "table main e id", "edge main b e", "done main")
		c := w.named("shop.c")
		c.Description = "written by somebody else since"
		w.apply(store.Assets.Put(c))

		_, err := w.Undo(w.outside, bad.ID)
		servertest.WantKind(t, err, model.KindNotFound)
		u, err := w.Undo(w.ctx, bad.ID)
		if err != nil {
			t.Fatal(err)
		}
		if u.Left != 1 || u.Restored < 5 || u.Run.UndoneAt == nil || !slices.Contains(codes(u.Run), "undo_left") {
			t.Errorf("got %d restored, %d left, notes %+v", u.Restored, u.Left, u.Run.Notes)
		}
		if diff := cmp.Diff(before, w.facts("shop.a", "shop.b", "shop.d"), cmpopts.IgnoreFields(model.Meta{}, "Revision", "UpdatedAt")); diff != "" {
			t.Error(diff)
		}
		if a := w.named("shop.a"); a.Name != "shop.a" || a.Status != model.AssetActive {
			t.Errorf("what was renamed is %s and %s", a.Name, a.Status)
		}
		if c, e := w.named("shop.c"), w.named("shop.e"); c.Description == "" || e.Status != model.AssetRetired {
			t.Errorf("got %q of what somebody wrote and %s of what the run had made", c.Description, e.Status)
		}
		if edges := w.edges(); len(edges) != 1 || edges[0].ToID != c.ID {
			t.Errorf("got edges %+v", edges)
		}
		_, err = w.Undo(w.ctx, bad.ID)
		servertest.WantKind(t, err, model.KindConflict)
		made := w.named("shop.e").ID
		run := w.succeed(s, object("z", "1"), "table main b id", "table main c id", "table main d id", "table main e id", "edge main b c", "rule main b checked pass", "done main")
		if run.Counts.Created != 0 || w.named("shop.e").ID != made || w.named("shop.z").ID != before[0].ID {
			t.Errorf("the next run: %+v, and e is %s", run.Counts, w.named("shop.e").ID)
		}
	})
}

// TestUndoIsRefused where there is nothing to put back.
func TestUndoIsRefused(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	first := w.succeed(s, "table main a id", "done main")
	idle := w.succeed(s, "table main a id", "done main")
	preview := w.preview(s, "table main b id", "done main")
	for _, run := range []model.Run{idle, preview} {
		_, err := w.Undo(w.ctx, run.ID)
		servertest.WantKind(t, err, model.KindConflict)
	}
	later := w.succeed(s, "table main a id name", "done main")
	_, err := w.Undo(w.ctx, first.ID)
	servertest.WantKind(t, err, model.KindConflict)
	if u, err := w.Undo(w.ctx, later.ID); err != nil || u.Restored != 1 {
		t.Errorf("got %+v, %v", u, err)
	}
	if rows, err := store.RunChanges.Find(t.Context(), w.store, store.Query{Index: "by_source", Where: store.Eq("source", string(s.ID))}); err != nil || len(rows.Nodes) != 0 {
		t.Errorf("%d parts are left, %v", len(rows.Nodes), err)
	}
}

// TestUndoBreaksOff goes on where the server was gone half way.
func TestUndoBreaksOff(t *testing.T) {
	var broken *breaking
	w := newWorld(t, func(c *harvest.Config) {
		broken = &breaking{Store: c.Store}
		c.Store = broken
	})
	s := w.source()
	w.succeed(s, "tables main 1200", "done main")
	run := w.succeed(s, "tables other 1200", "done other", "tables main 1200", "done main")
	broken.after = 2
	if _, err := w.Undo(w.ctx, run.ID); err == nil {
		t.Fatal("the store did not break")
	}
	broken.after = 0
	u, err := w.Undo(w.ctx, run.ID)
	if err != nil || u.Left != 0 || u.Restored == 0 || len(w.assets(model.AssetRetired)) != 1200 || len(w.assets(model.AssetActive)) != 1200 {
		t.Errorf("got %d restored and %d left, %d retired, %v", u.Restored, u.Left, len(w.assets(model.AssetRetired)), err)
	}
}

// facts gives assets as they stand.
func (w *world) facts(names ...string) []model.Asset {
	w.t.Helper()
	var all []model.Asset
	for _, name := range names {
		all = append(all, w.named(name))
	}
	return all
}

// breaking is a store that refuses one change of an undoing.
type breaking struct {
	store.Store

	after int // which one; 0 is none
}

func (b *breaking) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if c.Action == "run.undo" && b.after > 0 {
		if b.after--; b.after == 0 {
			return model.Event{}, store.Unavailable("the disk is full", "", nil)
		}
	}
	return b.Store.Apply(ctx, c)
}

// TestUndoPausesTheSchedule, since the next run would show the same again.
func TestUndoPausesTheSchedule(t *testing.T) {
	w := newWorld(t)
	s := w.source(func(n *harvest.NewSource) { n.Schedule = "@daily" })
	w.succeed(s, "table main a id", "done main")
	run := w.succeed(s, "table main a id wrong", "done main")
	u, err := w.Undo(w.ctx, run.ID)
	if err != nil || !w.reload(s).Paused || !slices.Contains(codes(u.Run), "undo_paused") {
		t.Errorf("paused %v, notes %v, %v", w.reload(s).Paused, codes(u.Run), err)
	}
	run = w.succeed(s, "table main a id wrong again", "done main")
	if u, err = w.Undo(w.ctx, run.ID); err != nil || slices.Contains(codes(u.Run), "undo_paused") {
		t.Errorf("it was paused before: notes %v, %v", codes(u.Run), err)
	}
}

// TestUndoOfBothHalves undoes what a run had written that broke off, and what the
// run wrote that went on from its checkpoint.
func TestUndoOfBothHalves(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		s := w.source()
		w.succeed(s, "table main a id", "table main b id", "table main c id", "done main")
		before := w.facts("shop.a", "shop.b", "shop.c")
		half := []string{"table main a id wrong", "table main c id wrong", "checkpoint half"}
		first := w.run(s, append(half, "exit")...)
		second := w.succeed(s, append(half, "table main b id wrong", "table main c id", "done main")...)
		if first.Status != model.RunFailed {
			t.Fatalf("the first half ended as %s", first.Status)
		}
		_, err := w.Undo(w.ctx, first.ID)
		servertest.WantKind(t, err, model.KindConflict)
		u, err := w.Undo(w.ctx, second.ID)
		if err != nil || u.Left != 0 {
			t.Fatalf("got %+v, %v", u, err)
		}
		if diff := cmp.Diff(before, w.facts("shop.a", "shop.b", "shop.c"), cmpopts.IgnoreFields(model.Meta{}, "Revision", "UpdatedAt")); diff != "" {
			t.Error(diff)
		}
	})
}

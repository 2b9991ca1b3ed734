package harvest_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// object is a line of a script that shows a table with an id of its source's own.
func object(name, id string) string {
	return fmt.Sprintf(`asset {"id":{"namespace":"postgres://db.example:5432","name":"shop.%s"},"scope":"main","kind":"TABLE","rank":10,"shortName":%q,"stableId":%q}`, name, name, id)
}

// TestRenamesAcrossBatches exchanges two names so far apart that no batch shows
// both, and renames a third, which a flow names before it is shown.
func TestRenamesAcrossBatches(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		s := w.source()
		between := func(text string) (lines []string) { // batches are not closed by what is as before
			for i := range 600 {
				lines = append(lines, wide(fmt.Sprint("t", i), text))
			}
			return lines
		}
		w.succeed(s, slices.Concat([]string{object("a", "1")}, between("one"), []string{object("b", "2"), object("c", "3"), "edge main b c", "rule main c checked pass", "done main"})...)
		a, b, c := w.named("shop.a"), w.named("shop.b"), w.named("shop.c")
		lines := slices.Concat([]string{object("a", "2"), "edge main a d"}, between("two"), []string{object("b", "1"), object("d", "3"), "rule main d checked pass", "done main"})
		run := w.succeed(s, lines...)
		for name, want := range map[string]model.Asset{"shop.a": b, "shop.b": a, "shop.d": c, "shop.c": c} {
			if got := w.named(name); got.ID != want.ID {
				t.Errorf("%s leads to %s, want the asset that was %s", name, got.Name, want.Name)
			}
		}
		// The flow made an asset of the new name, which is gone again once the name is the table's.
		if c := run.Counts; c.Created != 1 || c.Retired != 0 || !slices.Contains(codes(run), "catalog.renamed") {
			t.Errorf("got %+v and notes %v, want nothing else new, nothing gone and a note", c, codes(run))
		}
		again := w.succeed(s, lines...)
		edges := w.edges()
		if len(edges) != 1 || edges[0].FromID != b.ID || edges[0].ToID != c.ID || len(again.Notes) > 0 {
			t.Errorf("got edges %+v and notes %v, want the flow between the same two assets", edges, again.Notes)
		}
	})
}

// TestRenamesBeyondMemory renames more than a run keeps in mind.
func TestRenamesBeyondMemory(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	lines := func(prefix string) (all []string) {
		for i := range 2600 {
			all = append(all, object(fmt.Sprint(prefix, i), strconv.Itoa(i)))
		}
		return append(all, "done main")
	}
	w.succeed(s, lines("old")...)
	before := w.named("shop.old2599")
	run := w.succeed(s, lines("new")...)
	if c := run.Counts; c.Created != 0 || c.Retired != 0 || c.Updated != 2600 {
		t.Errorf("got %+v, want all of them changed and none new or gone", c)
	}
	if got := w.named("shop.new2599"); got.ID != before.ID {
		t.Errorf("got %s, want the asset that was %s", got.ID, before.Name)
	}
}

// named gives the asset that the administrator finds by the name.
func (w *world) named(name string) model.Asset {
	w.t.Helper()
	a, err := w.catalog.AssetByName(w.admin, "postgres://db.example:5432", name)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return a
}

func (w *world) edges() []model.Edge {
	w.t.Helper()
	var all []model.Edge
	for e, err := range store.Edges.All(w.t.Context(), w.store, store.Query{Index: "by_from"}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

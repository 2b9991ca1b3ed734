package memory_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/harvest/memory"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

const source = model.ID("src_1")

func load(t *testing.T, db store.Store) *memory.Memory {
	t.Helper()
	m, err := memory.Load(t.Context(), db, source)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func save(t *testing.T, db store.Store, m *memory.Memory, everything bool) int {
	t.Helper()
	writes, err := m.Writes(everything)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, db, writes...)
	return len(writes)
}

func apply(t *testing.T, db store.Store, writes ...store.Write) {
	t.Helper()
	if len(writes) == 0 {
		return
	}
	if _, err := db.Apply(t.Context(), store.Change{Action: "test", Writes: writes}); err != nil {
		t.Fatal(err)
	}
}

// knows tells which of the prints 1 to 3 are recalled.
func knows(t *testing.T, m *memory.Memory) (known [3]bool) {
	t.Helper()
	found, err := m.Recall(t.Context(), []host.Print{{1}, {2}, {3}})
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range found {
		known[i] = k != nil
	}
	return known
}

// TestRecall follows three records through five runs.
func TestRecall(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		asset := model.Asset{Meta: model.Meta{ID: model.SumID(model.PrefixAsset, make([]byte, 16))}, Namespace: "file", Name: "a"}
		edge := model.Edge{Meta: model.Meta{ID: "edg_x"}, FromID: asset.ID, ToID: "ast_b"}
		apply(t, db, store.Assets.Put(asset), store.Edges.Put(edge))
		on := catalog.Mark{Kind: store.Assets.Kind(), ID: asset.ID, Revision: 1}
		m := load(t, db)
		m.Keep(host.Print{1}, "main", 7, on)
		m.Keep(host.Print{2}, "main", 0, catalog.Mark{Kind: store.Edges.Kind(), ID: edge.ID, Revision: 1}, on)
		m.Keep(host.Print{3}, "main", 0)
		m.Keep(host.Print{}, "main", 0, on)
		save(t, db, m, true)

		m = load(t, db)
		found, err := m.Recall(t.Context(), []host.Print{{1}, {2}, {3}, {}, {1}})
		if err != nil || found[0] == nil || *found[0] != (memory.Known{Kind: store.Assets.Kind(), ID: asset.ID, Scope: "main", Fields: 7}) {
			t.Fatalf("got %+v, %v", found[0], err)
		}
		if found[1] == nil || found[1].ID != edge.ID || found[2] != nil || found[3] != nil || found[4] != nil {
			t.Errorf("got %+v", found)
		}
		if n := save(t, db, m, true); n != 0 {
			t.Errorf("%d parts are written although nothing has changed", n)
		}

		asset.Revision = 1 // somebody writes the asset: what stands on it has to be read
		apply(t, db, store.Assets.Put(asset))
		m = load(t, db)
		if got := knows(t, m); got != [3]bool{} {
			t.Errorf("got %v of what was written since", got)
		}
		on.Revision = 2
		m.Keep(host.Print{1}, "main", 7, on)
		save(t, db, m, true)

		m = load(t, db) // a run that does not see everything forgets nothing
		save(t, db, m, false)
		m = load(t, db)
		if got := knows(t, m); got != [3]bool{true, false, false} {
			t.Errorf("got %v", got)
		}
		m = load(t, db)
		save(t, db, m, true)
		if got := knows(t, load(t, db)); got != [3]bool{} {
			t.Errorf("got %v of what the source has not shown again", got)
		}
	})
}

// TestRecallUnowned: an asset that belongs to no domain is known with its namespace.
func TestRecallUnowned(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		asset := model.Asset{Meta: model.Meta{ID: model.SumID(model.PrefixAsset, make([]byte, 16))}, Namespace: "file", Name: "a"}
		apply(t, db, store.Assets.Put(asset))
		on := catalog.Mark{Kind: store.Assets.Kind(), ID: asset.ID, Revision: 1}
		m := load(t, db)
		m.KeepUnowned(host.Print{1}, "main", 7, "file", on)
		m.KeepUnowned(host.Print{2}, "main", 7, "", on)
		save(t, db, m, true)
		found, err := load(t, db).Recall(t.Context(), []host.Print{{1}, {2}})
		if err != nil || found[0] == nil || *found[0] != (memory.Known{Kind: store.Assets.Kind(), ID: asset.ID, Scope: "main", Fields: 7, Unowned: "file"}) || found[1] == nil || found[1].Unowned != "" {
			t.Errorf("got %+v, %v", found, err)
		}
	})
}

// TestSeed changes with what the meaning of a record hangs on.
func TestSeed(t *testing.T) {
	a, b := model.Source{DomainID: "dom_a"}, model.Source{DomainID: "dom_b"}
	if string(memory.Seed(a)) == string(memory.Seed(b)) {
		t.Error("a source that was moved to another domain knows its records again")
	}
}

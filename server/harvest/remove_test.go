package harvest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
)

func TestASourceIsRemovedAndRestored(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	w.succeed(s, shop...)
	before := w.assets(model.AssetActive)
	id := func() (ids []model.ID) {
		for a, err := range store.Assets.All(t.Context(), w.store, store.Query{Index: "by_name"}) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, a.ID)
		}
		return ids
	}
	was := id()
	d, err := w.Dependents(w.ctx, s.ID)
	if err != nil || d.Assets != len(before) || d.OnlyHere != len(before) {
		t.Errorf("what hangs on it: %+v %v", d, err)
	}
	if _, err := w.RemoveSource(w.outside, s.ID, nil); !model.Is(err, model.KindNotFound) {
		t.Errorf("removed by a stranger: %v", err)
	}
	old := w.reload(s).Revision - 1
	if _, err := w.RemoveSource(w.ctx, s.ID, &old); !model.Is(err, model.KindConflict) {
		t.Errorf("an old version removed: %v", err)
	}
	if s, err = w.RemoveSource(w.ctx, s.ID, nil); err != nil || s.RemovedAt == nil {
		t.Fatalf("%+v %v", s, err)
	}
	if got := w.assets(model.AssetActive); len(got) != 0 {
		t.Errorf("still active: %v", got)
	}
	if kept, err := store.RunChanges.Find(t.Context(), w.store, store.Query{Index: "by_source", Limit: 5}); err != nil || len(kept.Nodes) != 0 {
		t.Errorf("kept to undo a run of what is removed: %d, %v", len(kept.Nodes), err)
	}
	if edges, err := store.Edges.Find(t.Context(), w.store, store.Query{Index: "by_to", Limit: 5}); err != nil || len(edges.Nodes) != 0 {
		t.Errorf("still flowing: %+v %v", edges.Nodes, err)
	}
	if _, err := w.Start(w.ctx, s.ID, "manual"); !model.Is(err, model.KindConflict) {
		t.Errorf("a removed source runs: %v", err)
	}
	hourly := "@hourly"
	if _, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, Schedule: &hourly}); !model.Is(err, model.KindConflict) {
		t.Errorf("a removed source is changed: %v", err)
	}
	for _, domain := range []model.ID{"", w.domain.ID} {
		if page, err := w.Sources(w.ctx, domain, model.Paging{First: 5}); err != nil || len(page.Nodes) != 0 {
			t.Errorf("listed: %+v %v", page.Nodes, err)
		}
	}
	w.source(func(n *harvest.NewSource) { n.Name = s.Name }) // its name is free
	if _, err := w.RestoreSource(w.ctx, s.ID, ""); !model.Is(err, model.KindConflict) {
		t.Errorf("restored over another: %v", err)
	}
	if s, err = w.RestoreSource(w.ctx, s.ID, "again"); err != nil || s.RemovedAt != nil || s.Name != "again" {
		t.Fatalf("%+v %v", s, err)
	}
	w.succeed(s, shop...)
	if d := cmp.Diff(before, w.assets(model.AssetActive)); d != "" {
		t.Errorf("after it came back (-want +got):\n%s", d)
	}
	if d := cmp.Diff(was, id()); d != "" {
		t.Errorf("its assets are others (-want +got):\n%s", d)
	}
}

// TestASourceIsRenamedAndMoved keeps what it has shown.
//
// Bad input: a source renamed.
func TestASourceIsRenamedAndMoved(t *testing.T) {
	w := bound(t)
	hr := model.Domain{Meta: model.Meta{ID: "dom_hr"}, Name: "hr", StewardIDs: []model.ID{"prn_bo"}}
	w.apply(store.Domains.Put(hr))
	s, err := w.CreateSource(w.ctx, w.shown("shop", "env:SOUK_TEST_SECRET_SHOP", ours))
	if err != nil {
		t.Fatal(err)
	}
	w.source(func(n *harvest.NewSource) { n.Name = "taken" })
	for _, name := range []model.Slug{"taken", "No Slug"} {
		if _, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, Name: &name}); err == nil || !strings.HasPrefix(err.Error(), "name") {
			t.Errorf("renamed to %s: %v", name, err)
		}
	}
	name := model.Slug("store")
	s = w.edit(s, harvest.SourceEdit{Name: &name})
	if _, err := w.SourceByName(w.ctx, "store"); err != nil {
		t.Error(err)
	}
	if _, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, DomainID: &hr.ID}); !model.Is(err, model.KindDenied) {
		t.Errorf("moved by one who may not run sources there: %v", err)
	}
	none := model.ID("dom_none")
	if _, err := w.UpdateSource(w.admin, harvest.SourceEdit{ID: s.ID, DomainID: &none}); !model.Is(err, model.KindInvalid) {
		t.Errorf("moved nowhere: %v", err)
	}
	if s, err = w.UpdateSource(w.admin, harvest.SourceEdit{ID: s.ID, DomainID: &hr.ID}); err != nil || s.DomainID != hr.ID || s.SetUpBy != "prn_root" {
		t.Errorf("moved by an administrator: %+v %v", s, err)
	}
}

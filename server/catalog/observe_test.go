package catalog_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// whole is a harvest with everything in it.
func whole(s model.Source) catalog.Observation {
	rows := int64(42)
	orders := table(server, "shop.public.orders")
	orders.Sighting.Rows, orders.Sighting.Owners, orders.Sighting.Tags = &rows, []string{"ana"}, []string{}
	orders.Sighting.ForeignKeys = []model.ForeignKey{{Fields: []string{"customer_id"}, ToName: "shop.public.customers"}}
	orders.Sighting.Properties = map[string]string{"b": "2", "a": "1"}
	return catalog.Observation{
		Source: s,
		Assets: []catalog.Seen{orders, table(server, "shop.public.customers"), dbtSource(server, "shop.public.items")},
		Quality: []catalog.SeenQuality{{Asset: orders.Ref, Rule: model.QualityRule{
			Scope: "schema:public", Key: "k", Name: "not_null_orders_id", Rule: "not_null", Field: "id",
			Last: &model.QualityResult{Status: "pass", At: time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)},
		}}},
		Refs: []catalog.Ref{orders.Ref, {Namespace: server, Name: "shop.public.unknown"}},
	}
}

func TestSecondHarvestChangesNothing(t *testing.T) {
	w, s := newWorld(t), source("db", sales)
	first := w.observe(whole(s))
	if first.Created != 4 || first.Updated != 0 || first.Unchanged != 0 {
		t.Errorf("first: got %d created, %d updated, %d unchanged; want 4, 0, 0", first.Created, first.Updated, first.Unchanged)
	}
	second := w.observe(whole(s))
	if len(second.Writes) != 0 || second.Created != 0 || second.Updated != 0 || second.Unchanged != 3 {
		t.Errorf("second: got %d writes, %d created, %d updated, %d unchanged; want 0, 0, 0, 3",
			len(second.Writes), second.Created, second.Updated, second.Unchanged)
	}
	if diff := cmp.Diff(first.IDs, second.IDs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(first.Rules, second.Rules); diff != "" || len(second.Rules) != 1 {
		t.Error("rules", second.Rules, diff)
	}
}

func TestObserveWritesOnlyWhatChanged(t *testing.T) {
	w, s := newWorld(t), source("db", sales)
	w.observe(whole(s))
	o := whole(s)
	o.Assets[0].Sighting.Description = "every order of the shop"
	o.Quality[0].Rule.Last = &model.QualityResult{Status: "fail", Failures: 3, At: model.Now()}
	r := w.observe(o)
	if len(r.Writes) != 2 || r.Updated != 1 || r.Unchanged != 2 {
		t.Errorf("got %d writes, %d updated, %d unchanged; want the asset and the rule, 1, 2", len(r.Writes), r.Updated, r.Unchanged)
	}
	a, err := w.catalog.AssetByName(w.as("ana"), server, "shop.public.orders")
	if err != nil || a.Description != "every order of the shop" {
		t.Errorf("got %q, %v", a.Description, err)
	}
	rules, err := w.catalog.QualityRules(w.as("ana"), a.ID)
	if err != nil || len(rules) != 1 || rules[0].Last.Failures != 3 || rules[0].CreatedAt.IsZero() {
		t.Errorf("got rules %+v, %v", rules, err)
	}
}

func TestUnresolvedBecomesActive(t *testing.T) {
	w, ref := newWorld(t), catalog.Ref{Namespace: server, Name: "shop.public.orders"}
	w.keepOwners = true
	r := w.observe(catalog.Observation{Source: source("tool", sales), Refs: []catalog.Ref{ref}})
	a := w.assets()[0]
	if a.Status != model.AssetUnresolved || a.Kind != model.KindOther || a.ShortName != "orders" || a.DomainID != "" {
		t.Errorf("got %+v, want an unresolved asset that belongs to nobody", a)
	}
	w.assign(server, "shop", marketing)
	w.shows(source("db", marketing), table(server, "shop.public.orders"))
	a = w.assets()[0]
	if a.ID != r.IDs[ref] || a.Status != model.AssetActive || a.DomainID != marketing {
		t.Errorf("got %+v, want the same asset, active and of the domain that owns the database", a)
	}
}

// TestConflictHeals has two sources that find the same table at the same time.
func TestConflictHeals(t *testing.T) {
	w := newWorld(t)
	one := catalog.Observation{Source: source("one", sales), Assets: []catalog.Seen{table(server, "a.b.c")}}
	two := catalog.Observation{Source: source("two", sales), Assets: []catalog.Seen{table(server, "a.b.c")}}
	late, err := w.catalog.Observe(t.Context(), two)
	if err != nil {
		t.Fatal(err)
	}
	w.observe(one)
	if _, err := w.store.Apply(t.Context(), store.Change{Action: "test", Writes: late.Writes}); !model.Is(err, model.KindConflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	w.observe(two)
	if got := w.assets(); len(got) != 1 || len(got[0].Sightings) != 2 {
		t.Errorf("got %+v, want one asset with two sightings", got)
	}
}

// TestRetire drops one table of three: exactly that is retired.
func TestRetire(t *testing.T) {
	w, db, dbt := newWorld(t), source("db", sales), source("tool", sales)
	first := w.shows(db, table(server, "s.p.a"), table(server, "s.p.b"), table(server, "s.p.c"))
	w.shows(dbt, dbtSource(server, "s.p.b"))
	elsewhere := table(server, "s.q.d")
	elsewhere.Sighting.Scope = "schema:q"
	w.shows(db, elsewhere)
	seen := map[model.ID]bool{first.IDs[catalog.Ref{Namespace: server, Name: "s.p.a"}]: true}
	r, err := w.catalog.Retire(t.Context(), db, "schema:public", seen)
	if err != nil {
		t.Fatal(err)
	}
	if r.Known != 3 || r.Withdrawn != 2 || r.Retired != 1 {
		t.Errorf("got known %d, withdrawn %d, retired %d; want 3, 2, 1", r.Known, r.Withdrawn, r.Retired)
	}
	w.takeBack(db.ID, "schema:public", r)
	want := map[string]model.AssetStatus{"s.p.a": model.AssetActive, "s.p.b": model.AssetUnresolved, "s.p.c": model.AssetRetired, "s.q.d": model.AssetActive}
	got := map[string]model.AssetStatus{}
	for _, a := range w.assets() {
		got[a.Name] = a.Status
		if a.Status == model.AssetRetired && (a.RetiredAt == nil || len(a.Fields) != 1) {
			t.Errorf("%s: the last facts are gone: %+v", a.Name, a)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r, err = w.catalog.Retire(t.Context(), db, "schema:public", seen); err != nil || len(r.AssetIDs)+len(r.RuleIDs) != 0 || r.Known != 1 {
		t.Errorf("again: got %+v, %v; want nothing to do", r, err)
	}
	w.shows(db, table(server, "s.p.c"))
	if a := w.assets()[2]; a.Name != "s.p.c" || a.Status != model.AssetActive || a.RetiredAt != nil {
		t.Errorf("shown again: got %+v, want it active", a)
	}
}

func TestRetireRules(t *testing.T) {
	w, s := newWorld(t), source("db", sales)
	w.observe(whole(s))
	seen := map[model.ID]bool{}
	for _, a := range w.assets() {
		seen[a.ID] = true
	}
	r, err := w.catalog.Retire(t.Context(), s, "schema:public", seen)
	if err != nil || r.Rules != 1 || r.Withdrawn != 0 {
		t.Fatalf("got %+v, %v; want the one rule gone", r, err)
	}
	w.takeBack(s.ID, "schema:public", r)
	a, err := w.catalog.AssetByName(w.as("ana"), server, "shop.public.orders")
	if err != nil {
		t.Fatal(err)
	}
	if rules, err := w.catalog.QualityRules(w.as("ana"), a.ID); err != nil || len(rules) != 0 {
		t.Errorf("got %+v, %v; want none", rules, err)
	}
}

// TestHarvestNeverTouchesWhatPeopleDeclare observes an asset behind a port.
func TestHarvestNeverTouchesWhatPeopleDeclare(t *testing.T) {
	w, s := newWorld(t), source("db", sales)
	id := w.shows(s, table(server, "s.p.a")).IDs[catalog.Ref{Namespace: server, Name: "s.p.a"}]
	product := model.DataProduct{
		Meta: model.Meta{ID: "dpr_a"}, Name: "a", DomainID: sales, Status: model.Draft, Description: "declared",
		Ports: []model.Port{{Name: "out", Direction: model.OutputPort, AssetIDs: []model.ID{id}}},
	}
	w.apply(store.Products.Put(product))
	changed := table(server, "s.p.a")
	changed.Sighting.Description = "observed"
	r := w.shows(s, changed)
	for _, write := range r.Writes {
		if k := write.Record.Kind; k != store.Assets.Kind() && k != store.Aliases.Kind() && k != store.QualityRules.Kind() {
			t.Errorf("the harvest writes a %s", k)
		}
	}
	got, err := store.Products.Get(t.Context(), w.store, "dpr_a")
	if err != nil || got.Revision != 1 || got.Description != "declared" {
		t.Errorf("got %+v, %v", got, err)
	}
}

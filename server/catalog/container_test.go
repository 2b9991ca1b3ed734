package catalog_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
)

// held is a table with what holds it.
func held(name, parent string) catalog.Seen {
	t := table(server, name)
	t.Parent = catalog.Ref{Namespace: server, Name: parent}
	return t
}

// holder is how a database's own catalogue shows a database or a schema.
func holder(kind model.AssetKind, name, parent string) catalog.Seen {
	c := catalog.Seen{Ref: catalog.Ref{Namespace: server, Name: name}, Sighting: model.Sighting{
		Scope: "schema:public", Rank: model.RankHolder, Kind: kind, ShortName: name,
	}}
	if parent != "" {
		c.Parent = catalog.Ref{Namespace: server, Name: parent}
	}
	return c
}

// parents maps the name of every asset to that of its parent.
func (w *world) parents() map[string]string {
	names, parents := map[model.ID]string{}, map[string]string{}
	for _, a := range w.assets() {
		names[a.ID] = a.Name
	}
	for _, a := range w.assets() {
		parents[a.Name] = names[a.ParentID]
	}
	return parents
}

func TestWhatHoldsAnAsset(t *testing.T) {
	w, s := newWorld(t), source("db", sales)
	all := []catalog.Seen{
		held("shop.public.orders", "shop.public"), holder(model.KindSchema, "shop.public", "shop"), holder(model.KindDatabase, "shop", ""),
		held("shop.raw.items", "shop.raw"), held("shop.public.odd", "shop.public.odd"),
	}
	w.shows(s, all...)
	got := w.parents()
	for name, want := range map[string]string{
		"shop.public.orders": "shop.public", "shop.public": "shop", "shop": "", "shop.raw.items": "shop.raw", "shop.raw": "", "shop.public.odd": "",
	} {
		if got[name] != want {
			t.Errorf("%s is held by %q, want %q", name, got[name], want)
		}
	}
	if raw := w.asset("shop.raw"); raw.Status != model.AssetUnresolved || raw.Kind != model.KindFolder {
		t.Errorf("what nobody has shown is %s and %s", raw.Status, raw.Kind)
	}
	if again := w.shows(s, all...); len(again.Writes) != 0 || again.Unchanged != 5 {
		t.Errorf("again: %d writes, %d unchanged", len(again.Writes), again.Unchanged)
	}
	page, err := w.catalog.Assets(w.as("ana"), catalog.AssetFilter{ParentID: w.asset("shop.public").ID}, model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 1 || page.Nodes[0].Name != "shop.public.orders" {
		t.Errorf("children: %+v, %v", page.Nodes, err)
	}
	all[0].Parent = catalog.Ref{Namespace: server, Name: "shop.raw"}
	if moved := w.shows(s, all...); moved.Updated != 1 || w.parents()["shop.public.orders"] != "shop.raw" {
		t.Errorf("a table that was moved: %d updated, held by %q", moved.Updated, w.parents()["shop.public.orders"])
	}
	shown := holder(model.KindSchema, "shop.raw", "shop")
	w.shows(s, append(all, shown)...)
	if raw := w.asset("shop.raw"); raw.Status != model.AssetActive || raw.Kind != model.KindSchema {
		t.Errorf("what is shown at last is %s and %s", raw.Status, raw.Kind)
	}
}

// asset gives the one of the name.
func (w *world) asset(name string) model.Asset {
	w.Helper()
	i := slices.IndexFunc(w.assets(), func(a model.Asset) bool { return a.Name == name })
	if i < 0 {
		w.Fatalf("there is no %s", name)
	}
	return w.assets()[i]
}

// TestAContainerIsNoTable: the name of a schema looks like that of a table
// whose database is missing. Neither becomes the other.
func TestAContainerIsNoTable(t *testing.T) {
	w, s, mentions := newWorld(t), source("db", sales), source("tool", sales)
	w.shows(s, table(server, "shop.crm.public"), holder(model.KindSchema, "crm.public", "crm"), holder(model.KindDatabase, "crm", ""), table(server, "erp.crm.public2"))
	w.shows(s, holder(model.KindSchema, "crm.public2", "crm"))
	for name, kind := range map[string]model.AssetKind{"shop.crm.public": model.KindTable, "crm.public": model.KindSchema, "erp.crm.public2": model.KindTable, "crm.public2": model.KindSchema} {
		if got := w.asset(name); got.Kind != kind || len(got.Sightings) != 1 {
			t.Errorf("%s is a %s with %d sightings, want a %s", name, got.Kind, len(got.Sightings), kind)
		}
	}
	// A tool that leaves out the database means the table.
	for range 2 {
		r := w.observe(catalog.Observation{Source: mentions, Refs: []catalog.Ref{{Namespace: server, Name: "crm.public"}}})
		if id := r.IDs[catalog.Ref{Namespace: server, Name: "crm.public"}]; id != w.asset("shop.crm.public").ID || r.Created != 0 {
			t.Errorf("a table without its database is %s, %d created", id, r.Created)
		}
	}
	w.shows(s, table(server, "shop.crm.public"), holder(model.KindSchema, "crm.public", "crm"))
	if got := w.asset("crm.public"); got.Kind != model.KindSchema || len(w.assets()) != 5 {
		t.Errorf("the schema is %s among %d", got.Kind, len(w.assets()))
	}
	// Where no table fits, the name is the container's.
	r := w.observe(catalog.Observation{Source: mentions, Refs: []catalog.Ref{{Namespace: server, Name: "crm"}}})
	if id := r.IDs[catalog.Ref{Namespace: server, Name: "crm"}]; id != w.asset("crm").ID {
		t.Errorf("the name of the database means %s", id)
	}
}

// TestADatabaseOfTwoDomains: who reads a part of it does not claim the whole.
func TestADatabaseOfTwoDomains(t *testing.T) {
	w := newWorld(t)
	w.keepOwners = true
	w.assign(server, "", sales)
	w.assign(server, "shop.leads", marketing)
	ours, theirs := holder(model.KindDatabase, "shop", ""), holder(model.KindDatabase, "shop", "")
	theirs.Sighting.Description = "Marketing's word"
	w.shows(source("db", sales), ours)
	w.shows(source("leads", marketing), theirs, held("shop.leads.clicks", "shop"))
	shop := w.asset("shop")
	if len(shop.Claimants()) != 0 || shop.DomainID != sales || shop.Kind != model.KindDatabase || shop.Status != model.AssetActive {
		t.Errorf("claimed by %v: %+v", shop.Claimants(), shop)
	}
	if len(shop.Sightings) != 2 || !shop.Sightings[1].Reference {
		t.Errorf("sightings: %+v", shop.Sightings)
	}
	table := held("shop.public.orders", "shop")
	w.shows(source("leads", marketing), table)
	if got := w.asset("shop.public.orders"); got.DomainID != sales || len(got.Claimants()) != 1 {
		t.Errorf("a table of another domain is no container: %+v", got)
	}
}

// TestAWordMakesNoContainerOfATable: what another domain's source calls a
// schema stays a table, with the owner's words, and is found without its database.
func TestAWordMakesNoContainerOfATable(t *testing.T) {
	w := newWorld(t)
	w.keepOwners = true
	w.assign(server, "", sales)
	w.shows(source("db", sales), table(server, "shop.public.orders"))
	liar := holder(model.KindSchema, "shop.public.orders", "")
	liar.Sighting.Rank, liar.Sighting.ShortName = 1, "ours"
	w.shows(source("liar", marketing), liar)
	orders := w.asset("shop.public.orders")
	if orders.Kind != model.KindTable || orders.ShortName != "orders" || orders.DomainID != sales || len(orders.Fields) != 1 {
		t.Errorf("got %+v", orders)
	}
	r := w.observe(catalog.Observation{Source: source("tool", sales), Refs: []catalog.Ref{{Namespace: server, Name: "public.orders"}}})
	if id := r.IDs[catalog.Ref{Namespace: server, Name: "public.orders"}]; id != orders.ID {
		t.Errorf("public.orders is %s", id)
	}
}

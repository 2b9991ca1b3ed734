package catalog_test

import (
	"context"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// The people of the world and their domains.
const (
	sales     = model.ID("dom_sales")
	marketing = model.ID("dom_marketing")
	server    = "postgres://db.acme.example:5432"
)

// world is a catalog on a real engine with the policies that Souk ships: Ana
// belongs to sales, Bo to marketing, and Root runs the platform.
type world struct {
	testing.TB
	store   store.Store
	catalog *catalog.Service
	people  map[string]model.Principal
	given   map[string]bool

	keepOwners bool // names belong to nobody until the test gives them
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	return newWorldOn(tb, enginetest.SQLite(tb))
}

func newWorldOn(tb testing.TB, db store.Store) *world {
	tb.Helper()
	engine := servertest.Shipped(tb)
	w := &world{TB: tb, store: db, catalog: catalog.New(db, gate.New(db, engine, model.Now, nil), index.New(db, "", nil), model.Now), given: map[string]bool{}}
	w.people = map[string]model.Principal{
		"ana":  {Meta: model.Meta{ID: "prn_ana"}, Kind: model.Person, Name: "ana", DomainID: sales, Roles: []model.Role{model.RoleEmployee}},
		"bo":   {Meta: model.Meta{ID: "prn_bo"}, Kind: model.Person, Name: "bo", DomainID: marketing, Roles: []model.Role{model.RoleEmployee}},
		"root": {Meta: model.Meta{ID: "prn_root"}, Kind: model.Person, Name: "root", Roles: []model.Role{model.RoleAdmin}},
	}
	w.apply(
		store.Domains.Put(model.Domain{Meta: model.Meta{ID: sales}, Name: "sales", DisplayName: "Sales", Description: "The shop and its orders."}),
		store.Domains.Put(model.Domain{Meta: model.Meta{ID: marketing}, Name: "marketing", DisplayName: "Marketing"}),
	)
	return w
}

func (w *world) as(person string) context.Context {
	return model.WithPrincipal(w.Context(), w.people[person])
}

func (w *world) apply(writes ...store.Write) {
	w.Helper()
	if len(writes) == 0 {
		return
	}
	if _, err := w.store.Apply(w.Context(), store.Change{Action: "test", Actor: "prn_root", Writes: writes}); err != nil {
		w.Fatal(err)
	}
}

// takeBack writes the end of what was found to be gone.
func (w *world) takeBack(source model.ID, scope string, gone catalog.RetireResult) {
	w.Helper()
	for _, some := range w.catalog.TakeBack(w.Context(), source, scope, gone) {
		for writes, err := range some {
			if err != nil {
				w.Fatal(err)
			}
			w.apply(writes...)
		}
	}
}

func source(name string, domain model.ID) model.Source {
	return model.Source{Meta: model.Meta{ID: model.ID("src_" + name)}, Name: model.Slug(name), DomainID: domain}
}

// table is how a database's own catalogue shows a table.
func table(namespace, name string) catalog.Seen {
	return catalog.Seen{Ref: catalog.Ref{Namespace: namespace, Name: name}, Sighting: model.Sighting{
		Scope: "schema:public", Rank: model.RankHolder, Kind: model.KindTable, ShortName: name[strings.LastIndex(name, ".")+1:],
		Fields: []model.AssetField{{Name: "id", Position: 1, NativeType: "bigint", PrimaryKey: 1}},
	}}
}

// dbtSource is how a dbt project shows a table that it reads.
func dbtSource(namespace, name string) catalog.Seen {
	short := name[strings.LastIndex(name, ".")+1:]
	return catalog.Seen{
		Ref:     catalog.Ref{Namespace: namespace, Name: name},
		Aliases: []catalog.Name{{Scheme: model.SchemeDBT, Namespace: "shop", Name: "source.shop.raw." + strings.ToLower(short)}},
		Sighting: model.Sighting{
			Scope: "project:shop", Rank: model.RankReference, Kind: model.KindTable, ShortName: short, Description: "as dbt tells it", Reference: true,
		},
	}
}

// give gives a name to the domain, unless somebody has it. The tests are about
// other things than who owns what.
func (w *world) give(namespace, name string, domain model.ID) {
	w.Helper()
	if key := namespace + " " + name; domain != "" && !w.keepOwners && !w.given[key] {
		w.given[key] = true
		_, err := w.catalog.AssignNamespace(w.as("root"), catalog.NamespaceGift{Namespace: namespace, Prefix: name, DomainID: domain})
		if err != nil && !model.Is(err, model.KindInvalid) {
			w.Fatal(err)
		}
	}
}

// assign gives a namespace to a domain, as an administrator does.
func (w *world) assign(namespace, prefix string, domain model.ID) model.Namespace {
	w.Helper()
	n, err := w.catalog.AssignNamespace(w.as("root"), catalog.NamespaceGift{Namespace: namespace, Prefix: prefix, DomainID: domain})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// observe observes and writes.
func (w *world) observe(o catalog.Observation) catalog.Result {
	w.Helper()
	for _, seen := range o.Assets {
		w.give(seen.Namespace, seen.Name, o.Source.DomainID)
	}
	for _, ref := range o.Refs {
		w.give(ref.Namespace, ref.Name, o.Source.DomainID)
	}
	r, err := w.catalog.Observe(w.Context(), o)
	if err != nil {
		w.Fatal(err)
	}
	w.apply(r.Writes...)
	return r
}

func (w *world) shows(s model.Source, seen ...catalog.Seen) catalog.Result {
	w.Helper()
	return w.observe(catalog.Observation{Source: s, Assets: seen})
}

// assets lists every asset in the store, by name.
func (w *world) assets() []model.Asset {
	w.Helper()
	var all []model.Asset
	for a, err := range store.Assets.All(w.Context(), w.store, store.Query{Index: "by_name"}) {
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// names maps every alias to the name of the asset that it leads to.
func (w *world) names() map[string]string {
	w.Helper()
	assets := map[model.ID]string{}
	for _, a := range w.assets() {
		assets[a.ID] = a.Name
	}
	names := map[string]string{}
	for a, err := range store.Aliases.All(w.Context(), w.store, store.Query{Index: "by_asset"}) {
		if err != nil {
			w.Fatal(err)
		}
		names[string(a.Scheme)+" "+a.Namespace+" "+a.Name] = assets[a.AssetID]
	}
	return names
}

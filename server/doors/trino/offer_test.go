package trino_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors/trino"
	"github.com/souk-mesh/souk/server/store"
)

// offers publishes a product of the domain over the assets.
func (w *world) offers(domain model.ID, name string, class model.Classification, consents []model.Consent, assets ...model.ID) {
	w.Helper()
	w.Put(store.Products.Put(model.DataProduct{
		Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: model.Slug(name), DomainID: domain, Classification: class,
		Visibility: model.VisibleToAll, Status: model.Published, Consents: consents,
		Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: assets}},
	}))
}

func tableOf(schema, name string) string {
	return `{"table":{"catalogName":"pg","schemaName":"` + schema + `","tableName":"` + name + `","columns":["id"]}}`
}

// A table is not opened by a product of another domain, whatever its name and
// its classification; and where its owner has agreed, the strictest decides.
func TestWhoDecidesOverATable(t *testing.T) {
	w := newWorld(t)
	hr := model.Domain{Meta: model.Meta{ID: "dom_hr"}, Name: "hr"}
	marketing := model.Domain{Meta: model.Meta{ID: "dom_marketing"}, Name: "marketing"}
	w.Put(store.Domains.Put(hr), store.Domains.Put(marketing))
	salaries, bonuses, jobs := w.table(hr.ID, "shop.hr.salaries", nil), w.table(hr.ID, "shop.hr.bonuses", nil), w.table(hr.ID, "shop.hr.jobs", nil)
	agreed := []model.Consent{{AssetID: salaries, DomainID: hr.ID}, {AssetID: bonuses, DomainID: hr.ID}, {AssetID: jobs, DomainID: hr.ID}}
	w.offers(hr.ID, "salaries", model.Restricted, nil, salaries)
	w.offers(marketing.ID, "aaa", model.Public, nil, salaries)    // first by name, without a word of hr
	w.offers(marketing.ID, "bonus", model.Public, nil, bonuses)   // the only one, without a word of hr
	w.offers(marketing.ID, "aab", model.Public, agreed, salaries) // hr agreed, and hr's own product is stricter
	w.offers(marketing.ID, "jobs", model.Public, agreed, jobs)    // hr agreed
	for _, unknown := range []trino.Unknown{trino.Deny, trino.AllowRead, trino.Passthrough} {
		c := w.serve(unknown)
		for name, want := range map[string]string{"salaries": "false", "bonuses": "false", "jobs": "true"} {
			if got := c.ask("allow", "ana", on("SelectFromColumns", tableOf("hr", name))); got != want {
				t.Errorf("%s, %s: got %s, want %s", unknown, name, got, want)
			}
		}
		if got := c.ask("allow", "ana", on("InsertIntoTable", tableOf("hr", "bonuses"))); got != "false" {
			t.Errorf("%s: a table that a product offers without consent can be written", unknown)
		}
	}
}

// Another spelling and another name of the same rows are no way round.
func TestOtherNamesOfARestrictedTable(t *testing.T) {
	w := newWorld(t)
	hr := model.Domain{Meta: model.Meta{ID: "dom_hr"}, Name: "hr"}
	w.Put(store.Domains.Put(hr))
	camel, events := w.table(hr.ID, "shop.app.CamelCase", nil), w.table(hr.ID, "shop.app.ev", nil)
	view := func(name string, from model.ID) model.ID {
		id := w.table(hr.ID, name, nil)
		a, err := store.Assets.Get(t.Context(), w.Store, id)
		must(t, err)
		a.Kind = model.KindView
		w.Put(store.Assets.Put(a), store.Edges.Put(model.Edge{Meta: model.Meta{ID: model.NewID(model.PrefixEdge)}, FromID: from, ToID: id, Kind: model.EdgeDerives}))
		return id
	}
	view("shop.app.twice", view("shop.app.renamed", events))
	view("shop.app.masked", w.orders.Ports[0].AssetIDs[0])
	part := w.table(hr.ID, "shop.parts.ev_2025", nil)
	listed, err := store.Assets.Get(t.Context(), w.Store, part)
	must(t, err)
	listed.Properties = map[string]string{model.PropertyPartitionOf: "shop.app.ev"}
	w.Put(store.Assets.Put(listed))
	claims, err := store.Assets.Get(t.Context(), w.Store, view("shop.app.claimed", events))
	must(t, err)
	claims.Properties = map[string]string{model.PropertyPartitionOf: "shop.app.nothing"} // a source's word opens no view
	w.Put(store.Assets.Put(claims))
	view("shop.app.harmless", w.table(hr.ID, "shop.app.plain", nil))
	w.Put(store.Aliases.Put(model.Alias{
		Meta: model.Meta{ID: "als_part"}, Scheme: model.SchemeOpenLineage, Namespace: "postgres://db.acme.example:5432", Name: "shop.parts.ev_2024", AssetID: events,
	}))
	w.offers(hr.ID, "secrets", model.Restricted, nil, camel, events)
	for _, unknown := range []trino.Unknown{trino.Deny, trino.AllowRead, trino.Passthrough} {
		c := w.serve(unknown)
		for _, table := range []string{tableOf("app", "camelcase"), tableOf("parts", "ev_2024"), tableOf("parts", "ev_2025"), tableOf("app", "renamed"), tableOf("app", "twice"), tableOf("app", "claimed"), tableOf("app", "masked")} {
			if got := c.ask("allow", "ana", on("SelectFromColumns", table)); got != "false" {
				t.Errorf("%s: %s is open", unknown, table)
			}
			if got := c.ask("allow", "ana", on("DeleteFromTable", table)); got != "false" {
				t.Errorf("%s: %s can be changed", unknown, table)
			}
		}
		want := "true"
		if unknown == trino.Deny {
			want = "false"
		}
		if got := c.ask("allow", "ana", on("SelectFromColumns", tableOf("app", "harmless"))); got != want {
			t.Errorf("%s: a view over what nobody offers: got %s, want %s", unknown, got, want)
		}
	}
}

package trino_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors/trino"
	"github.com/souk-mesh/souk/server/store"
)

// TestHiddenAndAbsentTakeTheSame has Eve ask for a table that a product offers
// which she may not know of, for one that nobody offers and for names that mean
// nothing: each is refused after the same reads and decisions.
func TestHiddenAndAbsentTakeTheSame(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	secret := w.table(w.orders.DomainID, "shop.public.salaries", []model.AssetField{{Name: "id", NativeType: "bigint"}})
	for _, name := range []model.Slug{"salaries", "salaries_by_month"} { // two that hide it cost no more than one
		w.Put(store.Products.Put(model.DataProduct{
			Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: name, DomainID: w.orders.DomainID, Classification: model.Restricted,
			Visibility: model.VisibleToDomain, Status: model.Published, Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{secret}}},
		}))
	}
	type cost struct{ reads, decisions int64 }
	ask := func(operation, table string) cost {
		t.Helper()
		before := cost{w.Store.Reads.Load(), w.Engine.Decided()}
		if got := c.ask("allow", "eve", on(operation, tableOf("public", table))); got != "false" {
			t.Errorf("%s on %s: got %s", operation, table, got)
		}
		return cost{w.Store.Reads.Load() - before.reads, w.Engine.Decided() - before.decisions}
	}
	for _, operation := range []string{"ShowColumns", "SelectFromColumns"} {
		ask(operation, "salaries") // what is remembered for good is read now
		hidden := ask(operation, "salaries")
		for _, table := range []string{"drafts", "nothing"} {
			if got := ask(operation, table); got != hidden {
				t.Errorf("%s: hidden took %+v, %s took %+v", operation, hidden, table, got)
			}
		}
	}
}

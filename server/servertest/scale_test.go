package servertest_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestScaleIsAlwaysTheSame fills two stores and holds what they have to the
// numbers that the scale promises: benchmarks of two days compare by that.
func TestScaleIsAlwaysTheSame(t *testing.T) {
	scale := servertest.Busy()
	scale.Assets, scale.Columns = 200, 2
	first, second := enginetest.SQLite(t), enginetest.SQLite(t)
	scale.Fill(t, first)
	scale.Fill(t, second)
	granted := func(s store.Store) (to map[model.ID][]model.ID, all int) {
		to = map[model.ID][]model.ID{}
		for g, err := range store.Grants.All(t.Context(), s, store.Query{Index: "by_principal", Limit: store.MaxPage}) {
			if err != nil {
				t.Fatal(err)
			}
			to[g.PrincipalID], all = append(to[g.PrincipalID], g.ProductID), all+1
		}
		return to, all
	}
	a, all := granted(first)
	b, _ := granted(second)
	if all != 10_500 || len(a[servertest.HolderID]) != 510 || len(a[servertest.SomebodyID]) != 10 {
		t.Errorf("%d grants, %d of the holder, %d of somebody", all, len(a[servertest.HolderID]), len(a[servertest.SomebodyID]))
	}
	for i, product := range a[servertest.HolderID] {
		if b[servertest.HolderID][i] != product {
			t.Fatalf("the grant %d is on %s and on %s", i, product, b[servertest.HolderID][i])
		}
	}
	products, err := store.Products.GetMany(t.Context(), first, servertest.ProductID(49, 19), servertest.ProductID(0, 0))
	if err != nil || len(products) != 2 || len(products[1].Ports[0].AssetIDs) != 3 {
		t.Errorf("%v, %v", products, err)
	}
}

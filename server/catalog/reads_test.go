package catalog_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks and what they hold once, however many questions the operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	w := newWorld(t)
	w.shows(source("db", sales), table(server, "shop.public.orders"), table(server, "shop.public.items"))
	counted := &enginetest.Counted{Store: w.store}
	c := catalog.New(counted, gate.New(counted, servertest.Shipped(t), model.Now, nil), index.New(counted, "", nil), model.Now)
	ana, root, ten := w.as("ana"), w.as("root"), model.Paging{First: 10}
	search := func() (err error) {
		_, err = c.Search(ana, "orders", catalog.SearchFilter{}, ten)
		return
	}
	if err := search(); err != nil { // the index is read once, by whoever comes first
		t.Fatal(err)
	}
	orders, err := c.AssetByName(ana, server, "shop.public.orders")
	if err != nil {
		t.Fatal(err)
	}
	w.apply(store.Products.Put(model.DataProduct{
		Meta: model.Meta{ID: "dpr_orders"}, Name: "orders", DomainID: sales, Status: model.Draft, Visibility: model.VisibleToDomain,
		Ports: []model.Port{{Name: "rows", Direction: model.OutputPort, AssetIDs: []model.ID{orders.ID}}},
	}))
	var given model.Namespace
	counted.Hold(t, []enginetest.Operation{
		{Name: "search", Reads: 10, Do: search},
		{Name: "find an asset by its name", Reads: 6, Do: func() (err error) {
			_, err = c.AssetByName(ana, server, "shop.public.orders")
			return
		}},
		{Name: "list assets", Reads: 10, Do: func() (err error) {
			_, err = c.Assets(ana, catalog.AssetFilter{}, ten)
			return
		}},
		{Name: "list the assets of a product", Reads: 5, Do: func() (err error) {
			_, err = c.Assets(ana, catalog.AssetFilter{ProductID: "dpr_orders"}, ten)
			return
		}},
		{Name: "assign a namespace", Reads: 5, Do: func() (err error) {
			given, err = c.AssignNamespace(root, catalog.NamespaceGift{Namespace: server, Prefix: "new", DomainID: sales})
			return
		}},
		{Name: "release a namespace", Reads: 5, Do: func() (err error) {
			_, err = c.ReleaseNamespace(root, given.ID, nil)
			return
		}},
	}...)
}

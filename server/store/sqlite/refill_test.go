package sqlite_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestRecordsOfAnEarlierSouk are found by paths that it did not know.
func TestRecordsOfAnEarlierSouk(t *testing.T) {
	path := file(t)
	db := open(t, path)
	product := model.DataProduct{Meta: model.Meta{ID: "dpr_1"}, Name: "orders", DomainID: "dom_1", OwnerID: "prn_ana", Status: model.Draft}
	if _, err := db.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Products.Put(product)}}); err != nil {
		t.Fatal(err)
	}
	shut(t, db)
	script(t, path, `ALTER TABLE data_product DROP COLUMN k_owner`)
	db = open(t, path)
	q := store.Query{Index: "by_status", Where: store.Eq("status", "DRAFT"), Only: store.Eq("owner", "prn_ana")}
	found, err := store.Products.Find(t.Context(), db, q)
	if err != nil || len(found.Nodes) != 1 || found.Nodes[0].Revision != 1 {
		t.Errorf("got %+v, %v, want the product as it was", found.Nodes, err)
	}
}

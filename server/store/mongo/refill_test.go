package mongo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
)

// TestRecordsOfAnEarlierSouk are found by paths that it did not know.
func TestRecordsOfAnEarlierSouk(t *testing.T) {
	where, database := mongodbtest.Database(t)
	s := openAt(t, where)
	product := model.DataProduct{Meta: model.Meta{ID: "dpr_1"}, Name: "orders", DomainID: "dom_1", OwnerID: "prn_ana", Status: model.Draft}
	if _, err := s.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Products.Put(product)}}); err != nil {
		t.Fatal(err)
	}
	// What the earlier Souk would have left behind.
	old := bson.M{"$unset": bson.M{"k.owner": "", "k.status": "", "k.visibility": ""}}
	if _, err := database.Collection("data_product").UpdateOne(t.Context(), bson.M{"_id": "dpr_1"}, old); err != nil {
		t.Fatal(err)
	}
	if _, err := database.Collection("meta").UpdateOne(t.Context(), bson.M{}, bson.M{"$unset": bson.M{"paths": ""}}); err != nil {
		t.Fatal(err)
	}
	find := func(s store.Store) []model.ID {
		t.Helper()
		var ids []model.ID
		q := store.Query{Index: "by_status", Where: store.Eq("status", "DRAFT"), Only: store.Eq("owner", "prn_ana")}
		for p, err := range store.Products.All(t.Context(), s, q) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, p.ID)
		}
		return ids
	}
	if got := find(s); len(got) != 0 {
		t.Fatalf("got %v: the record is not like an old one", got)
	}
	for range 2 { // the second time there is nothing to do
		again := openAt(t, where)
		if diff := cmp.Diff([]model.ID{"dpr_1"}, find(again)); diff != "" {
			t.Error(diff)
		}
		p, err := store.Products.Get(t.Context(), again, "dpr_1")
		if err != nil || p.Revision != 1 {
			t.Errorf("got revision %d, %v: filling in changes no record", p.Revision, err)
		}
	}
}

// TestSourcesOfTwoDomainsShareAName, also in a store of an earlier Souk, which
// kept the names of sources apart.
func TestSourcesOfTwoDomainsShareAName(t *testing.T) {
	where, database := mongodbtest.Database(t)
	openAt(t, where)
	keys := bson.D{{Key: "k.name", Value: 1}, {Key: "u.by_name", Value: 1}}
	old := mongo.IndexModel{Keys: keys, Options: options.Index().SetName("by_name").SetUnique(true)}
	if _, err := database.Collection("source").Indexes().CreateOne(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, where)
	put := func(id, domain model.ID) error {
		source := model.Source{Meta: model.Meta{ID: id}, Name: "shop", DomainID: domain}
		_, err := s.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Sources.Put(source)}})
		return err
	}
	for id, domain := range map[model.ID]model.ID{"src_1": "dom_1", "src_2": "dom_2"} {
		if err := put(id, domain); err != nil {
			t.Error(err)
		}
	}
	if err := put("src_3", "dom_1"); !model.Is(err, model.KindConflict) {
		t.Errorf("two of one domain: %v", err)
	}
}

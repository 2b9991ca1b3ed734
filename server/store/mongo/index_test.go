package mongo_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
)

// TestIndexesServeQueries asks every declared index for pages in both
// directions, behind a cursor, between bounds and for a list of values, and
// reads in the server's own profile that it neither sorted nor scanned.
func TestIndexesServeQueries(t *testing.T) {
	where, database := mongodbtest.Database(t)
	db := openAt(t, where)
	fill(t, db)
	large := options.CreateCollection().SetCapped(true).SetSizeInBytes(16 << 20)
	if err := database.CreateCollection(t.Context(), "system.profile", large); err != nil {
		t.Fatal(err)
	}
	if err := database.RunCommand(t.Context(), bson.D{{Key: "profile", Value: 2}}).Err(); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, s := range store.Schemas() {
		for _, x := range s.Indexes {
			for _, desc := range []bool{false, true} {
				asked += askAll(t, db, s.Kind, x, desc)
			}
		}
	}
	if err := database.RunCommand(t.Context(), bson.D{{Key: "profile", Value: 0}}).Err(); err != nil {
		t.Fatal(err)
	}
	found, err := database.Collection("system.profile").Find(t.Context(), bson.M{"op": "query", "command.hint": bson.M{"$exists": true}})
	if err != nil {
		t.Fatal(err)
	}
	var profile []struct {
		Plan   string   `bson:"planSummary"`
		Sorted bool     `bson:"hasSortStage"`
		Read   bson.Raw `bson:"command"`
	}
	if err := found.All(t.Context(), &profile); err != nil {
		t.Fatal(err)
	}
	if len(profile) < asked {
		t.Errorf("the profile shows %d queries of %d", len(profile), asked)
	}
	for _, p := range profile {
		if p.Sorted || len(p.Plan) < 6 || p.Plan[:6] != "IXSCAN" {
			t.Errorf("%s, sorted %v: %s", p.Plan, p.Sorted, p.Read)
		}
	}
}

// fill makes some assets, so that there are pages behind a cursor.
func fill(t *testing.T, db store.Store) {
	t.Helper()
	c := store.Change{Action: "test.fill"}
	for i := range 6 {
		id := model.ID(fmt.Sprintf("ast_%d", i))
		a := model.Asset{Meta: model.Meta{ID: id}, Name: "a", Namespace: "n", Sightings: []model.Sighting{{SourceID: "src_1", Scope: "s"}, {SourceID: "src_2", Scope: "s"}}}
		c.Writes = append(c.Writes, store.Assets.Put(a))
	}
	if _, err := db.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// askAll asks in every way that the index serves, and counts the questions.
func askAll(t *testing.T, db store.Store, kind store.Kind, x store.Index, desc bool) (asked int) {
	t.Helper()
	var some, other store.Value = "a", "b"
	switch x.Paths[0] {
	case "seq", "at", "created":
		some, other = int64(1), int64(2)
	case "scope":
		some, other = store.ScopeKey("src_1", "s"), store.ScopeKey("src_2", "s")
	default: // the others hold texts
	}
	filters := []store.Filter{store.Eq(x.Paths[0], some)}
	if !x.Multi {
		filters = append(filters, store.Filter{}, store.Eq(x.Paths[0], nil), store.In(x.Paths[0], nil, some, other), store.Between(x.Paths[0], some, other), store.Exists(x.Paths[0]))
	}
	for _, f := range filters {
		q := store.Query{Kind: kind, Index: x.Name, Where: f, Desc: desc, Limit: 1}
		page, err := db.Find(t.Context(), q)
		if asked++; err == nil && page.More {
			q.After = page.Cursors[0]
			asked++
			_, err = db.Find(t.Context(), q)
		}
		if err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
	return asked
}

package mongo_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	_ "github.com/souk-mesh/souk/server/servertest/heaptest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
	"github.com/souk-mesh/souk/server/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return open(t)
	})
}

func TestAgreesWithSQLite(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			lite, err := sqlite.Open(t.Context(), ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = lite.Close() })
			storetest.Agree(t, open(t), lite, seed)
		})
	}
}

// TestOtherLayoutRefused: a database that a later Souk has written is not touched.
func TestOtherLayoutRefused(t *testing.T) {
	where, database := mongodbtest.Database(t)
	if _, err := database.Collection("meta").InsertOne(t.Context(), bson.M{"_id": "souk", "layout": 7, "seq": 0}); err != nil {
		t.Fatal(err)
	}
	_, err := mongo.Open(t.Context(), where)
	want := fmt.Sprintf("store: the database %q has layout 7 and this Souk writes layout 1 (start the version of Souk that wrote it, or name another database in the URI)", database.Name())
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestManyProcesses writes through several stores on one database, as several
// replicas of Souk do: no number is given twice or left out, and the news
// reaches a reader in another process.
func TestManyProcesses(t *testing.T) {
	const writers, each = 4, 25
	where, _ := mongodbtest.Database(t)
	reader := openAt(t, where)
	for range writers {
		s := openAt(t, where)
		go func() {
			for range each {
				if _, err := s.Apply(t.Context(), change()); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	want := int64(1)
	for e, err := range reader.Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq != want {
			t.Fatalf("event %d, want %d", e.Seq, want)
		}
		if want++; want > writers*each {
			break
		}
	}
}

func change() store.Change {
	id := model.NewID(model.PrefixTeam)
	team := model.Team{Meta: model.Meta{ID: id}, Name: model.Slug(id)}
	return store.Change{Actor: "prn_test", Action: "team.create", Subject: id, Writes: []store.Write{store.Teams.Put(team)}}
}

func open(t *testing.T) *mongo.DB {
	t.Helper()
	where, _ := mongodbtest.Database(t)
	return openAt(t, where)
}

func openAt(tb testing.TB, where string) *mongo.DB {
	tb.Helper()
	db, err := mongo.Open(tb.Context(), where)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// TestModes makes a store only where that is asked for, and looks on without
// writing.
func TestModes(t *testing.T) {
	where, database := mongodbtest.Database(t)
	for _, mode := range []store.Mode{store.Existing, store.Reading} {
		if _, err := mongo.OpenAs(t.Context(), where, mode); !model.Is(err, model.KindNotFound) {
			t.Errorf("mode %d: got %v, want that there is none", mode, err)
		}
	}
	if made, err := database.ListCollectionNames(t.Context(), bson.D{}); err != nil || len(made) > 0 {
		t.Errorf("opening made %v (%v)", made, err)
	}
	openAt(t, where)
	for _, mode := range []store.Mode{store.Existing, store.Reading} {
		db, err := mongo.OpenAs(t.Context(), where, mode)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Apply(t.Context(), change()); (err == nil) != (mode == store.Existing) {
			t.Errorf("mode %d: got %v from a write", mode, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

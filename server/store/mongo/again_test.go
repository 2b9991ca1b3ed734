package mongo_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
)

// TestSnapshotTooOld: a read whose snapshot the server has let go of already,
// or has not made yet, is made again, by id and by index.
func TestSnapshotTooOld(t *testing.T) {
	m := mongodbtest.Start(t, "--replSet", mongodbtest.ReplicaSet, "--setParameter", "enableTestCommands=1")
	if err := mongodbtest.Initiate(t.Context(), m.Address); err != nil {
		t.Fatal(err)
	}
	where := "mongodb://" + m.Address + "/?replicaSet=" + mongodbtest.ReplicaSet
	db := openAt(t, where)
	team := model.Team{Meta: model.Meta{ID: "team_1"}, DomainID: "dom_1", Name: "shop"}
	if _, err := db.Apply(t.Context(), store.Change{Actor: "prn_1", Action: "team.create", Subject: team.ID, Writes: []store.Write{store.Teams.Put(team)}}); err != nil {
		t.Fatal(err)
	}
	reads := map[string]func() (int, error){
		"by id": func() (int, error) {
			found, err := store.Teams.GetMany(t.Context(), db, team.ID)
			return len(found), err
		},
		"by index": func() (int, error) {
			page, err := store.Teams.Find(t.Context(), db, store.Query{Index: "by_name", Limit: 10})
			return len(page.Nodes), err
		},
	}
	for name, read := range reads {
		for _, code := range []int{239, 246} { // SnapshotTooOld, SnapshotUnavailable
			failFinds(t, where, code)
			if n, err := read(); n != 1 || err != nil {
				t.Errorf("%s after error %d: %d found, %v", name, code, n, err)
			}
		}
	}
}

// failFinds lets the server refuse the next two reads with an error.
func failFinds(t *testing.T, where string, code int) {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(where))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(t.Context()) }()
	fail := bson.D{
		{Key: "configureFailPoint", Value: "failCommand"},
		{Key: "mode", Value: bson.M{"times": 2}},
		{Key: "data", Value: bson.M{"failCommands": []string{"find"}, "errorCode": code}},
	}
	if err := client.Database("admin").RunCommand(t.Context(), fail).Err(); err != nil {
		t.Fatal(err)
	}
}

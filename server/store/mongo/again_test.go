package mongo_test

import (
	"fmt"
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
	where := failing(t)
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
			fail(t, where, 2, bson.M{"failCommands": []string{"find"}, "errorCode": code})
			if n, err := read(); n != 1 || err != nil {
				t.Errorf("%s after error %d: %d found, %v", name, code, n, err)
			}
		}
	}
}

// TestCursorsThatBreakOff: a read that fails in the middle is made again from its
// start, and no row comes twice or is missing.
func TestCursorsThatBreakOff(t *testing.T) {
	where := failing(t)
	db := openAt(t, where)
	const assets = 250 // more than a first answer has
	c := store.Change{Action: "test.fill"}
	var ids []model.ID
	for i := range assets {
		a := model.Asset{Meta: model.Meta{ID: model.ID(fmt.Sprintf("ast_%03d", i))}, Name: fmt.Sprintf("table_%03d", i), Namespace: "n", Kind: "TABLE"}
		if i%50 == 49 {
			a.Kind = "VIEW"
		}
		ids = append(ids, a.ID)
		c.Writes = append(c.Writes, store.Assets.Put(a))
	}
	if _, err := db.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	reads := map[string]func() ([]model.Asset, int, error){
		"by id": func() ([]model.Asset, int, error) {
			found, err := store.Assets.GetMany(t.Context(), db, ids...)
			return found, assets, err
		},
		"by index, with a filter": func() ([]model.Asset, int, error) {
			page, err := store.Assets.Find(t.Context(), db, store.Query{Index: "by_name", Where: store.Or(store.Eq("kind", "VIEW"), store.Eq("kind", "NONE")), Limit: 10})
			return page.Nodes, 5, err
		},
	}
	var before int64
	for how, data := range map[string]bson.M{
		"the snapshot is too old": {"errorCode": 239},
		"the cursor is gone":      {"errorCode": 43},
		"the primary steps down":  {"errorCode": 189},
		"the network fails":       {"closeConnection": true},
	} {
		data["failCommands"] = []string{"getMore"}
		for name, read := range reads {
			fail(t, where, 1, data)
			found, want, err := read()
			if err != nil || len(found) != want {
				t.Errorf("%s, %s: %d of %d found, %v", name, how, len(found), want, err)
			}
			if times := fired(t, where); times == before {
				t.Errorf("%s, %s: the cursor did not break off", name, how)
			} else {
				before = times
			}
		}
	}
}

// failing starts a server that fails when a test tells it to.
func failing(t *testing.T) (where string) {
	t.Helper()
	m := mongodbtest.Start(t, "--replSet", mongodbtest.ReplicaSet, "--setParameter", "enableTestCommands=1")
	if err := mongodbtest.Initiate(t.Context(), m.Address); err != nil {
		t.Fatal(err)
	}
	where = "mongodb://" + m.Address + "/?replicaSet=" + mongodbtest.ReplicaSet
	return where
}

// fail lets the server fail some commands, as often as times says.
func fail(t *testing.T, where string, times int, data bson.M) {
	t.Helper()
	failPoint(t, where, bson.M{"times": times}, data)
}

// fired tells how often the commands have been failed, ever, and stops it.
func fired(t *testing.T, where string) int64 {
	t.Helper()
	return failPoint(t, where, "off", bson.M{"failCommands": []string{"getMore"}})
}

func failPoint(t *testing.T, where string, mode any, data bson.M) int64 {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(where))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(t.Context()) }()
	command := bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: mode}, {Key: "data", Value: data}}
	var said struct {
		Count int64 `bson:"count"`
	}
	if err := client.Database("admin").RunCommand(t.Context(), command).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return said.Count
}

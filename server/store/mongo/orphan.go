package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

// orphanAge is how long a transaction of ours may lie idle: a hundred times as
// long as one takes.
const orphanAge = 500 * time.Millisecond

// freeCounter ends the transactions of this database's writers that lie idle.
// A process that was killed in the middle of one leaves it open, and the
// server would keep the counter from everybody for a minute. To end the
// transaction of a process that is merely slow does no harm: nothing of it was
// committed, and the process repeats it.
func (e *engine) freeCounter(ctx context.Context) error {
	admin := e.client.Database("admin", options.Database().SetReadConcern(readconcern.Local())) // $currentOp knows no other
	idle := bson.D{
		{Key: "type", Value: "idleSession"},
		{Key: "appName", Value: appName(e.database.Name())},
		{Key: "transaction.timeInactiveMicros", Value: bson.M{"$gte": orphanAge.Microseconds()}},
	}
	found, err := admin.Aggregate(ctx, mongo.Pipeline{
		{{Key: "$currentOp", Value: bson.M{"allUsers": false, "idleSessions": true}}}, // our own, so no privilege is needed
		{{Key: "$match", Value: idle}},
		{{Key: "$project", Value: bson.M{"lsid.id": 1}}},
	})
	if err != nil {
		return err
	}
	var orphans []struct {
		Session bson.Raw `bson:"lsid"`
	}
	if err := found.All(ctx, &orphans); err != nil || len(orphans) == 0 {
		return err
	}
	var sessions bson.A
	for _, o := range orphans {
		sessions = append(sessions, o.Session)
	}
	return admin.RunCommand(ctx, bson.D{{Key: "killSessions", Value: sessions}}).Err()
}

// appName is how the server tells the connections to one database of Souk
// from all others.
func appName(database string) string { return "souk:" + database }

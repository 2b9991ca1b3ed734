package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

// orphanAge is how long a transaction of the log may lie idle: a hundred times
// as long as one takes.
const orphanAge = 500 * time.Millisecond

// endOrphans ends the log's transactions that lie idle. The server would keep
// the head locked for a minute after a process was killed in the middle of
// one. Where the process is merely slow it repeats what was not committed.
func (db *DB) endOrphans(ctx context.Context) error {
	admin := db.client.Database("admin", options.Database().SetReadConcern(readconcern.Local())) // $currentOp knows no other
	found, err := admin.Aggregate(ctx, mongo.Pipeline{
		{{Key: "$currentOp", Value: bson.M{"allUsers": false, "idleSessions": true}}}, // our own, so no privilege is needed
		{{Key: "$match", Value: bson.M{
			"type": "idleSession", "appName": appName(db.rows.Database().Name()), "transaction.timeInactiveMicros": bson.M{"$gte": orphanAge.Microseconds()},
		}}},
	})
	if err != nil {
		return err
	}
	var orphans []struct {
		Session struct {
			ID bson.RawValue `bson:"id"`
		} `bson:"lsid"`
	}
	if err := found.All(ctx, &orphans); err != nil || len(orphans) == 0 {
		return err
	}
	var sessions bson.A
	for _, o := range orphans {
		sessions = append(sessions, bson.M{"id": o.Session.ID})
	}
	return admin.RunCommand(ctx, bson.D{{Key: "killSessions", Value: sessions}}).Err()
}

// appName is how the server tells the connections of one log from all others.
func appName(database string) string { return "souk decision log:" + database }

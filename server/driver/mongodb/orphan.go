package mongodb

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

// endOrphans ends the transactions of this app and database that lie idle. A
// process that was killed in the middle of one leaves it open, and the server
// would keep what it has written from everybody for a minute. To end the
// transaction of a process that is merely slow does no harm: nothing of it was
// committed, and the process repeats it.
func (c *Client) endOrphans(ctx context.Context) error {
	admin := c.client.Database("admin", options.Database().SetReadConcern(readconcern.Local())) // $currentOp knows no other
	idle := bson.D{
		{Key: "type", Value: "idleSession"},
		{Key: "appName", Value: c.app},
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

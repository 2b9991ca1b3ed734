package mongodbtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// ReplicaSet is what the server must have been given as --replSet.
const ReplicaSet = "rs0"

const alreadyInitialized = 23

// Initiate makes the mongod at the address (host:port) the only member of its
// replica set and waits until it is primary. A server that already is a member
// is only waited for.
func Initiate(ctx context.Context, address string) (err error) {
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address + "/?directConnection=true"))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	defer func() { err = errors.Join(err, client.Disconnect(context.WithoutCancel(ctx))) }()
	admin := client.Database("admin")
	member := bson.M{"_id": 0, "host": address}
	initiate := bson.D{{Key: "replSetInitiate", Value: bson.M{"_id": ReplicaSet, "members": bson.A{member}}}}
	if err := admin.RunCommand(ctx, initiate).Err(); err != nil {
		if code, ok := errors.AsType[mongo.CommandError](err); !ok || code.Code != alreadyInitialized {
			return fmt.Errorf("initiate the replica set of %s: %w", address, err)
		}
	}
	return awaitPrimary(ctx, admin)
}

func awaitPrimary(ctx context.Context, admin *mongo.Database) error {
	for {
		var hello struct {
			Primary bool `bson:"isWritablePrimary"`
		}
		err := admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
		if err != nil || hello.Primary {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for a primary: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

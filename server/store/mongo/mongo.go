// Package mongo keeps records in MongoDB: a collection for each table, the
// declared indexes, and one transaction for each group of changes. It owns the
// mapping between the port and the server. Which queries are allowed is the
// planner's business, in store; connections and transactions are those of
// driver/mongodb, which refuses a server without them.
package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/store"
)

// DB is an open store.
type DB struct{ *store.Front }

// engine is one database of a MongoDB replica set or sharded cluster.
type engine struct{ client *mongodb.Client }

// metaDocument is the only one of its collection: the version of the layout
// and the number of the last event.
type metaDocument struct {
	Layout int   `bson:"layout"`
	Seq    int64 `bson:"seq"`
}

const (
	metaCollection = "meta"
	layoutVersion  = 1
)

// metaSelf finds the document of meta.
var metaSelf = bson.M{"_id": "souk"}

// app is how the server tells the store's connections from all others.
const app = "souk"

// Open connects to the database that the URI names ("souk" when it names
// none), creates what is missing in it and starts the writer. A server that
// cannot be reached or cannot do transactions is an error of kind Unavailable,
// and no error repeats the password of the URI.
func Open(ctx context.Context, uri string) (*DB, error) {
	client, err := mongodb.Open(ctx, uri, app)
	if err != nil {
		return nil, err
	}
	e := &engine{client}
	if err := e.prepare(ctx); err != nil {
		_ = e.Close() // the reason why opening ends is err
		return nil, err
	}
	return &DB{store.NewFront(e).Start(ctx)}, nil
}

func (e *engine) prepare(ctx context.Context) error {
	if err := e.checkLayout(ctx); err != nil {
		return err
	}
	if err := e.refill(ctx); err != nil {
		return err
	}
	for _, s := range store.Schemas() {
		if _, err := e.collection(s.Kind).Indexes().CreateMany(ctx, indexModels(s)); err != nil {
			return fmt.Errorf("create the indexes of %s: %w", s.Kind, mongodb.Failure(err))
		}
	}
	return nil
}

// checkLayout claims an empty database and refuses one of another version.
func (e *engine) checkLayout(ctx context.Context) error {
	var meta metaDocument
	claim := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)
	err := e.meta().FindOneAndUpdate(ctx, metaSelf, bson.M{"$setOnInsert": metaDocument{Layout: layoutVersion}}, claim).Decode(&meta)
	switch {
	case mongo.IsDuplicateKeyError(err): // another process has claimed it in the same moment
		return e.checkLayout(ctx)
	case err != nil:
		return fmt.Errorf("claim the database: %w", mongodb.Failure(err))
	case meta.Layout != layoutVersion:
		return otherLayout(e.client.Name(), meta.Layout)
	}
	return nil
}

func otherLayout(database string, version int) error {
	e := store.Unavailable(fmt.Sprintf("the database %q has layout %d and this Souk writes layout %d", database, version, layoutVersion),
		"start the version of Souk that wrote it, or name another database in the URI", nil)
	e.Field = "store"
	return e
}

func (e *engine) meta() *mongo.Collection { return e.client.Collection(metaCollection) }

func (e *engine) collection(kind store.Kind) *mongo.Collection {
	return e.client.Collection(string(kind))
}

// Close implements store.Engine.
func (e *engine) Close() error { return e.client.Close() }

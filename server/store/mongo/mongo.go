// Package mongo keeps records in MongoDB: a collection for each table, the
// declared indexes, and one transaction for each group of changes. It owns the
// mapping between the port and the server. Which queries are allowed is the
// planner's business, in store; connections and transactions are those of
// driver/mongodb, which refuses a server without them.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/store"
)

// DB is an open store.
type DB struct{ *store.Front }

// engine is one database of a MongoDB replica set or sharded cluster.
type engine struct {
	client  *mongodb.Client
	reading bool // looks on, and writes nothing
}

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
func Open(ctx context.Context, uri string) (*DB, error) { return OpenAs(ctx, uri, store.Make) }

// OpenAs opens the store as the mode says. Where there has to be one already
// and the database holds none, the error is of kind NotFound.
func OpenAs(ctx context.Context, uri string, mode store.Mode) (*DB, error) {
	client, err := mongodb.Open(ctx, uri, app)
	if err != nil {
		return nil, err
	}
	e := &engine{client: client, reading: mode == store.Reading}
	if err := e.prepare(ctx, mode); err != nil {
		_ = e.Close() // the reason why opening ends is err
		return nil, err
	}
	return &DB{store.NewFront(e).Start(ctx)}, nil
}

func (e *engine) prepare(ctx context.Context, mode store.Mode) error {
	if mode != store.Make {
		if err := e.find(ctx); err != nil || e.reading {
			return err
		}
	}
	if err := e.checkLayout(ctx); err != nil {
		return err
	}
	if err := e.dropFormer(ctx); err != nil {
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

// former are unique indexes that an earlier Souk declared: they would go on to refuse.
var former = map[store.Kind]string{"source": "by_name"}

func (e *engine) dropFormer(ctx context.Context) error {
	for kind, name := range former {
		indexes := e.collection(kind).Indexes()
		made, err := indexes.ListSpecifications(ctx)
		if err != nil {
			return mongodb.Failure(err)
		}
		if !slices.ContainsFunc(made, func(m mongo.IndexSpecification) bool { return m.Name == name }) {
			continue
		}
		if err := indexes.DropOne(ctx, name); err != nil {
			return fmt.Errorf("drop the former index %s of %s: %w", name, kind, mongodb.Failure(err))
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

// find refuses a database that holds no store, and one of another version.
func (e *engine) find(ctx context.Context) error {
	var meta metaDocument
	err := e.meta().FindOne(ctx, metaSelf).Decode(&meta)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return &model.Error{
			Kind: model.KindNotFound, Field: "store", Message: fmt.Sprintf("there is no store in the database %q", e.client.Name()),
			Hint: "look for a mistyped name in the URI; souk serve alone makes a new one",
		}
	case err != nil:
		return fmt.Errorf("look for the store: %w", mongodb.Failure(err))
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

// Sole implements store.Engine: replicas write beside this one.
func (e *engine) Sole() bool { return false }

// Close implements store.Engine.
func (e *engine) Close() error { return e.client.Close() }

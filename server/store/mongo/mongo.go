// Package mongo keeps records in MongoDB: a collection for each table, the
// declared indexes, and one transaction for each group of changes. It owns the
// mapping between the port and the server, and refuses a server that has no
// transactions. Which queries are allowed is the planner's business, in store.
package mongo

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/souk-mesh/souk/server/store"
)

// DB is an open store.
type DB struct{ *store.Front }

// engine is one database of a MongoDB replica set or sharded cluster.
type engine struct {
	client   *mongo.Client
	database *mongo.Database
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

const (
	openTimeout     = 5 * time.Second
	closeTimeout    = 2 * time.Second
	defaultDatabase = "souk"
)

// Open connects to the database that the URI names ("souk" when it names
// none), creates what is missing in it and starts the writer. A server that
// cannot be reached or cannot do transactions is an error of kind Unavailable,
// and no error repeats the password of the URI.
func Open(ctx context.Context, uri string) (*DB, error) {
	opts, err := clientOptions(uri)
	if err != nil {
		return nil, badURI(uri, err)
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, badURI(uri, err)
	}
	e := &engine{client: client, database: client.Database(databaseName(uri))}
	if err := e.prepare(ctx, uri); err != nil {
		_ = e.Close() // the reason why opening ends is err
		return nil, err
	}
	return &DB{store.NewFront(e).Start(ctx)}, nil
}

// clientOptions asks for what a keeper of records needs: an acknowledged write
// is on the disks of a majority, and only such writes are read.
func clientOptions(uri string) (*options.ClientOptions, error) {
	opts := options.Client().ApplyURI(uri).
		SetAppName(appName(databaseName(uri))).
		SetWriteConcern(durable()).
		SetReadConcern(readconcern.Majority())
	if opts.ServerSelectionTimeout == nil {
		opts.SetServerSelectionTimeout(openTimeout)
	}
	return opts, opts.Validate()
}

func durable() *writeconcern.WriteConcern {
	journal := true
	return &writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}
}

// databaseName cuts the name out of mongodb://user:password@host,host/NAME?options.
func databaseName(uri string) string {
	_, rest, _ := strings.Cut(uri, "://")
	_, path, _ := strings.Cut(rest, "/")
	path, _, _ = strings.Cut(path, "?")
	if name, err := url.PathUnescape(path); err == nil && name != "" {
		return name
	}
	return defaultDatabase
}

func (e *engine) prepare(ctx context.Context, uri string) error {
	if err := e.checkServer(ctx, uri); err != nil {
		return err
	}
	if err := e.checkLayout(ctx); err != nil {
		return err
	}
	if err := e.refill(ctx); err != nil {
		return err
	}
	for _, s := range store.Schemas() {
		if _, err := e.collection(s.Kind).Indexes().CreateMany(ctx, indexModels(s)); err != nil {
			return fmt.Errorf("create the indexes of %s: %w", s.Kind, failure(err))
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
		return fmt.Errorf("claim the database: %w", failure(err))
	case meta.Layout != layoutVersion:
		return otherLayout(e.database.Name(), meta.Layout)
	}
	return nil
}

func (e *engine) meta() *mongo.Collection { return e.database.Collection(metaCollection) }

func (e *engine) collection(kind store.Kind) *mongo.Collection {
	return e.database.Collection(string(kind))
}

// Close leaves the server; one that is gone is given a moment to answer.
func (e *engine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return failure(e.client.Disconnect(ctx))
}

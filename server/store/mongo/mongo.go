// Package mongo keeps records in MongoDB: a collection for each table, the
// declared indexes, and one transaction for each batch of changes. It owns the
// mapping between the port and the server, and refuses a server that has no
// transactions. Which queries are allowed is the planner's business, in store.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/souk-mesh/souk/server/store"
)

var _ store.Store = (*DB)(nil)

// DB is a store in one database of a MongoDB replica set or sharded cluster.
type DB struct {
	client   *mongo.Client
	database *mongo.Database
	pending  chan *pending
	bell     bell
	done     chan struct{}      // closed when the writer has ended
	stop     context.CancelFunc // no further change is taken up
	abandon  context.CancelFunc // nor is one finished
	work     sync.WaitGroup
}

// metaDocument is the only one of its collection: the version of the layout
// and the number of the last event.
type metaDocument struct {
	Layout int   `bson:"layout"`
	Seq    int64 `bson:"seq"`
}

const (
	metaCollection = "meta"
	metaID         = "souk"
	layoutVersion  = 1
)

const (
	openTimeout     = 5 * time.Second
	closeGrace      = 2 * time.Second
	defaultDatabase = "souk"
)

// Open connects to the database that the URI names ("souk" when it names
// none), creates what is missing in it and starts the writer. A server that
// cannot be reached or cannot do transactions is an error of kind Unavailable,
// and no error repeats the password of the URI.
func Open(ctx context.Context, uri string) (*DB, error) {
	opts, err := clientOptions(uri)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, badURI(uri, err)
	}
	db := &DB{
		client:   client,
		database: client.Database(databaseName(uri)),
		pending:  make(chan *pending),
		done:     make(chan struct{}),
	}
	if err := db.prepare(ctx, uri); err != nil {
		_ = client.Disconnect(context.WithoutCancel(ctx)) // the reason why opening ends is err
		return nil, err
	}
	db.start(context.WithoutCancel(ctx))
	return db, nil
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
	if err := opts.Validate(); err != nil {
		return nil, badURI(uri, err)
	}
	return opts, nil
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

func (db *DB) prepare(ctx context.Context, uri string) error {
	if err := db.checkServer(ctx, uri); err != nil {
		return err
	}
	if err := db.checkLayout(ctx); err != nil {
		return err
	}
	for _, s := range store.Schemas() {
		if _, err := db.database.Collection(string(s.Kind)).Indexes().CreateMany(ctx, indexModels(s)); err != nil {
			return fmt.Errorf("create the indexes of %s: %w", s.Kind, failure(err))
		}
	}
	return nil
}

// checkLayout claims an empty database and refuses one of another version.
func (db *DB) checkLayout(ctx context.Context) error {
	fresh := bson.M{"$setOnInsert": metaDocument{Layout: layoutVersion}}
	_, err := db.meta().UpdateOne(ctx, bson.M{"_id": metaID}, fresh, options.UpdateOne().SetUpsert(true))
	if err != nil && !mongo.IsDuplicateKeyError(err) { // another process may claim it in the same moment
		return fmt.Errorf("claim the database: %w", failure(err))
	}
	var meta metaDocument
	if err := db.meta().FindOne(ctx, bson.M{"_id": metaID}).Decode(&meta); err != nil {
		return fmt.Errorf("read the version of the database: %w", failure(err))
	}
	if meta.Layout != layoutVersion {
		return otherLayout(db.database.Name(), meta.Layout)
	}
	return nil
}

func (db *DB) meta() *mongo.Collection { return db.database.Collection(metaCollection) }

func (db *DB) start(ctx context.Context) {
	ctx, db.abandon = context.WithCancel(ctx)
	until, stop := context.WithCancel(ctx)
	db.stop = stop
	db.work.Go(func() { db.write(ctx, until) })
	db.work.Go(func() { db.listen(until) })
}

// Close stops the writer and leaves the server. The changes that are being
// written are given a moment, and a server that is gone no longer than that.
func (db *DB) Close() error {
	db.stop()
	late := time.AfterFunc(closeGrace, db.abandon)
	db.work.Wait()
	late.Stop()
	db.abandon()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	if err := db.client.Disconnect(ctx); !errors.Is(err, mongo.ErrClientDisconnected) {
		return failure(err)
	}
	return nil // closed before
}

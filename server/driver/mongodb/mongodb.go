// Package mongodb is a client of one database on a MongoDB replica set, as a
// keeper of records needs it: what it acknowledges is on the disks of a
// majority, and only that is read. It owns the URI, what is asked of a server,
// transactions and the kinds of errors, and refuses a server that has no
// transactions. It knows nothing of what the collections hold.
package mongodb

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

const (
	openTimeout     = 5 * time.Second
	closeTimeout    = 2 * time.Second
	defaultDatabase = "souk"
)

// Client is an open connection to one database. It is safe for many
// goroutines.
type Client struct {
	app      string // as the server knows it
	client   *mongo.Client
	database *mongo.Database
}

// Open connects to the database that the URI names ("souk" when it names
// none). The name of the app tells its connections to that database from all
// others, so that only its own transactions are ended when they lie idle. A URI
// that cannot be read is an error of kind Invalid, a server that cannot be
// reached or has no transactions one of kind Unavailable, and no error repeats
// the password.
func Open(ctx context.Context, uri, app string) (*Client, error) {
	name := databaseName(uri)
	app += ":" + name
	opts, err := clientOptions(uri, app)
	if err != nil {
		return nil, badURI(uri, err)
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, badURI(uri, err)
	}
	c := &Client{app: app, client: client, database: client.Database(name)}
	if err := c.checkServer(ctx, uri); err != nil {
		_ = c.Close() // the reason why opening ends is err
		return nil, err
	}
	return c, nil
}

// Name is that of the database.
func (c *Client) Name() string { return c.database.Name() }

// Collection gives the collection of the name. Outside of transactions it
// reads what a majority has.
func (c *Client) Collection(name string) *mongo.Collection { return c.database.Collection(name) }

// Snapshot gives the collection for queries that see one state of it, however
// long they take: without it the server may show half of a transaction.
func (c *Client) Snapshot(name string) *mongo.Collection {
	return c.database.Collection(name, options.Collection().SetReadConcern(readconcern.Snapshot()))
}

// Names lists the collections of the database.
func (c *Client) Names(ctx context.Context) ([]string, error) {
	names, err := c.database.ListCollectionNames(ctx, bson.D{{Key: "type", Value: "collection"}})
	slices.Sort(names)
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "system.") }), err
}

// Still does the work with the collections of the database as they are at one
// moment, however many are read: they are read with Snapshot and the context
// that the work is given. A server keeps a moment for five minutes, unless its
// minSnapshotHistoryWindowInSeconds says otherwise.
func (c *Client) Still(ctx context.Context, work func(ctx context.Context, names []string) error) error {
	names, err := c.Names(ctx)
	if err != nil {
		return Failure(err)
	}
	session, err := c.client.StartSession(options.Session().SetSnapshot(true))
	if err != nil {
		return Failure(err)
	}
	defer session.EndSession(context.WithoutCancel(ctx))
	return work(mongo.NewSessionContext(ctx, session), names)
}

// Close leaves the server; one that is gone is given a moment to answer.
func (c *Client) Close() error { return Failure(leave(c.client.Disconnect)) }

// leave disconnects, and waits for that no longer than a moment. The driver may wait
// ten seconds for the answer to a heartbeat, whatever its context says; that goes on
// by itself.
func leave(disconnect func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- disconnect(ctx)
	}()
	late := time.NewTimer(closeTimeout)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return nil
	}
}

// clientOptions overrules what the URI says of concerns.
func clientOptions(uri, app string) (*options.ClientOptions, error) {
	opts := options.Client().ApplyURI(uri).SetAppName(app).SetWriteConcern(durable()).SetReadConcern(readconcern.Majority())
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
	_, after, _ := strings.Cut(uri, "://")
	_, path, _ := strings.Cut(after, "/")
	path, _, _ = strings.Cut(path, "?")
	if name, err := url.PathUnescape(path); err == nil && name != "" {
		return name
	}
	return defaultDatabase
}

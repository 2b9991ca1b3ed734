package mongodb

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
)

// hello is what a server says of itself to anybody who asks.
type hello struct {
	SetName    string `bson:"setName"`      // the replica set it is a member of
	Message    string `bson:"msg"`          // "isdbgrid" from the router of a sharded cluster
	Unfinished bool   `bson:"isreplicaset"` // started for a replica set that nobody has initiated
}

func (h hello) hasTransactions() bool { return h.SetName != "" || h.Message == "isdbgrid" }

// checkServer refuses a server that cannot be reached or has no transactions.
func (c *Client) checkServer(ctx context.Context, uri string) error {
	said, err := askHello(ctx, c.client)
	if err == nil && said.hasTransactions() {
		return nil
	}
	if err != nil {
		// A URI that names a replica set finds no server in one that is none, so
		// the first host is asked directly what it is.
		var direct error
		if said, direct = askFirstHello(ctx, uri); direct != nil || said.hasTransactions() {
			return unreachable(uri, err)
		}
	}
	return noReplicaSet(said)
}

func askHello(ctx context.Context, client *mongo.Client) (hello, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	said, err := ask(ctx, client)
	if err == nil { // hello needs no password, and a wrong one should show at once
		err = client.Ping(ctx, nil)
	}
	return said, err
}

func ask(ctx context.Context, client *mongo.Client) (said hello, err error) {
	err = client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&said)
	return said, err
}

func askFirstHello(ctx context.Context, uri string) (hello, error) {
	given := options.Client().ApplyURI(uri)
	if len(given.Hosts) == 0 {
		return hello{}, errors.New("the URI names no host")
	}
	opts := options.Client().SetHosts(given.Hosts[:1]).SetDirect(true).SetServerSelectionTimeout(openTimeout / 5)
	opts.TLSConfig = given.TLSConfig
	client, err := mongo.Connect(opts)
	if err != nil {
		return hello{}, err
	}
	defer func() { _ = leave(client.Disconnect) }() // it was only asked one thing
	return ask(ctx, client)
}

// unusable is the error of a server that is not what Souk needs.
func unusable(message, hint string, err error) *model.Error {
	e := unavailable(message, hint, err)
	e.Field = "store"
	return e
}

func noReplicaSet(said hello) error {
	how := "start mongod with --replSet rs0 and run rs.initiate() once, one member is enough"
	if said.Unfinished {
		how = "run rs.initiate() once in its shell"
	}
	e := unusable("this MongoDB is no replica set and so has no transactions", how, nil)
	e.Code = "NO_REPLICA_SET"
	return e
}

func unreachable(uri string, err error) error {
	if strings.Contains(err.Error(), "auth") {
		return unusable("MongoDB refuses the user or the password of the URI",
			"correct them, or name the database that knows the user with authSource", withoutPassword(uri, err))
	}
	return unusable("MongoDB does not answer at "+strings.Join(options.Client().ApplyURI(uri).Hosts, ", "),
		"check the address, that the server runs and that its replica set has a primary", withoutPassword(uri, err))
}

// badURI does not repeat what the parser says where there is a password: it
// may quote the very part that cannot be read.
func badURI(uri string, err error) error {
	e := model.Invalid("store", "is no MongoDB URI that can be used",
		"use mongodb://host:27017/souk?replicaSet=rs0, and write @ : / % in a password as %40 %3A %2F %25")
	if !strings.Contains(uri, "@") {
		e.Err = err
	}
	return e
}

// withoutPassword cuts the password out of an error, as it is and as the URI writes it.
func withoutPassword(uri string, err error) error {
	_, after, _ := strings.Cut(uri, "://")
	user, _, found := strings.Cut(after, "@")
	_, written, has := strings.Cut(user, ":")
	if !found || !has || written == "" {
		return err
	}
	text := strings.ReplaceAll(err.Error(), written, "***")
	if plain, bad := url.PathUnescape(written); bad == nil && plain != "" {
		text = strings.ReplaceAll(text, plain, "***")
	}
	return errors.New(text)
}

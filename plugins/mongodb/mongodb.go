// Package mongodb harvests a MongoDB deployment: databases, collections, views,
// indexes, validators and the shape of documents. It owns the way from a sample of
// documents to fields: the types and the frequency of each path. It refuses to
// hand on a value of a document, also where one stands in the place of a key, and
// it can write nothing.
package mongodb

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Plugin is the harvester of MongoDB.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "mongodb", Version: "1.0.0", Doc: doc,
			Summary: "Collections, views, indexes, validators and the sampled schema of a MongoDB deployment.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open,
		Judge: func(c Config) error {
			_, err := c.parse()
			return err
		},
	}
}

type source struct{ *parsed }

func open(_ context.Context, c Config, _ sdk.Env) (sdk.Source, error) {
	p, err := c.parse()
	if err != nil {
		return nil, err
	}
	return &source{p}, nil
}

// Close has nothing to close: each call has its own connections.
func (s *source) Close() error { return nil }

// connect gives a client that has reached the server, and how to let go of it.
func (s *source) connect(ctx context.Context) (*mongo.Client, func(), error) {
	trying, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	client, err := mongo.Connect(s.clientOptions().SetServerMonitor(s.unverified(giveUp)))
	if err != nil {
		return nil, nil, s.explain(err)
	}
	end := func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = client.Disconnect(ending)
	}
	err = client.Database("admin").RunCommand(trying, bson.D{{Key: "ping", Value: 1}}).Err()
	if err == nil {
		return client, end, nil
	}
	end()
	if ctx.Err() == nil && trying.Err() != nil {
		err = context.Cause(trying)
	}
	return nil, nil, s.explain(err)
}

// unverified gives up once a server could not prove who it is, where it is the
// only one: trying until the time is up would not mend its certificate.
func (s *source) unverified(giveUp context.CancelCauseFunc) *event.ServerMonitor {
	return &event.ServerMonitor{ServerHeartbeatFailed: func(e *event.ServerHeartbeatFailedEvent) {
		if len(s.others) == 0 && transport.Unverified(e.Failure, "") != nil {
			giveUp(e.Failure)
		}
	}}
}

func (p *parsed) clientOptions() *options.ClientOptions {
	o := options.Client().ApplyURI(p.uri).SetAppName("souk").SetTLSConfig(p.secure).
		SetConnectTimeout(p.timeout).SetServerSelectionTimeout(p.timeout).
		SetReadPreference(readpref.PrimaryPreferred()).SetMaxPoolSize(4)
	if p.user != "" {
		o.SetAuth(options.Credential{Username: p.user, Password: p.password, PasswordSet: true, AuthSource: p.authSource, AuthMechanism: p.mechanism})
	}
	return o
}

// Check tries what a harvest does.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	client, end, err := s.connect(ctx)
	if err != nil {
		return r.Tried("connect", err)
	}
	defer end()
	r.OK("connect")
	l, err := s.list(ctx, client)
	if err != nil {
		return r.Tried("list_databases", err)
	}
	s.checkDatabases(ctx, client, l, r)
	return ctx.Err()
}

// checkDatabases tries one collection of each database.
func (s *source) checkDatabases(ctx context.Context, client *mongo.Client, l *listing, r *sdk.Report) {
	listed, described, sampled := true, true, s.sample > 0
	for _, name := range l.absent {
		listed = false
		r.Failed("list_collections", "there is no database "+quote(name)+" that the user may see", "take it out of includeDatabases, create it, or grant a right on it")
	}
	for _, d := range l.databases {
		all, err := s.collections(ctx, client.Database(d))
		if err != nil {
			listed = false
			r.Failed("list_collections", "the collections of "+quote(d)+" cannot be listed: "+err.Error(), fixOf(err))
			continue
		}
		for _, c := range all {
			if c.kind != collectionKind {
				continue
			}
			if err := s.describe(ctx, client.Database(d), c); err != nil {
				described = false
				r.Failed("read_indexes", "indexes of "+quote(d)+" cannot be read: "+err.Error(), fixOf(err))
			}
			if _, err := s.read(ctx, client.Database(d), c); err != nil {
				sampled = false
				r.Failed("sample", "documents of "+quote(d)+" cannot be sampled: "+err.Error(), fixOf(err)+", or set sample to 0")
			}
			break
		}
	}
	for i, ok := range []bool{listed, described, sampled} {
		if ok {
			r.OK([]string{"list_collections", "read_indexes", "sample"}[i])
		}
	}
}

func fixOf(err error) string {
	if e, known := errors.AsType[*sdk.Error](err); known {
		return e.Fix
	}
	return "look into the log of the server"
}

package mongodb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

const app = "souk test"

// TestOpenRefusals gives Open what it cannot work with: it says so at once, in
// words that help, and never repeats the password.
func TestOpenRefusals(t *testing.T) {
	host := hostOf(mongodbtest.URI(t))
	cases := []struct {
		name, uri string
		kind      model.ErrorKind
		want      string
	}{
		{"nobody listens", "mongodb://ana:s3cret%21@" + mongodbtest.FreeAddress(t) + "/?serverSelectionTimeoutMS=300", model.KindUnavailable, "check the address"},
		{"a wrong password", "mongodb://ana:s3cret%21@" + host + "/", model.KindUnavailable, "refuses the user or the password"},
		{"another replica set", "mongodb://" + host + "/?replicaSet=other&serverSelectionTimeoutMS=300", model.KindUnavailable, "check the address"},
		{"a password that is no URI", "mongodb://ana:s3cret!%zz@" + host + "/", model.KindInvalid, "write @ : / % in a password"},
		{"an option that does not exist", "mongodb://ana:s3cret%21@" + host + "/?w=-3", model.KindInvalid, "is no MongoDB URI"},
		{"no host", "mongodb://", model.KindInvalid, "is no MongoDB URI"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			client, err := mongodb.Open(t.Context(), c.uri, app)
			if err == nil {
				_ = client.Close()
				t.Fatal("opened")
			}
			if got := model.KindOf(err); got != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %q, want %s with %q", got, err, c.kind, c.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows the password: %q", err)
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestStandaloneRefused: a MongoDB without a replica set has no transactions,
// whether or not the URI pretends that it is one.
func TestStandaloneRefused(t *testing.T) {
	address := mongodbtest.Standalone(t)
	for _, query := range []string{"", "?replicaSet=rs0&serverSelectionTimeoutMS=500"} {
		want := "store: this MongoDB is no replica set and so has no transactions (start mongod with --replSet rs0 and run rs.initiate() once, one member is enough)"
		refused(t, "mongodb://"+address+"/"+query, want)
	}
}

// TestUninitiatedRefused: the commonest mistake after that, and its remedy is another.
func TestUninitiatedRefused(t *testing.T) {
	s := mongodbtest.Start(t, "--replSet", mongodbtest.ReplicaSet)
	refused(t, "mongodb://"+s.Address+"/?serverSelectionTimeoutMS=500",
		"store: this MongoDB is no replica set and so has no transactions (run rs.initiate() once in its shell)")
}

func refused(t *testing.T, uri, want string) {
	t.Helper()
	_, err := mongodb.Open(t.Context(), uri, app)
	if err == nil || err.Error() != want {
		t.Errorf("%q: got %v\nwant %s", uri, err, want)
	}
	if refusal, ok := errors.AsType[*model.Error](err); ok && refusal.StableCode() != "NO_REPLICA_SET" {
		t.Errorf("got the code %s", refusal.StableCode())
	}
}

// TestDatabaseOfTheURI is the one that it names, or Souk's.
func TestDatabaseOfTheURI(t *testing.T) {
	server := "mongodb://" + hostOf(mongodbtest.URI(t))
	for uri, want := range map[string]string{
		server:                         "souk",
		server + "/":                   "souk",
		server + "/?retryWrites=true":  "souk",
		server + "/mesh":               "mesh",
		server + "/me%73h?w=1&j=false": "mesh",
	} {
		c := open(t, uri, app)
		if got := c.Name(); got != want {
			t.Errorf("%s: got %q, want %q", uri, got, want)
		}
	}
}

// TestDurable asks the server how it was asked to write: no URI loosens it.
func TestDurable(t *testing.T) {
	uri, database := mongodbtest.Database(t)
	c := open(t, uri+"&w=1&journal=false", app)
	profiled(t, database)
	if _, err := c.Collection("things").InsertOne(t.Context(), bson.M{"_id": 1}); err != nil {
		t.Fatal(err)
	}
	if err := c.Snapshot("things").FindOne(t.Context(), bson.M{"_id": 1}).Err(); err != nil {
		t.Fatal(err)
	}
	for op, want := range map[string]bson.M{
		"insert": {"command.writeConcern.w": "majority", "command.writeConcern.j": true},
		"query":  {"command.readConcern.level": "snapshot"},
	} {
		want["op"] = op
		if n, err := database.Collection("system.profile").CountDocuments(t.Context(), want); n != 1 || err != nil {
			t.Errorf("%d of the op %s are as they must be, %v", n, op, err)
		}
	}
}

func profiled(t *testing.T, database *mongo.Database) {
	t.Helper()
	if err := database.RunCommand(t.Context(), bson.D{{Key: "profile", Value: 2}}).Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before the database is dropped
		_ = database.RunCommand(context.WithoutCancel(t.Context()), bson.D{{Key: "profile", Value: 0}}).Err()
	})
}

func open(t *testing.T, uri, app string) *mongodb.Client {
	t.Helper()
	c, err := mongodb.Open(t.Context(), uri, app)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// hostOf cuts the hosts out of a URI without a password.
func hostOf(uri string) string {
	return strings.TrimPrefix(uri[:strings.LastIndex(uri, "/")], "mongodb://")
}

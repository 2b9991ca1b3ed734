package mongo_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
	"github.com/souk-mesh/souk/server/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return open(t)
	})
}

func TestAgreesWithSQLite(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			lite, err := sqlite.Open(t.Context(), ":memory:")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = lite.Close() })
			storetest.Agree(t, open(t), lite, seed)
		})
	}
}

// TestOpenRefusals gives Open what it cannot work with: it says so at once, in
// words that help, and never repeats the password.
func TestOpenRefusals(t *testing.T) {
	server := uri(t)
	host := strings.TrimPrefix(server[:strings.LastIndex(server, "/")], "mongodb://")
	cases := []struct {
		name, uri string
		kind      model.ErrorKind
		want      string
	}{
		{"nobody listens", "mongodb://ana:s3cret%21@" + freeAddress(t) + "/?serverSelectionTimeoutMS=300", model.KindUnavailable, "check the address"},
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
			db, err := mongo.Open(t.Context(), c.uri)
			if err == nil {
				_ = db.Close()
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
	address := standalone(t)
	for _, query := range []string{"", "?replicaSet=rs0&serverSelectionTimeoutMS=500"} {
		_, err := mongo.Open(t.Context(), "mongodb://"+address+"/"+query)
		want := "store: this MongoDB is no replica set and so has no transactions (start mongod with --replSet rs0 and run rs.initiate() once, one member is enough)"
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v\nwant %s", query, err, want)
		}
	}
}

// TestUninitiatedRefused: the commonest mistake after that, and its remedy is another.
func TestUninitiatedRefused(t *testing.T) {
	m := startMongod(t, "--replSet", "rs0")
	_, err := mongo.Open(t.Context(), "mongodb://"+m.address+"/?serverSelectionTimeoutMS=500")
	want := "store: this MongoDB is no replica set and so has no transactions (run rs.initiate() once in its shell)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestOtherLayoutRefused: a database that a later Souk has written is not touched.
func TestOtherLayoutRefused(t *testing.T) {
	where, database := freshDatabase(t)
	if _, err := database.Collection("meta").InsertOne(t.Context(), bson.M{"_id": "souk", "layout": 7, "seq": 0}); err != nil {
		t.Fatal(err)
	}
	_, err := mongo.Open(t.Context(), where)
	want := fmt.Sprintf("store: the database %q has layout 7 and this Souk writes layout 1 (start the version of Souk that wrote it, or name another database in the URI)", database.Name())
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestManyProcesses writes through several stores on one database, as several
// replicas of Souk do: no number is given twice or left out, and the news
// reaches a reader in another process.
func TestManyProcesses(t *testing.T) {
	const writers, each = 4, 25
	where, _ := freshDatabase(t)
	reader := openAt(t, where)
	for range writers {
		s := openAt(t, where)
		go func() {
			for range each {
				if _, err := s.Apply(t.Context(), change()); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	want := int64(1)
	for e, err := range reader.Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq != want {
			t.Fatalf("event %d, want %d", e.Seq, want)
		}
		if want++; want > writers*each {
			break
		}
	}
}

func change() store.Change {
	id := model.NewID(model.PrefixTeam)
	team := model.Team{Meta: model.Meta{ID: id}, Name: model.Slug(id)}
	return store.Change{Actor: "prn_test", Action: "team.create", Subject: id, Writes: []store.Write{store.Teams.Put(team)}}
}

func open(t *testing.T) *mongo.DB {
	t.Helper()
	where, _ := freshDatabase(t)
	return openAt(t, where)
}

func openAt(tb testing.TB, where string) *mongo.DB {
	tb.Helper()
	db, err := mongo.Open(tb.Context(), where)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// uri gives the address of the server to test on.
func uri(tb testing.TB) string {
	tb.Helper()
	return setting(tb, "SOUK_TEST_MONGODB_URI", "it names a replica set to test on")
}

// setting skips where a setting is missing, except in CI.
func setting(tb testing.TB, name, what string) string {
	tb.Helper()
	value := os.Getenv(name)
	switch {
	case value != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		tb.Fatalf("%s is not set: %s; eval \"$(.ci/mongod)\" sets it", name, what)
	default:
		tb.Skipf("%s is not set: %s; eval \"$(.ci/mongod)\" sets it", name, what)
	}
	return value
}

// freshDatabase gives a URI that names a database of the test's own, which is
// dropped at the end.
func freshDatabase(tb testing.TB) (string, *driver.Database) {
	tb.Helper()
	server, name := uri(tb), "souk_test_"+strings.ToLower(rand.Text())
	client, err := driver.Connect(options.Client().ApplyURI(server))
	if err != nil {
		tb.Fatal(err)
	}
	database := client.Database(name)
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		if err := database.Drop(ctx); err != nil {
			tb.Error(err)
		}
		_ = client.Disconnect(ctx)
	})
	return withDatabase(server, name), database
}

// withDatabase names the database in a URI such as mongodb://host/?replicaSet=rs0.
func withDatabase(server, name string) string {
	head, query, _ := strings.Cut(server, "?")
	return strings.TrimRight(head, "/") + "/" + name + "?" + query
}

// freeAddress gives an address where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

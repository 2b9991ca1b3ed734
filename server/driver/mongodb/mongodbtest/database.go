// Package mongodbtest gives tests a MongoDB: a database of their own on the
// server that the environment names, or a server that they may kill. It is no
// part of Souk.
package mongodbtest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// URI gives the address of the replica set to test on.
func URI(tb testing.TB) string {
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

// Database gives a URI that names a database of the test's own, which is
// dropped at the end, and the database by the side of whoever is tested.
func Database(tb testing.TB) (string, *mongo.Database) {
	tb.Helper()
	server, name := URI(tb), "souk_test_"+strings.ToLower(rand.Text())
	client, err := mongo.Connect(options.Client().ApplyURI(server))
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

// spare holds databases that were used and emptied.
var spare = make(chan string, 16)

// Reused gives a URI as Database does, of a database that tests of the process
// use one after the other: it is emptied and keeps its collections and
// indexes, which take a server far longer to make than a story to run. It stays
// there when the process ends.
func Reused(tb testing.TB) string {
	tb.Helper()
	var name string
	select {
	case name = <-spare:
	default:
		name = "souk_test_" + strings.ToLower(rand.Text())
	}
	uri := withDatabase(URI(tb), name)
	database := Of(tb, uri)
	tb.Cleanup(func() {
		if err := empty(context.WithoutCancel(tb.Context()), database); err != nil {
			tb.Error(err)
			return
		}
		select {
		case spare <- name:
		default:
		}
	})
	return uri
}

func empty(ctx context.Context, database *mongo.Database) error {
	collections, err := database.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, c := range collections {
		if _, err := database.Collection(c).DeleteMany(ctx, bson.D{}); err != nil {
			return err
		}
	}
	return nil
}

// Of gives the database that a URI names, by the side of whoever is tested.
func Of(tb testing.TB, uri string) *mongo.Database {
	tb.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(tb.Context())) })
	_, path, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
	name, _, _ := strings.Cut(path, "?")
	return client.Database(name)
}

// withDatabase names the database in a URI such as mongodb://host/?replicaSet=rs0.
func withDatabase(server, name string) string {
	head, query, _ := strings.Cut(server, "?")
	return strings.TrimRight(head, "/") + "/" + name + "?" + query
}

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

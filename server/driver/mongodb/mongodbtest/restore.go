package mongodbtest

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Restore fills a database from a folder that holds, for each collection, its
// documents one after another as NAME.bson.gz and its indexes as
// NAME.indexes.json: what mongodump writes, without its archive.
func Restore(tb testing.TB, into *mongo.Database, from fs.FS) {
	tb.Helper()
	names, err := fs.Glob(from, "*"+documents)
	if err != nil || len(names) == 0 {
		tb.Fatalf("no collections to restore: %v", err)
	}
	for _, file := range names {
		name := strings.TrimSuffix(file, documents)
		must(tb, into.CreateCollection(tb.Context(), name))
		must(tb, insert(tb.Context(), into.Collection(name), from, file))
		must(tb, index(tb.Context(), into, name, from))
	}
}

const documents = ".bson.gz"

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// insert writes the documents of a file as they stand, the time stamps of the
// server's own kind included.
func insert(ctx context.Context, into *mongo.Collection, from fs.FS, file string) error {
	packed, err := from.Open(file)
	if err != nil {
		return err
	}
	defer packed.Close()
	text, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	var docs []any
	for {
		doc, err := bson.ReadDocument(text)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		docs = append(docs, doc)
	}
	if len(docs) == 0 {
		return nil
	}
	_, err = into.InsertMany(ctx, docs)
	return err
}

// index makes the indexes of a collection exactly as they were.
func index(ctx context.Context, into *mongo.Database, name string, from fs.FS) error {
	text, err := fs.ReadFile(from, name+".indexes.json")
	if err != nil {
		return err
	}
	var listed []json.RawMessage
	if err := json.Unmarshal(text, &listed); err != nil {
		return err
	}
	var indexes bson.A
	for _, one := range listed {
		var spec bson.D
		if err := bson.UnmarshalExtJSON(one, false, &spec); err != nil {
			return err
		}
		indexes = append(indexes, spec)
	}
	return into.RunCommand(ctx, bson.D{{Key: "createIndexes", Value: name}, {Key: "indexes", Value: indexes}}).Err()
}

// Package enginetest gives tests a store of their own on each engine. It is no
// part of Souk.
package enginetest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	_ "github.com/souk-mesh/souk/server/servertest/heaptest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// Open gives an empty store that is closed at the end of the test.
type Open func(testing.TB) store.Store

// SQLite gives a store in memory.
func SQLite(tb testing.TB) store.Store {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), ":memory:")
	return closing(tb, db, err)
}

// MongoDB gives a store on the replica set that the environment names.
func MongoDB(tb testing.TB) store.Store {
	tb.Helper()
	db, err := mongo.Open(tb.Context(), mongodbtest.Reused(tb))
	return closing(tb, db, err)
}

// Each runs a test on each engine.
func Each(t *testing.T, test func(*testing.T, store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("mongodb", func(t *testing.T) { test(t, MongoDB(t)) })
}

type closer interface {
	store.Store
	Close() error
}

func closing[S closer](tb testing.TB, db S, err error) store.Store {
	tb.Helper()
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

// Counted is a store that counts what is read of it.
type Counted struct {
	store.Store

	Reads atomic.Int64
}

// Get counts itself as one.
func (c *Counted) Get(ctx context.Context, kind store.Kind, ids ...model.ID) ([]store.Record, error) {
	c.Reads.Add(1)
	return c.Store.Get(ctx, kind, ids...)
}

// Find counts itself as one.
func (c *Counted) Find(ctx context.Context, q store.Query) (store.Page, error) {
	c.Reads.Add(1)
	return c.Store.Find(ctx, q)
}

// Operation is something that people do, and how often it reads the store.
type Operation struct {
	Name  string
	Reads int64
	Do    func() error
}

// Hold does the operations, one after the other, and holds each to its reads.
func (c *Counted) Hold(tb testing.TB, operations ...Operation) {
	tb.Helper()
	for _, o := range operations {
		before := c.Reads.Load()
		if err := o.Do(); err != nil {
			tb.Fatalf("%s: %v", o.Name, err)
		}
		if got := c.Reads.Load() - before; got != o.Reads {
			tb.Errorf("%s: got %d reads of the store, want %d", o.Name, got, o.Reads)
		}
	}
}

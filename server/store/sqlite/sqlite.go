// Package sqlite keeps the records in one SQLite file: a table per noun, the
// document beside the columns that its indexes need. It owns the tables, the
// statements on them and how a value is kept; the file and its connections are
// the driver's.
package sqlite

import (
	"context"
	"math"

	"github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

const (
	application = 0x536f756b // "Souk", in the file's header
	layout      = 1          // of the tables; a file of a later one is refused
)

// DB is an open store.
type DB struct {
	*store.Front

	file *sqlite.File
}

// Vacuum writes the file anew, so that nothing of what was deleted or
// overwritten stays in it.
func (d *DB) Vacuum() error { return d.file.Vacuum() }

// Headroom is how many bytes are left on the disk, and how many the
// write-ahead log has; known is false where the system does not tell.
func (d *DB) Headroom() (room, log int64, known bool) { return d.file.Headroom() }

// engine is the file and what is in it.
type engine struct {
	file   *sqlite.File
	tables map[store.Kind]*table
	sole   bool  // the file is this process's, and not only looked at
	seq    int64 // of the last committed event; the writer's own
}

// Open opens the store in the file at path, and makes it when there is none;
// ":memory:" is a store without a file. The context bounds the opening only.
// A file that another process has open is an error of kind Unavailable.
func Open(ctx context.Context, path string) (*DB, error) { return OpenAs(ctx, path, store.Make) }

// OpenAs opens the store as the mode says. Where there has to be one already
// and there is none, the error is of kind NotFound.
func OpenAs(ctx context.Context, path string, mode store.Mode) (*DB, error) {
	e, err := openAs(ctx, path, mode)
	if err != nil {
		return nil, err
	}
	return &DB{Front: store.NewFront(e).Start(ctx), file: e.file}, nil
}

func open(ctx context.Context, path string) (*engine, error) { return openAs(ctx, path, store.Make) }

// openAs opens the file. The writer syncs at every commit, and leaves the
// checkpoint to another. Null is kept as minus infinity: it sorts before every
// number and string as NULL does, but it equals itself and can stand in a
// comparison of rows, which is how a page goes on after a key.
//
// The caches are small, since each connection has its own: a reader's is empty
// again after every commit, and what the writer does not find the system's does.
func openAs(ctx context.Context, path string, mode store.Mode) (*engine, error) {
	e := &engine{tables: newTables(), sole: mode != store.Reading}
	var err error
	e.file, err = sqlite.Open(path, sqlite.Options{
		Name: "store", Application: application, Layout: layout, Exclusive: true, Readers: 6, Nil: math.Inf(-1),
		Existing: mode != store.Make, ReadOnly: mode == store.Reading,
		Prepare: func(c *sqlite.Conn) error { return e.prepare(ctx, c) },
		Writing: []string{"wal_autocheckpoint=0", "cache_size=-4096"},
		Reading: []string{"cache_size=-2048"},
	})
	return e, err
}

// Sole implements store.Engine: whoever writes the file holds its lock.
func (e *engine) Sole() bool { return e.sole }

// Beside implements store.Engine: it makes the checkpoints.
func (e *engine) Beside(ctx context.Context, bell *store.Bell) { e.file.Checkpoints(ctx, bell.Next) }

// Close implements store.Engine.
func (e *engine) Close() error { return e.file.Close() }

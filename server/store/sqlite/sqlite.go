// Package sqlite keeps the records in one SQLite file: a table per noun, the
// document beside the columns that its indexes need. It owns the file (one
// process at a time, by a lock beside it), its single writer, which commits
// the changes that wait together in one go, and its readers. It refuses a file
// of a newer Souk and a file of another program.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var _ store.Store = (*DB)(nil)

// memory is the path of a store that lives and dies with its process.
const memory = ":memory:"

// DB is an open store.
type DB struct {
	path    string
	tables  map[store.Kind]*table
	writer  *sqlite.Conn      // nil in memory, where one connection does all
	readers chan *sqlite.Conn // those that are free
	size    int               // how many readers there are
	unlock  func() error

	queue  chan *job
	full   chan struct{} // wakes the checkpointer
	closed chan struct{}
	shut   func() error
	work   sync.WaitGroup

	seq  int64 // of the last committed event; the writer's own
	mu   sync.Mutex
	news chan struct{} // closed and replaced by every commit
}

// Open opens the store in the file at path, and makes it when there is none;
// ":memory:" is a store without a file. The context bounds the opening only.
// A file that another process has open is an error of kind Unavailable.
func Open(ctx context.Context, path string) (*DB, error) {
	db := &DB{
		path: path, tables: newTables(), unlock: func() error { return nil },
		queue: make(chan *job), full: make(chan struct{}, 1), closed: make(chan struct{}), news: make(chan struct{}),
	}
	db.shut = sync.OnceValue(db.close)
	if err := db.open(ctx); err != nil {
		return nil, errors.Join(err, db.release())
	}
	db.work.Go(db.write)
	if path != memory {
		db.work.Go(db.checkpoints)
	}
	return db, nil
}

func (db *DB) open(ctx context.Context) error {
	if db.path != memory {
		if err := db.claim(); err != nil {
			return err
		}
	}
	first, err := db.connect(writerPragmas)
	if err != nil {
		return err
	}
	if db.path == memory {
		db.addReader(first)
	} else {
		db.writer = first
	}
	if err := db.prepare(ctx, first); err != nil {
		return err
	}
	if db.path == memory {
		return nil
	}
	return db.openReaders()
}

// claim takes the lock and makes the file, readable by its owner alone.
func (db *DB) claim() error {
	unlock, err := lock(db.path + ".lock")
	if errors.Is(err, errHeld) {
		return &model.Error{
			Kind: model.KindUnavailable, Message: fmt.Sprintf("the store %q is in use by another souk", db.path),
			Hint: "stop the other souk first, or name another file",
		}
	}
	if err != nil {
		return db.unusable(err)
	}
	db.unlock = unlock
	f, err := os.OpenFile(db.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return db.unusable(err)
	}
	return f.Close()
}

// errHeld says that another process holds the lock.
var errHeld = errors.New("held by another process")

func (db *DB) unusable(err error) error {
	return &model.Error{
		Kind: model.KindUnavailable, Message: fmt.Sprintf("the store %q cannot be opened", db.path),
		Hint: "name a file in a folder that exists and that souk may write to", Err: err,
	}
}

// Close lets the changes in hand finish, and everything that comes later fail.
func (db *DB) Close() error { return db.shut() }

func (db *DB) close() error {
	close(db.closed)
	db.work.Wait()
	return db.release()
}

// release waits for the readers that are out, and gives everything back.
func (db *DB) release() error {
	var errs []error
	for range db.size {
		errs = append(errs, (<-db.readers).Close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.Close()) // the last to close copies the log into the file
	}
	return errors.Join(append(errs, db.unlock())...)
}

func errClosed() error {
	return &model.Error{Kind: model.KindUnavailable, Message: "the store is closed", Hint: "souk is shutting down: try again when it is back"}
}

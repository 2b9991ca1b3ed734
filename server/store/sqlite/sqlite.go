// Package sqlite keeps the records in one SQLite file: a table per noun, the
// document beside the columns that its indexes need. It owns the file (one
// process at a time, by a lock beside it), the one connection that writes, and
// those that read. It refuses a file of a newer Souk and a file of another
// program.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// memory is the path of a store that lives and dies with its process.
const memory = ":memory:"

// DB is an open store.
type DB struct{ *store.Front }

// engine is the file and its connections. In memory one connection does all.
type engine struct {
	path    string
	tables  map[store.Kind]*table
	writer  chan *sqlite.Conn // when it is free
	readers chan *sqlite.Conn // those that are free
	size    int               // how many readers there are
	seq     int64             // of the last committed event; the writer's own
	unlock  func() error
}

// Open opens the store in the file at path, and makes it when there is none;
// ":memory:" is a store without a file. The context bounds the opening only.
// A file that another process has open is an error of kind Unavailable.
func Open(ctx context.Context, path string) (*DB, error) {
	e, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	return &DB{store.NewFront(e).Start(ctx)}, nil
}

func open(ctx context.Context, path string) (*engine, error) {
	e := &engine{path: path, tables: newTables(), writer: make(chan *sqlite.Conn, 1), unlock: func() error { return nil }}
	e.readers = e.writer
	if path != memory {
		e.readers = make(chan *sqlite.Conn, readers)
	}
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(e.unusable(err), e.Close())
	}
	return e, nil
}

func (e *engine) open(ctx context.Context) error {
	if e.path != memory {
		if err := e.claim(); err != nil {
			return err
		}
	}
	first, err := e.connect(writerPragmas)
	if err != nil {
		return err
	}
	e.writer <- first
	e.size = len(e.readers) // in memory it is one of them
	err = transact(first, "BEGIN IMMEDIATE", func(conn *sqlite.Conn) error { return e.prepare(ctx, conn) })
	if err != nil {
		return err
	}
	for e.size < cap(e.readers) {
		conn, err := e.connect(readerPragmas)
		if err != nil {
			return err
		}
		e.readers <- conn
		e.size++
	}
	return nil
}

// claim takes the lock and makes the file, readable by its owner alone.
func (e *engine) claim() error {
	unlock, err := lock(e.path + ".lock")
	if errors.Is(err, errHeld) {
		return store.Unavailable(fmt.Sprintf("the store %q is in use by another souk", e.path), "stop the other souk first, or name another file", nil)
	}
	if err != nil {
		return err
	}
	e.unlock = unlock
	f, err := os.OpenFile(e.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// errHeld says that another process holds the lock.
var errHeld = errors.New("held by another process")

// unusable says what opening ends with, unless the error says it itself.
func (e *engine) unusable(err error) error {
	if _, said := errors.AsType[*model.Error](err); said {
		return err
	}
	return store.Unavailable(fmt.Sprintf("the store %q cannot be opened", e.path), "name a file in a folder that exists and that souk may write to", err)
}

// Close waits for the readers that are out, and gives everything back.
func (e *engine) Close() error {
	var errs []error
	for range e.size {
		errs = append(errs, (<-e.readers).Close())
	}
	close(e.readers) // tells those who wait for one
	if e.path != memory {
		close(e.writer)
		for conn := range e.writer {
			errs = append(errs, conn.Close()) // the last to close copies the log into the file
		}
	}
	return errors.Join(append(errs, e.unlock())...)
}

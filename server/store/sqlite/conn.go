package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// readers is how many reads run at once.
const readers = 6

var (
	// The writer syncs at every commit, and leaves the checkpoint to another.
	writerPragmas = []string{"journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "cache_size=-65536", "temp_store=MEMORY", "trusted_schema=OFF"}
	readerPragmas = []string{"query_only=ON", "cache_size=-16384", "temp_store=MEMORY", "trusted_schema=OFF"}
)

func (db *DB) connect(pragmas []string) (*sqlite.Conn, error) {
	flags := sqlite.OpenReadWrite
	if db.path == memory {
		flags |= sqlite.OpenCreate | sqlite.OpenMemory
	}
	conn, err := sqlite.OpenConn(db.path, flags)
	if err != nil {
		return nil, db.unusable(err)
	}
	conn.SetBusyTimeout(10 * time.Second) // an operator's own sqlite3 may hold the file for a moment
	for _, p := range pragmas {
		if err := exec(conn, "PRAGMA "+p); err != nil {
			return nil, errors.Join(db.unusable(err), conn.Close())
		}
	}
	return conn, nil
}

func (db *DB) openReaders() error {
	for range readers {
		conn, err := db.connect(readerPragmas)
		if err != nil {
			return err
		}
		db.addReader(conn)
	}
	return nil
}

func (db *DB) addReader(conn *sqlite.Conn) {
	if db.readers == nil {
		db.readers = make(chan *sqlite.Conn, readers)
	}
	db.size++
	db.readers <- conn
}

// read lends a connection to do, which sees one state of the store.
func (db *DB) read(ctx context.Context, do func(*sqlite.Conn) error) error {
	select {
	case <-db.closed:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case conn := <-db.readers:
		defer func() { db.readers <- conn }()
		return snapshot(conn, do)
	case <-db.closed:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func snapshot(conn *sqlite.Conn, do func(*sqlite.Conn) error) (err error) {
	if err := step(conn, "BEGIN"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, step(conn, "COMMIT")) }()
	return do(conn)
}

// exec runs a statement that is used once.
func exec(conn *sqlite.Conn, sql string) error {
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		return err
	}
	_, err = stmt.Step()
	return errors.Join(err, stmt.Finalize())
}

// step runs a statement that the connection keeps prepared, with its values.
func step(conn *sqlite.Conn, sql string, values ...store.Value) error {
	return rows(conn, sql, values, func(*sqlite.Stmt) (bool, error) { return true, nil })
}

// rows hands the rows of a statement to each, until each wants no more.
func rows(conn *sqlite.Conn, sql string, values []store.Value, each func(*sqlite.Stmt) (more bool, err error)) error {
	stmt, err := conn.Prepare(sql)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for i, v := range values {
		bind(stmt, i+1, v)
	}
	for {
		row, err := stmt.Step()
		if err != nil || !row {
			return err // at its end and after an error the statement is reset already
		}
		if more, err := each(stmt); err != nil || !more {
			return errors.Join(err, stmt.Reset())
		}
	}
}

// bind gives a parameter its value. Null is kept as minus infinity: it sorts
// before every number and string as NULL does, but it equals itself and can
// stand in a comparison of rows, which is how a page goes on after a key.
func bind(stmt *sqlite.Stmt, i int, v store.Value) {
	switch v := v.(type) {
	case string:
		stmt.BindText(i, v)
	case int64:
		stmt.BindInt64(i, v)
	case []byte:
		stmt.BindBytes(i, v)
	case model.ID:
		stmt.BindText(i, string(v))
	case model.Revision:
		stmt.BindInt64(i, int64(v))
	default:
		stmt.BindFloat(i, math.Inf(-1))
	}
}

// value reads back what bind wrote.
func value(stmt *sqlite.Stmt, column int) store.Value {
	switch stmt.ColumnType(column) {
	case sqlite.TypeText:
		return stmt.ColumnText(column)
	case sqlite.TypeInteger:
		return stmt.ColumnInt64(column)
	default:
		return nil
	}
}

func blob(stmt *sqlite.Stmt, column int) []byte {
	b := make([]byte, stmt.ColumnLen(column))
	stmt.ColumnBytes(column, b)
	return b
}

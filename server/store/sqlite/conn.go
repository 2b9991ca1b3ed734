package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

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

func (e *engine) connect(pragmas []string) (*sqlite.Conn, error) {
	flags := sqlite.OpenReadWrite
	if e.path == memory {
		flags |= sqlite.OpenCreate | sqlite.OpenMemory
	}
	conn, err := sqlite.OpenConn(e.path, flags)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(10 * time.Second) // an operator's own sqlite3 may hold the file for a moment
	for _, p := range pragmas {
		if err := exec(conn, "PRAGMA "+p); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// read lends a connection to do, which sees one state of the store.
func (e *engine) read(ctx context.Context, do func(*sqlite.Conn) error) error {
	select {
	case conn, open := <-e.readers:
		if !open {
			return store.Closed()
		}
		defer func() { e.readers <- conn }()
		return transact(conn, "BEGIN", do)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// transact runs do in a transaction, and undoes it unless all of it is good.
func transact(conn *sqlite.Conn, begin string, do func(*sqlite.Conn) error) (err error) {
	if err := step(conn, begin); err != nil {
		return err
	}
	defer func() {
		if !conn.AutocommitEnabled() { // it is not committed, nor given up by SQLite itself
			err = errors.Join(err, step(conn, "ROLLBACK"))
		}
	}()
	if err := do(conn); err != nil {
		return err
	}
	return step(conn, "COMMIT")
}

// exec runs a statement that is used once.
func exec(conn *sqlite.Conn, sql string) error { return sqlitex.ExecuteTransient(conn, sql, nil) }

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

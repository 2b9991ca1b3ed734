package sqlite

import (
	"errors"
	"fmt"
	"reflect"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/graph/model"
)

// Run runs a statement that is used once.
func (c *Conn) Run(sql string) error { return sqlitex.ExecuteTransient(c.conn, sql, nil) }

// Exec runs a statement that the connection keeps prepared, with its values.
func (c *Conn) Exec(sql string, values ...any) error {
	return c.Rows(sql, values, func(Row) (bool, error) { return true, nil })
}

// Number reads the one number that a statement gives.
func (c *Conn) Number(sql string) (n int64, err error) {
	err = c.Rows(sql, nil, func(r Row) (bool, error) {
		n = r.Int(0)
		return false, nil
	})
	return n, err
}

// errEnded stops a read whose context has ended.
var errEnded = errors.New("the read's context has ended")

// Rows hands the rows of a statement, which the connection keeps prepared, to
// each, until each wants no more.
func (c *Conn) Rows(sql string, values []any, each func(Row) (more bool, err error)) error {
	stmt, err := c.conn.Prepare(sql)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for i, v := range values {
		if err := c.bind(stmt, i+1, v); err != nil {
			return err
		}
	}
	for {
		row, err := stmt.Step()
		if err != nil || !row {
			return err // at its end and after an error the statement is reset already
		}
		if c.ended() {
			return errors.Join(errEnded, stmt.Reset())
		}
		if more, err := each(Row{stmt, c.null}); err != nil || !more {
			return errors.Join(err, stmt.Reset())
		}
	}
}

func (c *Conn) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// bind gives a parameter its value.
func (c *Conn) bind(stmt *sqlite.Stmt, at int, v any) error {
	if v == nil {
		v = c.null
	}
	switch v := v.(type) {
	case string:
		stmt.BindText(at, v)
	case int64:
		stmt.BindInt64(at, v)
	case []byte:
		stmt.BindBytes(at, v)
	case float64:
		stmt.BindFloat(at, v)
	case model.ID:
		stmt.BindText(at, string(v))
	case model.Revision:
		stmt.BindInt64(at, int64(v))
	case model.Slug:
		stmt.BindText(at, string(v))
	case model.Action:
		stmt.BindText(at, string(v))
	case model.Outcome:
		stmt.BindText(at, string(v))
	default:
		return fmt.Errorf("a %v cannot be a parameter", reflect.TypeOf(v)) // not %T: v itself would then be moved to the heap, at every call
	}
	return nil
}

// Row is a row of a result, good until the next.
type Row struct {
	stmt *sqlite.Stmt
	null any
}

// Int gives the number in a column.
func (r Row) Int(column int) int64 { return r.stmt.ColumnInt64(column) }

// Text gives the text in a column.
func (r Row) Text(column int) string { return r.stmt.ColumnText(column) }

// Bytes gives the bytes in a column, nil for NULL. They are the caller's.
func (r Row) Bytes(column int) []byte {
	if r.stmt.ColumnType(column) == sqlite.TypeNull {
		return nil
	}
	b := make([]byte, r.stmt.ColumnLen(column))
	r.stmt.ColumnBytes(column, b)
	return b
}

// Value gives what a column has: a string, an int64, a float64, bytes, or nil
// for NULL and for what is kept in its place.
func (r Row) Value(column int) any {
	switch r.stmt.ColumnType(column) {
	case sqlite.TypeText:
		return r.stmt.ColumnText(column)
	case sqlite.TypeInteger:
		return r.stmt.ColumnInt64(column)
	case sqlite.TypeBlob:
		return r.Bytes(column)
	case sqlite.TypeFloat:
		if v := r.stmt.ColumnFloat(column); v != r.null {
			return v
		}
	case sqlite.TypeNull:
	}
	return nil
}

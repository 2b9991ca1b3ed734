package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
)

// row is a row of a result.
type row struct{ *sqlite.Stmt }

func (r row) bytes(column int) []byte {
	if r.ColumnType(column) == sqlite.TypeNull {
		return nil
	}
	b := make([]byte, r.ColumnLen(column))
	r.ColumnBytes(column, b)
	return b
}

// exec runs a statement that is used once.
func exec(conn *sqlite.Conn, sql string) error {
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		more, err = stmt.Step()
	}
	return errors.Join(err, stmt.Finalize())
}

// query hands the rows of a statement, which the connection keeps prepared, to each.
func query(conn *sqlite.Conn, sql string, values []any, each func(row) error) error {
	stmt, err := conn.Prepare(sql)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	for i, v := range values {
		if err := bind(stmt, i+1, v); err != nil {
			return err
		}
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err // the statement is reset already
		}
		if each == nil {
			continue
		}
		if err := each(row{stmt}); err != nil {
			return errors.Join(err, stmt.Reset())
		}
	}
}

func bind(stmt *sqlite.Stmt, at int, v any) error {
	switch v := v.(type) {
	case int64:
		stmt.BindInt64(at, v)
	case []byte:
		stmt.BindBytes(at, v)
	case string:
		stmt.BindText(at, v)
	case model.ID:
		stmt.BindText(at, string(v))
	case model.Slug:
		stmt.BindText(at, string(v))
	case model.Action:
		stmt.BindText(at, string(v))
	case model.Outcome:
		stmt.BindText(at, string(v))
	default:
		return fmt.Errorf("a %T cannot be a parameter", v)
	}
	return nil
}

// transact does the work in a transaction, whole or not at all.
func transact(conn *sqlite.Conn, work func() error) (err error) {
	if err := query(conn, "BEGIN IMMEDIATE", nil, nil); err != nil {
		return err
	}
	defer func() {
		if err != nil && !conn.AutocommitEnabled() {
			err = errors.Join(err, query(conn, "ROLLBACK", nil, nil))
		}
	}()
	if err := work(); err != nil {
		return err
	}
	return query(conn, "COMMIT", nil, nil)
}

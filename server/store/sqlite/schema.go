package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

const (
	application = 0x536f756b // "Souk", in the file's header
	version     = 1          // of the layout; a file of a later one is refused
)

// prepare makes or completes the tables, in one transaction.
func (db *DB) prepare(ctx context.Context, conn *sqlite.Conn) (err error) {
	if err := exec(conn, "BEGIN IMMEDIATE"); err != nil {
		return db.unusable(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, exec(conn, "ROLLBACK"))
		}
	}()
	if err := db.checkVersion(conn); err != nil {
		return err
	}
	have, err := definitions(conn)
	if err != nil {
		return err
	}
	for _, s := range store.Schemas() {
		if err := db.tables[s.Kind].prepare(ctx, conn, have); err != nil {
			return fmt.Errorf("prepare table %s: %w", s.Kind, err)
		}
	}
	if db.seq, err = number(conn, "SELECT coalesce(max(k_seq), 0) FROM event"); err != nil {
		return err
	}
	return exec(conn, "COMMIT")
}

func (db *DB) checkVersion(conn *sqlite.Conn) error {
	app, err1 := number(conn, "PRAGMA application_id")
	found, err2 := number(conn, "PRAGMA user_version")
	tables, err3 := number(conn, "SELECT count(*) FROM sqlite_schema")
	if err := errors.Join(err1, err2, err3); err != nil {
		return db.unusable(err)
	}
	switch {
	case app == 0 && found == 0 && tables == 0:
		return errors.Join(exec(conn, fmt.Sprintf("PRAGMA application_id = %d", application)), exec(conn, fmt.Sprintf("PRAGMA user_version = %d", version)))
	case app != application:
		return &model.Error{
			Kind: model.KindUnavailable, Message: fmt.Sprintf("%q is the database of another program", db.path),
			Hint: "name another file for the store; this one stays as it is",
		}
	case found > version:
		return &model.Error{
			Kind: model.KindUnavailable, Message: fmt.Sprintf("the store %q is of a newer souk: its layout is %d and this souk knows %d", db.path, found, version),
			Hint: "run the newer souk; this one leaves the file as it is",
		}
	}
	return nil
}

// definitions lists what the file holds: the name of each table and index,
// and the statement that made it.
func definitions(conn *sqlite.Conn) (map[string]string, error) {
	have := map[string]string{}
	err := rows(conn, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL", nil, func(stmt *sqlite.Stmt) (bool, error) {
		have[quote(stmt.ColumnText(0))] = stmt.ColumnText(1)
		return true, nil
	})
	return have, err
}

// prepare makes the table with its indexes. What is new in a table that has
// records is filled from their documents.
func (t *table) prepare(ctx context.Context, conn *sqlite.Conn, have map[string]string) error {
	name := quote(string(t.Kind))
	_, old := have[name]
	fill, err := t.prepareColumns(conn, name, old)
	if err != nil {
		return err
	}
	for _, x := range t.Indexes {
		made, err := t.prepareIndex(conn, x, have)
		if err != nil {
			return err
		}
		fill = fill || (made && x.Multi)
	}
	if fill && old {
		return t.fill(ctx, conn)
	}
	return nil
}

func (t *table) prepareColumns(conn *sqlite.Conn, name string, old bool) (added bool, err error) {
	if !old {
		return false, exec(conn, "CREATE TABLE "+name+" (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL"+each(columns(t.Paths)...)+", doc BLOB NOT NULL)")
	}
	var have []string
	err = rows(conn, "SELECT name FROM pragma_table_info(?)", []store.Value{string(t.Kind)}, func(stmt *sqlite.Stmt) (bool, error) {
		have = append(have, quote(stmt.ColumnText(0)))
		return true, nil
	})
	if err != nil {
		return false, err
	}
	for _, c := range columns(t.Paths) {
		if slices.Contains(have, c) {
			continue
		}
		added = true
		if err := exec(conn, "ALTER TABLE "+name+" ADD COLUMN "+c); err != nil {
			return false, err
		}
	}
	return added, nil
}

// prepareIndex makes an index that is missing, and makes one anew that is
// declared differently from before.
func (t *table) prepareIndex(conn *sqlite.Conn, x store.Index, have map[string]string) (made bool, err error) {
	name, paths := indexName(t.Schema, x), strings.Join(columns(x.Paths), ", ")
	what, sql := "INDEX", "CREATE INDEX "+name+" ON "+quote(string(t.Kind))+" ("+paths+", id)"
	if x.Multi {
		what, sql = "TABLE", "CREATE TABLE "+name+" ("+paths+", id, PRIMARY KEY ("+paths+", id)) WITHOUT ROWID"
	}
	if have[name] == sql {
		return false, nil
	}
	if _, ok := have[name]; ok {
		if err := exec(conn, "DROP "+what+" "+name); err != nil {
			return false, err
		}
	}
	return true, exec(conn, sql)
}

// fill extracts the keys of every document anew.
func (t *table) fill(ctx context.Context, conn *sqlite.Conn) error {
	for _, d := range t.sides {
		if err := exec(conn, "DELETE FROM "+d.name); err != nil {
			return err
		}
	}
	name := quote(string(t.Kind))
	set := "UPDATE " + name + " SET " + strings.TrimPrefix(each(assignments(columns(t.Paths))...), ", ") + " WHERE id = ?"
	return rows(conn, "SELECT id, doc FROM "+name+" ORDER BY rowid", nil, func(stmt *sqlite.Stmt) (bool, error) {
		id := model.ID(stmt.ColumnText(0))
		keys, err := t.Extract(blob(stmt, 1))
		if err != nil {
			return false, fmt.Errorf("read %s: %w", id, err)
		}
		if keys, err = t.Canonical(keys); err != nil {
			return false, err
		}
		if err := step(conn, set, append(t.values(keys), id)...); err != nil {
			return false, err
		}
		return true, errors.Join(ctx.Err(), t.index(conn, id, nil, keys))
	})
}

// number reads the one number that a statement gives.
func number(conn *sqlite.Conn, sql string) (n int64, err error) {
	err = rows(conn, sql, nil, func(stmt *sqlite.Stmt) (bool, error) {
		n = stmt.ColumnInt64(0)
		return false, nil
	})
	return n, err
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/server/store"
)

const (
	application = 0x536f756b // "Souk", in the file's header
	version     = 1          // of the layout; a file of a later one is refused
)

// prepare makes or completes the tables.
func (e *engine) prepare(ctx context.Context, conn *sqlite.Conn) error {
	if err := e.checkVersion(conn); err != nil {
		return err
	}
	have, err := definitions(conn)
	if err != nil {
		return err
	}
	for _, s := range store.Schemas() {
		if err := e.tables[s.Kind].prepare(ctx, conn, have); err != nil {
			return fmt.Errorf("prepare table %s: %w", s.Kind, err)
		}
	}
	e.seq, err = number(conn, "SELECT coalesce(max(k_seq), 0) FROM event")
	return err
}

func (e *engine) checkVersion(conn *sqlite.Conn) error {
	app, err1 := number(conn, "PRAGMA application_id")
	found, err2 := number(conn, "PRAGMA user_version")
	tables, err3 := number(conn, "SELECT count(*) FROM sqlite_schema")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	switch {
	case app == 0 && found == 0 && tables == 0:
		return errors.Join(exec(conn, fmt.Sprintf("PRAGMA application_id = %d", application)), exec(conn, fmt.Sprintf("PRAGMA user_version = %d", version)))
	case app != application:
		return store.Unavailable(fmt.Sprintf("%q is the database of another program", e.path), "name another file for the store; this one stays as it is", nil)
	case found > version:
		return store.Unavailable(fmt.Sprintf("the store %q is of a newer souk: its layout is %d and this souk knows %d", e.path, found, version),
			"run the newer souk; this one leaves the file as it is", nil)
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
	sql, old := have[t.name]
	if !old {
		sql = "CREATE TABLE " + t.name + " (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL" + each(t.Paths, ", %", "") + ", doc BLOB NOT NULL)"
		if err := exec(conn, sql); err != nil {
			return err
		}
	}
	fill := false
	for _, p := range t.Paths {
		if strings.Contains(sql, column(p)) {
			continue
		}
		fill = true
		if err := exec(conn, "ALTER TABLE "+t.name+" ADD COLUMN "+column(p)); err != nil {
			return err
		}
	}
	for _, x := range t.Indexes {
		made, err := t.prepareIndex(conn, x, have)
		if err != nil {
			return err
		}
		fill = fill || (made && x.Multi)
	}
	if !fill || !old {
		return nil
	}
	return t.fill(ctx, conn)
}

// prepareIndex makes an index that is missing, and makes one anew that is
// declared differently from before.
func (t *table) prepareIndex(conn *sqlite.Conn, x store.Index, have map[string]string) (made bool, err error) {
	name, key := t.indexName(x), each(x.Paths, "%, ", "")+"id"
	what, sql := "INDEX", "CREATE INDEX "+name+" ON "+t.name+" ("+key+")"
	if x.Multi {
		what, sql = "TABLE", "CREATE TABLE "+name+" ("+key+", PRIMARY KEY ("+key+")) WITHOUT ROWID"
	}
	before, old := have[name]
	if before == sql {
		return false, nil
	}
	if old {
		if err := exec(conn, "DROP "+what+" "+name); err != nil {
			return false, err
		}
	}
	return true, exec(conn, sql)
}

// fill extracts the keys of every document anew.
func (t *table) fill(ctx context.Context, conn *sqlite.Conn) error {
	for _, d := range t.sides {
		if err := exec(conn, "DELETE FROM "+t.indexName(d.Index)); err != nil {
			return err
		}
	}
	set := "UPDATE " + t.name + " SET " + each(t.Paths, "% = ?", ", ") + " WHERE id = ?"
	return rows(conn, "SELECT id, rev, doc FROM "+t.name+" ORDER BY rowid", nil, func(stmt *sqlite.Stmt) (bool, error) {
		r := t.record(stmt)
		keys, err := t.Extract(r.Doc)
		if err == nil {
			keys, err = t.Canonical(keys)
		}
		if err != nil {
			return false, fmt.Errorf("read %s: %w", r.ID, err)
		}
		if err := step(conn, set, append(t.values(keys), r.ID)...); err != nil {
			return false, err
		}
		return true, errors.Join(ctx.Err(), t.index(conn, r.ID, nil, keys))
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

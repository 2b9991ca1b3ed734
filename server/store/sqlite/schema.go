package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

const newestEvent = "SELECT coalesce(max(k_seq), 0) FROM event"

// prepare completes the tables.
func (e *engine) prepare(ctx context.Context, c *sqlite.Conn) error {
	have, err := definitions(c)
	if err != nil {
		return err
	}
	for _, s := range store.Schemas() {
		if err := e.tables[s.Kind].prepare(ctx, c, have); err != nil {
			return fmt.Errorf("prepare table %s: %w", s.Kind, err)
		}
	}
	e.seq, err = c.Number(newestEvent)
	return err
}

// definitions lists what the file holds: the name of each table and index,
// and the statement that made it.
func definitions(c *sqlite.Conn) (map[string]string, error) {
	have := map[string]string{}
	err := c.Rows("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL", nil, func(r sqlite.Row) (bool, error) {
		have[quote(r.Text(0))] = r.Text(1)
		return true, nil
	})
	return have, err
}

// prepare makes the table with its indexes. What is new in a table that has
// records is filled from their documents.
func (t *table) prepare(ctx context.Context, c *sqlite.Conn, have map[string]string) error {
	sql, old := have[t.name]
	if !old {
		sql = "CREATE TABLE " + t.name + " (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL" + each(t.Paths, ", %", "") + ", doc BLOB NOT NULL)"
		if err := c.Run(sql); err != nil {
			return err
		}
	}
	fill := false
	for _, p := range t.Paths {
		if strings.Contains(sql, column(p)) {
			continue
		}
		fill = true
		if err := c.Run("ALTER TABLE " + t.name + " ADD COLUMN " + column(p)); err != nil {
			return err
		}
	}
	for _, x := range t.Indexes {
		made, err := t.prepareIndex(c, x, have)
		if err != nil {
			return err
		}
		fill = fill || (made && x.Multi)
	}
	if !fill || !old {
		return nil
	}
	return t.fill(ctx, c)
}

// prepareIndex makes an index that is missing, and makes one anew that is
// declared differently from before.
func (t *table) prepareIndex(c *sqlite.Conn, x store.Index, have map[string]string) (made bool, err error) {
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
		if err := c.Run("DROP " + what + " " + name); err != nil {
			return false, err
		}
	}
	return true, c.Run(sql)
}

// fill extracts the keys of every document anew.
func (t *table) fill(ctx context.Context, c *sqlite.Conn) error {
	for _, d := range t.sides {
		if err := c.Run("DELETE FROM " + t.indexName(d.Index)); err != nil {
			return err
		}
	}
	set := "UPDATE " + t.name + " SET " + each(t.Paths, "% = ?", ", ") + " WHERE id = ?"
	return c.Rows("SELECT id, rev, doc FROM "+t.name+" ORDER BY rowid", nil, func(row sqlite.Row) (bool, error) {
		r := t.record(row)
		keys, err := t.KeysIn(r)
		if err != nil {
			return false, err
		}
		if err := c.Exec(set, append(t.values(keys), r.ID)...); err != nil {
			return false, err
		}
		return true, errors.Join(ctx.Err(), t.index(c, r.ID, nil, keys))
	})
}

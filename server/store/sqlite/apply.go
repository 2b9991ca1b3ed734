package sqlite

import (
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// apply makes the writes of a change and then its event.
func (db *DB) apply(conn *sqlite.Conn, c store.Change, seq int64) (model.Event, error) {
	for _, w := range c.Writes {
		if err := db.tables[w.Record.Kind].apply(conn, w); err != nil {
			return model.Event{}, err
		}
	}
	event, w := c.Event(seq, model.Now())
	if err := db.tables[w.Record.Kind].apply(conn, w); err != nil {
		return model.Event{}, err
	}
	return event, nil
}

// apply makes one write.
func (t *table) apply(conn *sqlite.Conn, w store.Write) error {
	r := w.Record
	current, old, err := t.read(conn, r.ID)
	switch {
	case err != nil:
		return err
	case current != r.Revision:
		return t.Stale(w, current)
	case w.Delete:
		r.Keys = nil
		err = step(conn, t.remove, r.ID)
	default:
		err = t.put(conn, r)
	}
	if err != nil {
		return err
	}
	return t.index(conn, r.ID, old, r.Keys)
}

// read gives a record's revision and keys; revision 0 is no record.
func (t *table) read(conn *sqlite.Conn, id model.ID) (current model.Revision, keys store.Keys, err error) {
	err = rows(conn, t.current, []store.Value{id}, func(stmt *sqlite.Stmt) (bool, error) {
		current = model.Revision(stmt.ColumnInt64(0))
		var err error
		if len(t.sides) > 0 {
			keys, err = t.keys(stmt, 1)
		}
		return false, err
	})
	return current, keys, err
}

func (t *table) put(conn *sqlite.Conn, r store.Record) error {
	for _, u := range t.unique {
		if taken, err := u.taken(conn, r); err != nil || taken {
			if err == nil {
				err = t.Taken(u.Index)
			}
			return err
		}
	}
	values := t.values(r.Keys)
	if r.Revision == 0 {
		values = append([]store.Value{r.ID, model.Revision(1)}, append(values, r.Doc)...)
		return step(conn, t.insert, values...)
	}
	values = append([]store.Value{r.Revision + 1}, append(values, r.Doc, r.ID)...)
	return step(conn, t.update, values...)
}

// taken reports whether another record has the same key. A key with a null is
// nobody's.
func (u lookup) taken(conn *sqlite.Conn, r store.Record) (found bool, err error) {
	var values []store.Value
	for _, p := range u.Paths {
		v := only(r.Keys[p])
		if v == nil {
			return false, nil
		}
		values = append(values, v)
	}
	err = rows(conn, u.sql, append(values, r.ID), func(*sqlite.Stmt) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

// index brings the side tables from the old keys of a record to the new.
func (t *table) index(conn *sqlite.Conn, id model.ID, old, now store.Keys) error {
	for _, d := range t.sides {
		before, after := d.rows(old), d.rows(now)
		for _, row := range before {
			if !contains(after, row) {
				if err := step(conn, d.remove, append(row, id)...); err != nil {
					return err
				}
			}
		}
		for _, row := range after {
			if !contains(before, row) {
				if err := step(conn, d.insert, append(row, id)...); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func contains(rows [][]store.Value, row []store.Value) bool {
	return slices.ContainsFunc(rows, func(r []store.Value) bool { return slices.Equal(r, row) })
}

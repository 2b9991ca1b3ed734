package sqlite

import (
	"context"
	"errors"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Commit implements store.Engine.
func (e *engine) Commit(_ context.Context, group []*store.Job) error {
	conn := <-e.writer
	defer func() { e.writer <- conn }()
	seq := e.seq
	err := transact(conn, "BEGIN IMMEDIATE", func(conn *sqlite.Conn) error {
		for _, j := range group {
			if err := e.attempt(conn, j, seq+1); err != nil {
				return err
			}
			if j.Err == nil {
				seq++
			}
		}
		return nil
	})
	if err != nil {
		return unwritable(err)
	}
	e.seq = seq
	return nil
}

// attempt applies one job behind a savepoint of its own, so that one that is
// refused leaves the others alone. Its own refusal is the job's error; an
// error of attempt means that the whole transaction is lost.
func (e *engine) attempt(conn *sqlite.Conn, j *store.Job, seq int64) error {
	if err := step(conn, "SAVEPOINT change"); err != nil {
		return err
	}
	event, err := e.apply(conn, j.Change, seq)
	if err == nil {
		j.Event = event
		return step(conn, "RELEASE change")
	}
	if conn.AutocommitEnabled() { // SQLite gave the transaction up: no space, no memory, no disk
		return err
	}
	if j.Err = err; !model.Is(err, model.KindConflict) {
		j.Err = unwritable(err)
	}
	return errors.Join(step(conn, "ROLLBACK TO change"), step(conn, "RELEASE change"))
}

// apply makes the writes of a change and then its event.
func (e *engine) apply(conn *sqlite.Conn, c store.Change, seq int64) (model.Event, error) {
	event, told := c.Event(seq, model.Now())
	for _, w := range append(slices.Clip(c.Writes), told) {
		if err := e.tables[w.Record.Kind].apply(conn, w); err != nil {
			return model.Event{}, err
		}
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

// read gives a record's revision and, where there are side tables, its keys;
// revision 0 is no record.
func (t *table) read(conn *sqlite.Conn, id model.ID) (current model.Revision, keys store.Keys, err error) {
	err = rows(conn, t.current, []store.Value{id}, func(stmt *sqlite.Stmt) (bool, error) {
		current = model.Revision(stmt.ColumnInt64(0))
		if len(t.sides) == 0 {
			return false, nil
		}
		keys = store.Keys{}
		return false, t.scan(stmt, 1, t.Paths, keys)
	})
	return current, keys, err
}

func (t *table) put(conn *sqlite.Conn, r store.Record) error {
	for _, u := range t.unique {
		if taken, err := u.taken(conn, r); err != nil {
			return err
		} else if taken {
			return t.Taken(u.Index)
		}
	}
	sql := t.update
	if r.Revision == 0 {
		sql = t.insert
	}
	values := append([]store.Value{r.Revision + 1, r.Doc}, t.values(r.Keys)...)
	return step(conn, sql, append(values, r.ID)...)
}

// taken reports whether another record has the same key.
func (u lookup) taken(conn *sqlite.Conn, r store.Record) (found bool, err error) {
	if !u.Binds(r.Keys) {
		return false, nil
	}
	var key []store.Value
	for _, p := range u.Paths {
		key = append(key, store.First(r.Keys[p]))
	}
	err = rows(conn, u.sql, append(key, r.ID), func(*sqlite.Stmt) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

// index brings the side tables from the old keys of a record to the new.
func (t *table) index(conn *sqlite.Conn, id model.ID, old, now store.Keys) error {
	for _, d := range t.sides {
		before, after := d.rows(old), d.rows(now)
		if err := unless(conn, d.remove, before, after, id); err != nil {
			return err
		}
		if err := unless(conn, d.insert, after, before, id); err != nil {
			return err
		}
	}
	return nil
}

// unless runs the statement with each of the rows that is not among the others.
func unless(conn *sqlite.Conn, sql string, rows, others [][]store.Value, id model.ID) error {
	for _, row := range rows {
		if slices.ContainsFunc(others, func(r []store.Value) bool { return slices.Equal(r, row) }) {
			continue
		}
		if err := step(conn, sql, append(row, id)...); err != nil {
			return err
		}
	}
	return nil
}

func unwritable(err error) error {
	hint := "see that the disk is sound and that souk may write to it, then try again"
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultFull {
		hint = "make room on the disk of the store, then try again"
	}
	return store.Unavailable("the change is not stored", hint, err)
}

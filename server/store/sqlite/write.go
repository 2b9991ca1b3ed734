package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

// Commit implements store.Engine.
func (e *engine) Commit(_ context.Context, group []*store.Job) error {
	seq := e.seq
	err := e.file.Write(func(c *sqlite.Conn) error {
		for _, j := range group {
			if err := e.attempt(c, j, seq+1); err != nil {
				return err
			}
			if j.Err == nil && !j.Change.Quiet {
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

// Probe implements store.Engine: the file gets the layout that it has.
func (e *engine) Probe(context.Context) error {
	err := e.file.Write(func(c *sqlite.Conn) error { return c.Run(fmt.Sprintf("PRAGMA user_version = %d", layout)) })
	if err != nil {
		return unwritable(err)
	}
	return nil
}

// attempt applies one job as a part of its own, so that one that is refused
// leaves the others alone. Its own refusal is the job's error; an error of
// attempt means that the whole transaction is lost.
func (e *engine) attempt(c *sqlite.Conn, j *store.Job, seq int64) error {
	refused, lost := c.Part(func() (err error) {
		j.Event, err = e.apply(c, j.Change, seq)
		return err
	})
	if j.Err = refused; refused != nil && !model.Is(refused, model.KindConflict) {
		j.Err = unwritable(refused)
	}
	return lost
}

// apply makes the writes of a change and then its event, unless it is quiet.
func (e *engine) apply(c *sqlite.Conn, change store.Change, seq int64) (event model.Event, err error) {
	if err := e.ground(c, change); err != nil {
		return model.Event{}, err
	}
	writes := change.Writes
	if !change.Quiet {
		var told store.Write
		event, told = change.Event(seq, model.Now())
		writes = append(slices.Clip(writes), told)
	}
	for _, w := range writes {
		if err := e.tables[w.Record.Kind].apply(c, w); err != nil {
			return model.Event{}, err
		}
	}
	return event, nil
}

// ground checks what the change builds on: the changes before it are in the
// same transaction, or committed.
func (e *engine) ground(c *sqlite.Conn, change store.Change) error {
	for _, n := range change.Needs {
		t := e.tables[n.Kind]
		current, _, err := t.read(c, n.ID)
		if err != nil {
			return err
		}
		if current == 0 {
			return t.Gone(n.ID)
		}
	}
	return change.Unnamed.Check(store.Later{
		Events: func(since int64) (events []model.Event, err error) {
			err = c.Rows("SELECT doc FROM event WHERE k_seq > ?", []any{since}, func(r sqlite.Row) (bool, error) {
				var told model.Event
				err := json.Unmarshal(r.Bytes(0), &told)
				events = append(events, told)
				return true, err
			})
			return events, err
		},
		Docs: func(kind store.Kind, ids []model.ID) (docs [][]byte, err error) {
			t := e.tables[kind]
			for _, id := range ids {
				err = errors.Join(err, c.Rows(t.get, []any{id}, func(r sqlite.Row) (bool, error) {
					docs = append(docs, t.record(r).Doc)
					return false, nil
				}))
			}
			return docs, err
		},
	})
}

// apply makes one write.
func (t *table) apply(c *sqlite.Conn, w store.Write) error {
	r := w.Record
	current, old, err := t.read(c, r.ID)
	switch {
	case err != nil:
		return err
	case current != r.Revision:
		return t.Stale(w, current)
	case w.Delete:
		r.Keys = nil
		err = c.Exec(t.remove, r.ID)
	default:
		err = t.put(c, r)
	}
	if err != nil {
		return err
	}
	return t.index(c, r.ID, old, r.Keys)
}

// read gives a record's revision and, where there are side tables, its keys;
// revision 0 is no record.
func (t *table) read(c *sqlite.Conn, id model.ID) (current model.Revision, keys store.Keys, err error) {
	err = c.Rows(t.current, []any{id}, func(r sqlite.Row) (bool, error) {
		current = model.Revision(r.Int(0))
		if len(t.sides) == 0 {
			return false, nil
		}
		keys = store.Keys{}
		return false, t.scan(r, 1, t.Paths, keys)
	})
	return current, keys, err
}

func (t *table) put(c *sqlite.Conn, r store.Record) error {
	for _, u := range t.unique {
		if taken, err := u.taken(c, r); err != nil {
			return err
		} else if taken {
			return t.Taken(u.Index)
		}
	}
	sql := t.update
	if r.Revision == 0 {
		sql = t.insert
	}
	values := append([]any{r.Revision + 1, r.Doc}, t.values(r.Keys)...)
	return c.Exec(sql, append(values, r.ID)...)
}

// taken reports whether another record has the same key.
func (u lookup) taken(c *sqlite.Conn, r store.Record) (found bool, err error) {
	if !u.Binds(r.Keys) {
		return false, nil
	}
	key := make([]any, 0, len(u.Paths)+1)
	for _, p := range u.Paths {
		key = append(key, store.First(r.Keys[p]))
	}
	err = c.Rows(u.sql, append(key, r.ID), func(sqlite.Row) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

// index brings the side tables from the old keys of a record to the new.
func (t *table) index(c *sqlite.Conn, id model.ID, old, now store.Keys) error {
	for _, d := range t.sides {
		before, after := d.rows(old), d.rows(now)
		if err := unless(c, d.remove, before, after, id); err != nil {
			return err
		}
		if err := unless(c, d.insert, after, before, id); err != nil {
			return err
		}
	}
	return nil
}

// unless runs the statement with each of the rows that is not among the others.
func unless(c *sqlite.Conn, sql string, rows, others [][]any, id model.ID) error {
	for _, row := range rows {
		if slices.ContainsFunc(others, func(r []any) bool { return slices.Equal(r, row) }) {
			continue
		}
		if err := c.Exec(sql, append(row, id)...); err != nil {
			return err
		}
	}
	return nil
}

func unwritable(err error) error {
	return store.Unavailable("the change is not stored", sqlite.Remedy(err), err)
}

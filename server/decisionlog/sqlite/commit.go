package sqlite

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/driver/sqlite"
)

// Commit implements chain.Keeper. A new segment's file begins before the old
// one is closed, so that the newest file is never a closed one: if it is, a
// file is missing.
func (db *DB) Commit(ctx context.Context, b chain.Batch) error {
	carried, err := db.Cursor(ctx)
	if err != nil {
		return db.unusable(err)
	}
	f, err := db.open(b.After.Name)
	if err != nil {
		return err
	}
	if err := commit(f, b, carried); err != nil {
		return db.refusal(err)
	}
	if b.Previous == nil {
		return nil
	}
	old, err := db.open(b.Previous.Name)
	if err != nil {
		return err
	}
	return db.refusal(finish(old, *b.Previous, b.Mark))
}

func (db *DB) refusal(err error) error {
	if err == nil || errors.Is(err, chain.ErrMoved) || errors.Is(err, chain.ErrTaken) || errors.Is(err, chain.ErrPassed) {
		return err
	}
	switch {
	case sqlite.IsValueTaken(err):
		return chain.ErrTaken
	case sqlite.IsKeyTaken(err):
		return chain.ErrMoved
	default:
		return db.unusable(err)
	}
}

func commit(f *sqlite.File, b chain.Batch, carried int64) error {
	return f.Write(func(c *sqlite.Conn) error {
		before := b.Before
		if b.Before.Name != b.After.Name {
			before = chain.Segment{}
		}
		if err := expect(c, before); err != nil {
			return err
		}
		if err := step(c, b.Cursor, carried); err != nil {
			return err
		}
		for i := range b.Rows {
			if err := insert(c, &b.Rows[i]); err != nil {
				return err
			}
		}
		if b.Mark != nil && b.Mark.Segment == b.After.Name {
			if err := mark(c, *b.Mark); err != nil {
				return err
			}
		}
		return head(c, b.After)
	})
}

// expect refuses a head that another process has moved; the zero head is none.
func expect(c *sqlite.Conn, before chain.Segment) error {
	var current chain.Segment
	var found bool
	if err := c.Rows(headSQL, nil, decodeHead(&current, &found)); err != nil {
		return err
	}
	if current.Seq != before.Seq || current.Hash != before.Hash || current.Erased != before.Erased || current.Closed != before.Closed {
		return chain.ErrMoved
	}
	return nil
}

// step moves the cursor, or carries over what the last file had.
func step(c *sqlite.Conn, s *chain.Step, carried int64) error {
	if s == nil {
		return c.Exec("INSERT INTO cursor (one, seq) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING", carried)
	}
	if s.From != carried {
		return chain.ErrPassed
	}
	return c.Exec("INSERT INTO cursor (one, seq) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET seq = excluded.seq", s.To)
}

func insert(c *sqlite.Conn, r *chain.Row) error {
	k := r.Keys
	err := c.Exec("INSERT INTO row (seq, id, at, principal, resource, domain, action, outcome, prev, hash, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
		r.Seq, k.ID, k.At, k.Principal, k.Resource, k.Domain, k.Action, k.Outcome, r.Prev[:], r.Hash[:], r.Body)
	if err != nil || r.Input == nil {
		return err
	}
	return c.Exec("INSERT INTO input (seq, salt, input) VALUES (?1, ?2, ?3)", r.Seq, r.Salt, r.Input)
}

func head(c *sqlite.Conn, s chain.Segment) error {
	doc, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.Exec("INSERT INTO segment (one, doc) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET doc = excluded.doc", doc)
}

func mark(c *sqlite.Conn, m chain.Mark) error {
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return c.Exec("INSERT INTO mark (day, doc) VALUES (?1, ?2) ON CONFLICT (day) DO NOTHING", m.Day, doc)
}

// finish closes the file's segment.
func finish(f *sqlite.File, closed chain.Segment, m *chain.Mark) error {
	return f.Write(func(c *sqlite.Conn) error {
		if m != nil {
			if err := mark(c, *m); err != nil {
				return err
			}
		}
		return head(c, closed)
	})
}

// Settle implements chain.Keeper. What was erased leaves the journal too.
func (db *DB) Settle(_ context.Context, before, after chain.Segment) error {
	f, err := db.open(before.Name)
	if err != nil {
		return err
	}
	err = f.Write(func(c *sqlite.Conn) error {
		if err := expect(c, before); err != nil {
			return err
		}
		if err := c.Exec("DELETE FROM input WHERE seq > ?1 AND seq <= ?2", before.Erased, after.Erased); err != nil {
			return err
		}
		return head(c, after)
	})
	if err == nil && after.Erased > before.Erased {
		err = f.Shrink()
	}
	return db.refusal(err)
}

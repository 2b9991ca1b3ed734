package sqlite

import (
	"context"
	"encoding/json"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/server/decisionlog/chain"
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
	if err := f.commit(b, carried); err != nil {
		return db.refusal(err)
	}
	if b.Previous == nil {
		return nil
	}
	old, err := db.open(b.Previous.Name)
	if err != nil {
		return err
	}
	return db.refusal(old.finish(*b.Previous, b.Mark))
}

func (db *DB) refusal(err error) error {
	if err == nil || errors.Is(err, chain.ErrMoved) || errors.Is(err, chain.ErrTaken) || errors.Is(err, chain.ErrPassed) {
		return err
	}
	switch sqlite.ErrCode(err) {
	case sqlite.ResultConstraintUnique:
		return chain.ErrTaken
	case sqlite.ResultConstraintPrimaryKey, sqlite.ResultConstraintRowID:
		return chain.ErrMoved
	default:
		return db.unusable(err)
	}
}

func (f *file) commit(b chain.Batch, carried int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return transact(f.writer, func() error {
		before := b.Before
		if b.Before.Name != b.After.Name {
			before = chain.Segment{}
		}
		if err := f.expect(before); err != nil {
			return err
		}
		if err := f.step(b.Cursor, carried); err != nil {
			return err
		}
		for i := range b.Rows {
			if err := f.insert(&b.Rows[i]); err != nil {
				return err
			}
		}
		if b.Mark != nil && b.Mark.Segment == b.After.Name {
			if err := f.mark(*b.Mark); err != nil {
				return err
			}
		}
		return f.head(b.After)
	})
}

// expect refuses a head that another process has moved; the zero head is none.
func (f *file) expect(before chain.Segment) error {
	var current chain.Segment
	var found bool
	if err := query(f.writer, headSQL, nil, decodeHead(&current, &found)); err != nil {
		return err
	}
	if current.Seq != before.Seq || current.Hash != before.Hash || current.Erased != before.Erased || current.Closed != before.Closed {
		return chain.ErrMoved
	}
	return nil
}

// step moves the cursor, or carries over what the last file had.
func (f *file) step(s *chain.Step, carried int64) error {
	if s == nil {
		return query(f.writer, "INSERT INTO cursor (one, seq) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING", []any{carried}, nil)
	}
	if s.From != carried {
		return chain.ErrPassed
	}
	return query(f.writer, "INSERT INTO cursor (one, seq) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET seq = excluded.seq", []any{s.To}, nil)
}

func (f *file) insert(r *chain.Row) error {
	k := r.Keys
	err := query(f.writer, "INSERT INTO row (seq, id, at, principal, resource, domain, action, outcome, prev, hash, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
		[]any{r.Seq, k.ID, k.At, k.Principal, k.Resource, k.Domain, k.Action, k.Outcome, r.Prev[:], r.Hash[:], r.Body}, nil)
	if err != nil || r.Input == nil {
		return err
	}
	return query(f.writer, "INSERT INTO input (seq, salt, input) VALUES (?1, ?2, ?3)", []any{r.Seq, r.Salt, r.Input}, nil)
}

func (f *file) head(s chain.Segment) error {
	doc, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return query(f.writer, "INSERT INTO segment (one, doc) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET doc = excluded.doc", []any{doc}, nil)
}

func (f *file) mark(m chain.Mark) error {
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return query(f.writer, "INSERT INTO mark (day, doc) VALUES (?1, ?2) ON CONFLICT (day) DO NOTHING", []any{m.Day, doc}, nil)
}

// finish closes the file's segment.
func (f *file) finish(closed chain.Segment, m *chain.Mark) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return transact(f.writer, func() error {
		if m != nil {
			if err := f.mark(*m); err != nil {
				return err
			}
		}
		return f.head(closed)
	})
}

// Settle implements chain.Keeper. What was erased leaves the journal too.
func (db *DB) Settle(_ context.Context, before, after chain.Segment) error {
	f, err := db.open(before.Name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err = transact(f.writer, func() error {
		if err := f.expect(before); err != nil {
			return err
		}
		if err := query(f.writer, "DELETE FROM input WHERE seq > ?1 AND seq <= ?2", []any{before.Erased, after.Erased}, nil); err != nil {
			return err
		}
		return f.head(after)
	})
	if err == nil && after.Erased > before.Erased {
		err = errors.Join(exec(f.writer, "PRAGMA incremental_vacuum"), exec(f.writer, "PRAGMA wal_checkpoint(TRUNCATE)"))
	}
	return db.refusal(err)
}

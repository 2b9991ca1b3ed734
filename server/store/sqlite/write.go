package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// group is how many changes share one commit at most.
const group = 256

// job is a change on its way through the writer.
type job struct {
	change store.Change
	event  model.Event
	err    error
	done   chan struct{}
}

// Apply implements store.Store. A change that the writer has taken up is
// carried out even when the context ends meanwhile, and the answer tells.
func (db *DB) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	writes, err := c.Prepare()
	if err != nil {
		return model.Event{}, err
	}
	c.Writes = writes
	j := &job{change: c, done: make(chan struct{})}
	select {
	case <-db.closed:
		return model.Event{}, errClosed()
	case <-ctx.Done():
		return model.Event{}, ctx.Err()
	default:
	}
	select {
	case db.queue <- j:
	case <-db.closed:
		return model.Event{}, errClosed()
	case <-ctx.Done():
		return model.Event{}, ctx.Err()
	}
	<-j.done
	return j.event, j.err
}

// write is the one writer. The changes that arrive while it commits wait, and
// are then committed together: one sync of the disk serves them all.
func (db *DB) write() {
	for {
		select {
		case j := <-db.queue:
			db.commit(db.gather(j))
		case <-db.closed:
			return
		}
	}
}

func (db *DB) gather(first *job) []*job {
	batch := []*job{first}
	for len(batch) < group {
		select {
		case j := <-db.queue:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// commit carries the batch out and answers every job.
func (db *DB) commit(batch []*job) {
	conn := db.writer
	if conn == nil {
		conn = <-db.readers
		defer func() { db.readers <- conn }()
	}
	seq, err := db.transaction(conn, batch)
	if err == nil {
		db.seq = seq
		db.tell()
	}
	for _, j := range batch {
		if err != nil && j.err == nil {
			j.event, j.err = model.Event{}, unwritable(err)
		}
		close(j.done)
	}
	select {
	case db.full <- struct{}{}:
	default:
	}
}

// transaction applies each job behind a savepoint of its own, so that one that
// is refused leaves the others alone.
func (db *DB) transaction(conn *sqlite.Conn, batch []*job) (seq int64, err error) {
	if err := step(conn, "BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil && !conn.AutocommitEnabled() {
			err = errors.Join(err, step(conn, "ROLLBACK"))
		}
	}()
	seq = db.seq
	for _, j := range batch {
		ok, err := db.attempt(conn, j, seq+1)
		if err != nil {
			return 0, err
		}
		if ok {
			seq++
		}
	}
	return seq, step(conn, "COMMIT")
}

// attempt applies one job. Its own refusal is the job's error; an error of
// attempt means that the whole transaction is lost.
func (db *DB) attempt(conn *sqlite.Conn, j *job, seq int64) (bool, error) {
	if err := step(conn, "SAVEPOINT change"); err != nil {
		return false, err
	}
	j.event, j.err = db.apply(conn, j.change, seq)
	if j.err == nil {
		return true, step(conn, "RELEASE change")
	}
	if conn.AutocommitEnabled() { // SQLite gave the transaction up: no space, no memory, no disk
		err := j.err
		j.err = nil
		return false, err
	}
	if _, refused := errors.AsType[*model.Error](j.err); !refused {
		j.err = unwritable(j.err)
	}
	return false, errors.Join(step(conn, "ROLLBACK TO change"), step(conn, "RELEASE change"))
}

func unwritable(err error) error {
	hint := "see that the disk is sound and that souk may write to it, then try again"
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultFull {
		hint = "make room on the disk of the store, then try again"
	}
	return &model.Error{Kind: model.KindUnavailable, Message: "the change is not stored", Hint: hint, Err: err}
}

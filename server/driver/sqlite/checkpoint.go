package sqlite

import (
	"context"
	"errors"
	"os"
	"time"
)

// logLimit is the size of the write-ahead log that starts a checkpoint.
const logLimit = 16 << 20

// Checkpoints copies the log into the file beside the commits, until the
// context ends: it is for a file whose writer leaves that to another with
// wal_autocheckpoint=0. News gives a channel that the next commit closes. The
// bulk is copied while the writer goes on; the rest, with which the log starts
// over, takes the writer's lock for a moment, and is left for later when a
// reader is in the way. A failure loses nothing: the log only stays longer.
func (f *File) Checkpoints(ctx context.Context, news func() <-chan struct{}) {
	if f.path == Memory || f.options.ReadOnly {
		return
	}
	conn, err := f.connect([]string{"wal_autocheckpoint=0", "synchronous=FULL"})
	if err != nil {
		return
	}
	defer func() { _ = conn.conn.Close() }() // it only copied
	conn.conn.SetBusyTimeout(20 * time.Millisecond)
	for ctx.Err() == nil {
		committed := news()
		f.checkpoint(conn)
		select {
		case <-committed:
		case <-ctx.Done():
		}
	}
}

func (f *File) checkpoint(conn *Conn) {
	log, err := os.Stat(f.path + "-wal")
	if err != nil || log.Size() < logLimit {
		return
	}
	if err := conn.Run("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		return
	}
	_ = conn.Run("PRAGMA wal_checkpoint(TRUNCATE)") // busy: the next commit wakes us again
}

// Vacuum writes the whole file anew and empties the log, so that neither keeps
// what was deleted or overwritten.
func (f *File) Vacuum() error {
	conn, err := f.borrow()
	if err != nil {
		return err
	}
	defer func() { f.writer <- conn }()
	return errors.Join(conn.Run("VACUUM"), conn.Run("PRAGMA wal_checkpoint(TRUNCATE)"))
}

// Shrink gives the room of what was deleted back to the disk, in a file with
// auto_vacuum=INCREMENTAL, and empties the log, so that it does not keep what
// was deleted either.
func (f *File) Shrink() error {
	conn, err := f.borrow()
	if err != nil {
		return err
	}
	defer func() { f.writer <- conn }()
	return errors.Join(conn.Run("PRAGMA incremental_vacuum"), conn.Run("PRAGMA wal_checkpoint(TRUNCATE)"))
}

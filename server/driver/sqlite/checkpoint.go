package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// The size of the write-ahead log that starts a checkpoint: at most the one, at
// least the other, and in between a sixteenth of the room that is left.
const (
	logLimit   = 16 << 20
	leastLimit = 256 << 10
	logShare   = 16
)

// limit is how large the log may grow where so much room is left.
func limit(room int64, known bool) int64 {
	if !known {
		return logLimit
	}
	return min(max(room/logShare, leastLimit), logLimit)
}

// LogPages is how many pages of a size the log of a file may have before it is
// copied into the file, by the room that is left beside it: for
// wal_autocheckpoint.
func LogPages(path string, size int64) int64 {
	room, known := free(filepath.Dir(path))
	return limit(room, known) / size
}

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
	if err != nil || log.Size() < limit(free(f.path)) {
		return
	}
	if err := conn.Run("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		return
	}
	_ = conn.Run("PRAGMA wal_checkpoint(TRUNCATE)") // busy: the next commit wakes us again
}

// Headroom is how many bytes are left on the disk, and how many the
// write-ahead log has; known is false where the system does not tell.
func (f *File) Headroom() (room, log int64, known bool) {
	if f.path == Memory {
		return 0, 0, false
	}
	room, known = free(f.path)
	if info, err := os.Stat(f.path + "-wal"); err == nil {
		log = info.Size()
	}
	return room, log, known
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

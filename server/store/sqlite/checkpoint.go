package sqlite

import (
	"context"
	"os"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/server/store"
)

// logLimit is the size of the write-ahead log that starts a checkpoint.
const logLimit = 16 << 20

// Beside copies the log into the file beside the commits. The bulk is copied
// while the writer goes on; the rest, with which the log starts over, takes
// the writer's lock for a moment, and is left for later when a reader is in
// the way. A failure loses nothing: the log only stays longer.
func (e *engine) Beside(ctx context.Context, bell *store.Bell) {
	if e.path == memory {
		return
	}
	conn, err := e.connect([]string{"wal_autocheckpoint=0", "synchronous=FULL"})
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }() // it only copied
	conn.SetBusyTimeout(20 * time.Millisecond)
	for ctx.Err() == nil {
		news := bell.Next()
		e.checkpoint(conn)
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}

func (e *engine) checkpoint(conn *sqlite.Conn) {
	log, err := os.Stat(e.path + "-wal")
	if err != nil || log.Size() < logLimit {
		return
	}
	if err := exec(conn, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		return
	}
	_ = exec(conn, "PRAGMA wal_checkpoint(TRUNCATE)") // busy: the next commit wakes us again
}

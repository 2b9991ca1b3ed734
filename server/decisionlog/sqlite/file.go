package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

// readers is how many reads of one file run at once.
const readers = 3

// schema is the layout of a segment's file, version 1. Inputs stand apart, so
// that erasing them touches no row.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS row (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, principal TEXT NOT NULL,
		resource TEXT NOT NULL, domain TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL) STRICT`,
	`CREATE INDEX IF NOT EXISTS row_principal ON row (principal, seq)`,
	`CREATE INDEX IF NOT EXISTS row_resource ON row (resource, seq)`,
	`CREATE TABLE IF NOT EXISTS input (seq INTEGER PRIMARY KEY, salt BLOB NOT NULL, input BLOB NOT NULL) STRICT`,
	`CREATE TABLE IF NOT EXISTS segment (one INTEGER PRIMARY KEY CHECK (one = 1), doc BLOB NOT NULL) STRICT`,
	`CREATE TABLE IF NOT EXISTS mark (day TEXT PRIMARY KEY, doc BLOB NOT NULL) STRICT, WITHOUT ROWID`,
	`CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL) STRICT`,
	`PRAGMA user_version = 1`,
}

// file is one segment's database.
type file struct {
	path    string
	options Options

	mu      sync.Mutex // of the writer, and in memory of everybody
	writer  *sqlite.Conn
	readers chan *sqlite.Conn // each nil until it is first used
}

func openFile(path string, o Options) (*file, error) {
	f := &file{path: path, options: o, readers: make(chan *sqlite.Conn, readers)}
	for range readers {
		f.readers <- nil
	}
	if o.ReadOnly {
		return f, nil
	}
	synchronous := "FULL"
	if o.Relaxed {
		synchronous = "NORMAL"
	}
	var err error
	f.writer, err = f.connect("page_size=8192", "auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous="+synchronous,
		"wal_autocheckpoint=4000", "secure_delete=ON", "cache_size=-32768", "temp_store=MEMORY", "trusted_schema=OFF")
	if err != nil {
		return nil, err
	}
	if err := f.layout(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) connect(pragmas ...string) (*sqlite.Conn, error) {
	flags := sqlite.OpenReadWrite | sqlite.OpenCreate
	if f.path == memory {
		flags |= sqlite.OpenMemory
	}
	conn, err := sqlite.OpenConn(f.path, flags)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(10 * time.Second)
	for _, p := range pragmas {
		if err := exec(conn, "PRAGMA "+p); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

func (f *file) layout() error {
	version := int64(0)
	err := query(f.writer, "PRAGMA user_version", nil, func(r row) error { version = r.ColumnInt64(0); return nil })
	if err != nil || version == 1 {
		return err
	}
	if version > 1 {
		return fmt.Errorf("%s has layout %d and this souk writes layout 1: start the version of souk that wrote it", f.path, version)
	}
	return transact(f.writer, func() error {
		for _, sql := range schema {
			if err := exec(f.writer, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// read runs a query on a connection of its own.
func (f *file) read(ctx context.Context, sql string, values []any, each func(row) error) error {
	if f.path == memory {
		f.mu.Lock()
		defer f.mu.Unlock()
		return query(f.writer, sql, values, each)
	}
	select {
	case conn := <-f.readers:
		defer func() { f.readers <- conn }()
		if conn == nil {
			var err error
			if conn, err = f.connect("query_only=ON", "cache_size=-8192", "temp_store=MEMORY", "trusted_schema=OFF"); err != nil {
				conn = nil
				return err
			}
		}
		conn.SetInterrupt(ctx.Done())
		err := query(conn, sql, values, each)
		conn.SetInterrupt(nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *file) segment(ctx context.Context) (s chain.Segment, found bool, err error) {
	err = f.read(ctx, headSQL, nil, decodeHead(&s, &found))
	return s, found, err
}

const headSQL = "SELECT doc FROM segment"

func decodeHead(s *chain.Segment, found *bool) func(row) error {
	return func(r row) error {
		*found = true
		if err := json.Unmarshal(r.bytes(0), s); err != nil {
			return fmt.Errorf("the head of a segment is damaged: %w", err)
		}
		return nil
	}
}

func (f *file) cursor(ctx context.Context) (at int64, found bool, err error) {
	err = f.read(ctx, "SELECT seq FROM cursor", nil, func(r row) error { at, found = r.ColumnInt64(0), true; return nil })
	return at, found, err
}

// close waits for the reads that run.
func (f *file) close() error {
	var errs []error
	for range readers {
		if conn := <-f.readers; conn != nil {
			errs = append(errs, conn.Close())
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer != nil {
		errs = append(errs, f.writer.Close()) // the last to close copies the journal into the file
	}
	return errors.Join(errs...)
}

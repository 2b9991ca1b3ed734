// Package sqlite harvests the schema of one SQLite file: tables, views,
// columns, keys and the lineage of views. It opens the file for reading only
// and never counts or reads the rows of a user's table.
package sqlite

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

const scope = "database"

// Config says which file to read and what to call it.
type Config struct {
	Path string `json:"path" doc:"The SQLite database file." format:"file"`
	Name string `json:"name,omitempty" doc:"Name of the database in the namespace sqlite://NAME; the file's name when empty."`
}

// Plugin is the SQLite harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "sqlite", Version: "1.0.0", Doc: doc,
			Summary: "Tables, views, columns, keys and view lineage of a SQLite file.",
			Emits:   []string{"asset", "edge"},
			Offers:  []string{sdk.OffersChanges},
		},
		Open: open,
	}
}

type source struct {
	path      string      // real, without links
	file      os.FileInfo // what was found there when it was allowed
	namespace string
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	s, err := inspect(env.Files, c.Path)
	if err != nil {
		return nil, err
	}
	s.namespace = "sqlite://" + cmp.Or(c.Name, filepath.Base(c.Path))
	return s, nil
}

// inspect refuses what the source may not read, and what SQLite would create
// or take for an empty database.
func inspect(files sdk.Files, path string) (*source, error) {
	f, err := files.Open("path", path)
	if err != nil {
		return nil, err
	}
	// Closed before SQLite opens the file: closing gives up its locks as well.
	defer f.Close()
	head := make([]byte, 16)
	_, err = io.ReadFull(f, head)
	switch {
	case errors.Is(err, io.EOF):
		return nil, sdk.Config("path", "the file is empty", "name a SQLite database file that has been written")
	case !bytes.Equal(head, []byte("SQLite format 3\x00")):
		return nil, sdk.Config("path", "the file is no SQLite database", "name a SQLite database file that is not encrypted")
	}
	info, err := f.Stat()
	return &source{path: f.Name(), file: info}, err
}

// Close has nothing to close: each call opens the file for itself.
func (s *source) Close() error { return nil }

// connect opens the file read-only. A write-ahead log needs a writable folder
// beside it; where there is no log, the file can be read as one that no one changes.
func (s *source) connect() (*sqlite.Conn, error) {
	conn, err := s.try("mode=ro")
	if err == nil {
		return conn, nil
	}
	if log, statErr := os.Stat(s.path + "-wal"); statErr == nil && log.Size() > 0 {
		return nil, sdk.Unavailable("the database has a write-ahead log that cannot be read", "let the user that runs souk write to the file's folder, or run PRAGMA wal_checkpoint(TRUNCATE)", err)
	}
	if conn, err = s.try("immutable=1"); err != nil {
		return nil, sdk.Unavailable("SQLite cannot read the file", "run PRAGMA integrity_check on it", err)
	}
	return conn, nil
}

// noFollow makes SQLite refuse a path with a link in it. The path had none when
// it was allowed.
const noFollow sqlite.OpenFlags = 0x01000000

// try opens the file by its name, since SQLite opens files by itself, and then
// looks whether it is still the one that was allowed.
func (s *source) try(option string) (*sqlite.Conn, error) {
	address := url.URL{Scheme: "file", Path: s.path, RawQuery: option}
	conn, err := sqlite.OpenConn(address.String(), sqlite.OpenReadOnly|sqlite.OpenURI|noFollow)
	if err != nil {
		return nil, err
	}
	if now, err := os.Lstat(s.path); err != nil || !os.SameFile(now, s.file) {
		return nil, errors.Join(errors.New("the file was replaced"), err, conn.Close())
	}
	if err := sqlitex.ExecuteTransient(conn, "select count(*) from sqlite_schema", nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Check reads the list of tables.
func (s *source) Check(_ context.Context, r *sdk.Report) error {
	conn, err := s.connect()
	if err != nil {
		return r.Tried("read_schema", err)
	}
	r.OK("read_schema")
	return conn.Close()
}

// longest is how long SQLite may take for a schema: it reads the whole of it at
// once, and the cost of a table grows with their number.
const longest = 10 * time.Minute

// Harvest emits the whole file under one scope, from one snapshot.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	return s.read(ctx, out, func(h *harvest) error { return h.run() })
}

// Changes emits nothing where the schema is as it was, and otherwise all of it:
// SQLite does not tell which part of it has changed.
func (s *source) Changes(ctx context.Context, _ sdk.Request, since sdk.Watermark, out sdk.ChangeSink) (now sdk.Watermark, err error) {
	err = s.read(ctx, out, func(h *harvest) error {
		if now, err = h.mark(); err != nil {
			return err
		}
		if same, err := h.unchanged(out, since, now); same || err != nil {
			return err
		}
		return h.run()
	})
	return now, err
}

var _ sdk.Changer = (*source)(nil)

// read opens the file for one pass over a snapshot of it.
func (s *source) read(ctx context.Context, out sdk.Sink, pass func(*harvest) error) error {
	var conn *sqlite.Conn
	err := sdk.Waiting(out, "reading the schema", longest, func() (err error) {
		conn, err = s.connect()
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	conn.SetInterrupt(ctx.Done())
	h := &harvest{cancelled: ctx.Err, conn: conn, out: out, namespace: s.namespace, said: map[string]bool{}}
	err = h.each("begin", nil)
	if err == nil {
		err = pass(h)
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	return nil
}

package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/driver/sqlite"
)

// schema is the layout 1 of a segment's file. Inputs stand apart, so
// that erasing them touches no row. The indexes serve the filters that readers
// set, in the order of the rows, with which every index ends; that of outcomes
// has the time as well, so that a look at the refusals of a week passes over
// the others unread. A file of an earlier souk gets the indexes that it lacks.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS row (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, principal TEXT NOT NULL,
		resource TEXT NOT NULL, domain TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL) STRICT`,
	`CREATE INDEX IF NOT EXISTS row_principal ON row (principal, seq)`,
	`CREATE INDEX IF NOT EXISTS row_resource ON row (resource, seq)`,
	`CREATE INDEX IF NOT EXISTS row_domain ON row (domain)`,
	`CREATE INDEX IF NOT EXISTS row_outcome ON row (outcome, seq, at)`,
	`CREATE TABLE IF NOT EXISTS input (seq INTEGER PRIMARY KEY, salt BLOB NOT NULL, input BLOB NOT NULL) STRICT`,
	`CREATE TABLE IF NOT EXISTS segment (one INTEGER PRIMARY KEY CHECK (one = 1), doc BLOB NOT NULL) STRICT`,
	`CREATE TABLE IF NOT EXISTS mark (day TEXT PRIMARY KEY, doc BLOB NOT NULL) STRICT, WITHOUT ROWID`,
	`CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL) STRICT`,
}

const pageSize = 8192

// openFile opens one segment's database. Erased pages are overwritten, and a
// filter may look at many rows before it finds one.
func openFile(path string, o Options) (*sqlite.File, error) {
	synchronous := "FULL"
	if o.Relaxed {
		synchronous = "NORMAL"
	}
	return sqlite.Open(path, sqlite.Options{
		Name: "decision log", Layout: 1, ReadOnly: o.ReadOnly, Readers: 3, Interrupt: true,
		Prepare: func(c *sqlite.Conn) error {
			for _, sql := range schema {
				if err := c.Run(sql); err != nil {
					return err
				}
			}
			return nil
		},
		Writing: []string{fmt.Sprintf("page_size=%d", pageSize), "auto_vacuum=INCREMENTAL", "synchronous=" + synchronous, fmt.Sprintf("wal_autocheckpoint=%d", sqlite.LogPages(path, pageSize)), "secure_delete=ON", "cache_size=-32768"},
		Reading: []string{"cache_size=-8192"},
	})
}

// query hands the rows of one statement to each.
func query(ctx context.Context, f *sqlite.File, sql string, values []any, each func(sqlite.Row) (bool, error)) error {
	return f.Read(ctx, func(c *sqlite.Conn) error { return c.Rows(sql, values, each) })
}

func segment(ctx context.Context, f *sqlite.File) (s chain.Segment, found bool, err error) {
	err = query(ctx, f, headSQL, nil, decodeHead(&s, &found))
	return s, found, err
}

const headSQL = "SELECT doc FROM segment"

func decodeHead(s *chain.Segment, found *bool) func(sqlite.Row) (bool, error) {
	return func(r sqlite.Row) (bool, error) {
		*found = true
		if err := json.Unmarshal(r.Bytes(0), s); err != nil {
			return false, fmt.Errorf("the head of a segment is damaged: %w", err)
		}
		return false, nil
	}
}

func cursor(ctx context.Context, f *sqlite.File) (at int64, found bool, err error) {
	err = query(ctx, f, "SELECT seq FROM cursor", nil, func(r sqlite.Row) (bool, error) {
		at, found = r.Int(0), true
		return false, nil
	})
	return at, found, err
}

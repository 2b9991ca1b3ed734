// Package mysql harvests the catalogue of a MySQL or MariaDB server: databases,
// tables, views, columns, keys, indexes and the lineage of views. It reads
// information_schema and the user's own grants and nothing else: never a row of
// a user's table, and a harvest can write nothing. With a credential of its own
// it gives accounts the right to read, and takes it away.
package mysql

import (
	"context"
	"database/sql"
	_ "embed"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Plugin is the harvester of MySQL and MariaDB.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "mysql", Version: "1.0.0", Doc: doc,
			Summary: "Databases, tables, views, columns, keys and view lineage of a MySQL or MariaDB server.",
			Emits:   []string{"asset", "edge"}, Offers: []string{sdk.OffersGrants},
		},
		Open: open,
		Judge: func(c Config) error {
			_, err := c.parse()
			return err
		},
	}
}

type source struct{ *parsed }

func open(_ context.Context, c Config, _ sdk.Env) (sdk.Source, error) {
	p, err := c.parse()
	if err != nil {
		return nil, err
	}
	return &source{p}, nil
}

// Close has nothing to close: each call has its own connection.
func (s *source) Close() error { return nil }

// with lends a connection that can write nothing.
func (s *source) with(ctx context.Context, use func(*sql.Conn) error) error {
	return s.lend(ctx, func(conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "set session transaction read only"); err != nil {
			return s.explain(err)
		}
		return use(conn)
	})
}

// lend lends a connection. The errors of who uses it are not explained.
func (s *source) lend(ctx context.Context, use func(*sql.Conn) error) error {
	connector, err := driver.NewConnector(s.driver)
	if err != nil {
		return sdk.Config("url", "is not understood", "write mysql://USER@HOST:3306")
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	conn, err := s.connect(ctx, db)
	if err != nil {
		return s.explain(err)
	}
	defer func() { _ = conn.Close() }()
	return use(conn)
}

// connect waits for a server that answers nothing no longer than for one that is not there.
func (s *source) connect(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := db.Conn(limited)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return conn, err
}

// Check tries what a harvest does.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	connected := false
	err := s.with(ctx, func(conn *sql.Conn) error {
		connected = true
		r.OK("connect")
		l, err := s.list(ctx, conn)
		if err != nil {
			return s.explain(err)
		}
		r.OK("read_catalog")
		s.checkRights(l, r)
		return nil
	})
	switch {
	case err == nil:
		return s.checkGrants(ctx, r)
	case !connected:
		return r.Tried("connect", err)
	}
	return r.Tried("read_catalog", err)
}

func (s *source) checkRights(l *listing, r *sdk.Report) {
	tables, views := true, !s.leave
	for _, name := range l.absent {
		tables = false
		r.Failed("list_tables", "there is no database "+quote(name)+" that the user may see", "take it out of includeDatabases, create it, or run "+s.grant(name, "REFERENCES"))
	}
	for _, d := range l.databases {
		if !l.covers(d.name) {
			tables = false
			r.Failed("list_tables", "the user has no right on the whole of the database "+quote(d.name), s.grant(d.name, "REFERENCES"))
		}
		if !s.leave && l.hidden(d.name) {
			views = false
			r.Failed("read_views", "the user may not read the SQL of views of "+quote(d.name), s.grant(d.name, "SELECT, SHOW VIEW")+" or set views to leave")
		}
	}
	if tables {
		r.OK("list_tables")
	}
	if views {
		r.OK("read_views")
	}
}

// covers tells whether the user sees all tables and columns of a database.
func (l *listing) covers(database string) bool { return l.rights.columns(l.version, database) }

// hidden tells whether a database has a view whose SQL the user may not read.
func (l *listing) hidden(database string) bool {
	for _, t := range l.tables {
		if t.database == database && t.kind == "VIEW" && t.view.sql.String == "" {
			return true
		}
	}
	return false
}

// grant is the statement that mends a missing right. In the name of a database
// in GRANT an underscore stands for any letter.
func (s *source) grant(database, rights string) string {
	escaped := strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(database)
	return "GRANT " + rights + " ON " + quote(escaped) + ".* TO " + quote(s.driver.User) + ";"
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

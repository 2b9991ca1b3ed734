// Package denodo harvests the catalogue of a Denodo Virtual DataPort server:
// databases, folders, views with their columns, tags, keys and lineage down to
// columns and to the tables behind JDBC data sources. It owns the questions that
// it asks the server's own procedures over the wire of PostgreSQL; it reads no
// row of a view, and calls nothing that changes the server.
package denodo

import (
	"context"
	_ "embed"

	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Plugin is the Denodo harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "denodo", Version: "1.0.0", Doc: doc,
			Summary: "Databases, folders, views, columns, tags, keys and lineage of a Denodo server.",
			Emits:   []string{"asset", "edge"},
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

// Check tries what a harvest does.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	c, err := s.connect(ctx)
	if err != nil {
		return r.Tried("connect", err)
	}
	defer c.close()
	r.OK("connect")
	databases, err := c.databases(ctx)
	if err != nil {
		return r.Tried("list_databases", err)
	}
	r.OK("list_databases")
	whole := true
	for _, name := range s.absent(databases) {
		whole = false
		r.Failed("list_views", "there is no database "+quote(name)+" that the user may connect to", "take it out of includeDatabases, or run "+s.grant(name))
	}
	rights, err := c.rights(ctx)
	if err != nil {
		return r.Tried("list_views", err)
	}
	for _, d := range databases {
		if !rights.cover(d.name) {
			whole = false
			r.Failed("list_views", "the user has no privilege METADATA on the whole of the database "+quote(d.name), s.grant(d.name))
		}
	}
	if whole {
		r.OK("list_views")
	}
	return nil
}

// grant is the statement that mends a missing privilege.
func (s *source) grant(database string) string {
	return "ALTER USER " + quote(s.driver.User) + " GRANT CONNECT, METADATA ON " + quote(database) + ";"
}

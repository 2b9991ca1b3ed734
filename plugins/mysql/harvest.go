package mysql

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// longest is how long a server may take for its whole catalogue.
const longest = 10 * time.Minute

// Harvest emits the server under one scope where every database is listed, and
// else each database under its own. What the user has no right on is not
// listed: then nothing of the scope is retired.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	var l *listing
	err := s.with(ctx, func(conn *sql.Conn) (err error) {
		err = sdk.Waiting(out, "reading the catalogue", longest, func() error {
			l, err = s.list(ctx, conn)
			return err
		})
		if err != nil {
			return s.explain(err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	h := &harvest{source: s, listing: l, out: out, open: map[string]bool{}}
	for _, step := range []func(context.Context) error{h.noteClosed, h.emitDatabases, h.emitTables, h.emitEdges, h.endScopes} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// harvest is one run.
type harvest struct {
	*source
	*listing
	out  sdk.Sink
	open map[string]bool // scopes that cannot be done
}

// scope is the server's where every database is listed and wanted. Otherwise a
// database that is not seen is not gone for that.
func (h *harvest) scope(database string) string {
	if len(h.include)+len(h.exclude) == 0 && h.rights.everywhere() {
		return "server"
	}
	return "database:" + database
}

func (h *harvest) noteClosed(context.Context) error {
	for _, d := range h.databases {
		if h.covers(d.name) {
			continue
		}
		err := h.close(d.name, sdk.Note{
			Code: "mysql.no_right", Sample: h.grant(d.name, "REFERENCES"),
			Title: "The user has no right on the whole of a database, and sees of it only what it has a right on; nothing of its scope is retired until it has.",
		})
		if err != nil {
			return err
		}
	}
	for _, name := range h.absent {
		err := h.close(name, sdk.Note{
			Code: "mysql.no_database", Sample: name,
			Title: "A database to include does not exist, or the user may not see it: correct its name, take it out of includeDatabases, or grant a right on it.",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// close notes why a scope cannot be done.
func (h *harvest) close(database string, n sdk.Note) error {
	n.Level, n.Scope = sdk.ErrorLevel, h.scope(database)
	h.open[n.Scope] = true
	return h.out.Note(n)
}

func (h *harvest) endScopes(context.Context) error {
	done := map[string]bool{}
	if scope := h.scope(""); scope == "server" {
		done[scope] = true
		if !h.open[scope] {
			return h.out.ScopeDone(scope)
		}
	}
	for _, d := range h.databases {
		scope := h.scope(d.name)
		if done[scope] || h.open[scope] {
			continue
		}
		done[scope] = true
		if err := h.out.ScopeDone(scope); err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) emitDatabases(context.Context) error {
	for _, d := range h.databases {
		err := h.out.Emit(&sdk.Asset{
			ID: h.id(name{database: d.name}), Scope: h.scope(d.name), Kind: "DATABASE", Rank: sdk.Holder,
			ShortName: d.name, Description: text(d.comment),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) emitTables(ctx context.Context) error {
	for i, t := range h.tables {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := h.emitTable(t); err != nil {
			return err
		}
		if err := h.out.Progress(int64(i+1), int64(len(h.tables)), "tables"); err != nil {
			return err
		}
	}
	return nil
}

// emitTable emits a table, but for one that the server itself cannot describe:
// what is known of that one stays.
func (h *harvest) emitTable(t *table) error {
	note := sdk.Note{Level: sdk.ErrorLevel, Scope: h.scope(t.database), Sample: h.id(t.name).Name, Asset: h.id(t.name)}
	switch {
	case t.kind == "VIEW" && len(t.fields) == 0:
		note.Code = "mysql.broken_view"
		note.Title = "A view reads a table or a column that is not there any more: drop it or mend it. What is known of it stays."
		return h.out.Note(note)
	case len(t.fields) == 0:
		note.Code = "mysql.no_columns"
		note.Title = "No column of a table is shown: the table is damaged (CHECK TABLE), or the user has no right on its columns. What is known of it stays."
		return h.out.Note(note)
	case t.kind == "VIEW" && t.view.sql.String == "" && !h.leave:
		note.Code = "mysql.no_view_sql"
		note.Title = "The SQL of a view is not shown: grant SELECT and SHOW VIEW on it, or set views to leave. What is known of its lineage stays."
		if err := h.out.Note(note); err != nil {
			return err
		}
	}
	return h.out.Emit(h.asset(t))
}

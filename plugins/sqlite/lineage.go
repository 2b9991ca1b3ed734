package sqlite

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/plugins/internal/sqllineage"
	"github.com/souk-mesh/souk/sdk"
)

// emitLineage asks SQLite's own compiler what each view reads. It works on a
// copy of the schema in memory in which every other view is an empty table, so
// that the compiler can neither look through a view nor flatten it away.
func (h *harvest) emitLineage() error {
	stage, err := sqlite.OpenConn(":memory:", sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenMemory)
	if err != nil {
		return err
	}
	defer func() { _ = stage.Close() }()
	mentioned, err := h.mentioned()
	if err != nil {
		return err
	}
	for _, t := range h.tables {
		if !mentioned(t) {
			continue
		}
		if err := h.stub(stage, t); err != nil {
			return err
		}
	}
	for _, t := range h.tables {
		if t.kind != "view" {
			continue
		}
		reads, err := h.readsOf(stage, t)
		if err != nil {
			if cancelled := h.cancelled(); cancelled != nil {
				return cancelled
			}
			err = h.unreadable(t)
		}
		if err := errors.Join(err, h.emitReads(stage, t, reads)); err != nil {
			return err
		}
	}
	return nil
}

// mentioned tells which tables the texts of views may mean. SQLite reads its whole
// schema anew for each table that is made, so none is made for nothing: of 20,000
// tables that took minutes.
func (h *harvest) mentioned() (func(table) bool, error) {
	var texts strings.Builder
	err := h.each(`select sql from sqlite_schema where type = 'view'`, func(r *sqlite.Stmt) error {
		texts.WriteString(fold(r.ColumnText(0)) + "\n")
		return nil
	})
	all := texts.String()
	return func(t table) bool {
		if all == "" {
			return false
		}
		return t.kind == "view" || strings.ContainsAny(t.name, "\"'`[]") || strings.Contains(all, fold(t.name))
	}, err
}

func (h *harvest) emitReads(stage *sqlite.Conn, t table, reads []string) error {
	if len(reads) == 0 {
		return nil
	}
	flows, unknown := h.flows(stage, t)
	if unknown != "" {
		n := sdk.Note{Level: sdk.InfoLevel, Code: "sqlite.columns_unknown", Title: "Of which columns those of a view are made is unknown, for some of them or all.", Sample: t.name + ": " + valid(unknown)}
		if err := h.out.Note(n); err != nil {
			return err
		}
	}
	for _, from := range reads {
		edge := &sdk.Edge{From: h.id(from), To: h.id(t.name), Scope: scope, Kind: "DERIVES", Method: "sqlite.authorizer", Confidence: 1}
		for _, f := range flows[from] {
			edge.Fields = append(edge.Fields, sdk.FieldEdge{From: valid(f.From), To: valid(f.To), Transform: f.How.String()})
		}
		if err := h.out.Emit(edge); err != nil {
			return err
		}
	}
	return nil
}

// flows follows the columns of a view through its SQL.
func (h *harvest) flows(stage *sqlite.Conn, view table) (map[string][]sqllineage.Flow, string) {
	create, err := h.created(view)
	if err != nil {
		return nil, "its SQL cannot be read"
	}
	reader := sqllineage.Reader{Dialect: sqllineage.DialectOf("sqlite"), Find: func(parts []string) (sqllineage.Table, bool) {
		name := parts[len(parts)-1]
		if schema := parts[:len(parts)-1]; len(schema) > 1 || len(schema) == 1 && fold(schema[0]) != "main" || !h.knows(name) {
			return sqllineage.Table{}, false
		}
		return sqllineage.Table{ID: h.canonical(name), Columns: staged(stage, name)}, true
	}}
	return reader.Read(create).Into(staged(stage, view.name))
}

// staged gives the columns of a table of the copy, which hides none.
func staged(stage *sqlite.Conn, name string) (columns []string) {
	_ = sqlitex.Execute(stage, `select name from pragma_table_info(?) order by cid`, &sqlitex.ExecOptions{Args: []any{name}, ResultFunc: func(r *sqlite.Stmt) error {
		columns = append(columns, r.ColumnText(0))
		return nil
	}})
	return columns
}

// stub makes an empty table with the columns of t, the hidden ones too. What
// cannot be described has no stub, and views over it are noted in turn.
func (h *harvest) stub(stage *sqlite.Conn, t table) error {
	var names []string
	_ = h.each(`select name from pragma_table_xinfo(?) order by cid`, func(r *sqlite.Stmt) error {
		names = append(names, quote(r.ColumnText(0)))
		return nil
	}, t.name)
	if len(names) == 0 {
		return nil
	}
	return sqlitex.ExecuteTransient(stage, "create table "+quote(t.name)+" ("+strings.Join(names, ", ")+")", nil)
}

// readsOf puts the real view in the place of its stub, compiles a query over
// it without running it, and listens to the authorizer.
func (h *harvest) readsOf(stage *sqlite.Conn, view table) (_ []string, err error) {
	create, err := h.created(view)
	if err != nil {
		return nil, err
	}
	if err := sqlitex.ExecuteTransient(stage, "drop table if exists "+quote(view.name), nil); err != nil {
		return nil, err
	}
	if err := sqlitex.ExecuteTransient(stage, create, nil); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, sqlitex.ExecuteTransient(stage, "drop view "+quote(view.name), nil), h.stub(stage, view))
	}()
	return h.compile(stage, view)
}

// created is the statement that made a view.
func (h *harvest) created(view table) (sql string, err error) {
	err = h.each(`select sql from sqlite_schema where type = 'view' and name = ?`, func(r *sqlite.Stmt) error {
		sql = r.ColumnText(0)
		return nil
	}, view.name)
	return sql, err
}

func (h *harvest) compile(stage *sqlite.Conn, view table) ([]string, error) {
	reads := map[string]bool{}
	listen := sqlite.AuthorizeFunc(func(a sqlite.Action) sqlite.AuthResult {
		if a.Type() == sqlite.OpRead && fold(a.Table()) != fold(view.name) && h.knows(a.Table()) {
			reads[h.canonical(a.Table())] = true
		}
		return sqlite.AuthResultOK
	})
	if err := stage.SetAuthorizer(listen); err != nil {
		return nil, err
	}
	defer func() { _ = stage.SetAuthorizer(nil) }()
	statement, _, err := stage.PrepareTransient("select * from " + quote(view.name))
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(reads)), statement.Finalize()
}

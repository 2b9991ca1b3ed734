package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/sdk"
)

// harvest is one pass over one file.
type harvest struct {
	cancelled func() error // the error of the context, once it has one
	conn      *sqlite.Conn
	out       sdk.Sink
	namespace string
	tables    []table
	byName    map[string]string // as created, by the folded name
	rows      map[string]int64

	statements map[string]string // that made things, by the folded name
	said       map[string]bool   // the tables noted as unreadable
}

type table struct {
	name string
	kind string // table, view, virtual or shadow
	refs bool   // its text may declare foreign keys
	keys bool   // the schema lists indexes of it
}

func (h *harvest) run() error {
	if err := sdk.Waiting(h.out, "listing the tables", longest, h.list); err != nil {
		return err
	}
	for i, t := range h.tables {
		if err := h.emit(t); err != nil {
			return err
		}
		if err := h.out.Progress(int64(i+1), int64(len(h.tables)), "tables"); err != nil {
			return err
		}
	}
	if err := h.emitLineage(); err != nil {
		return err
	}
	return h.out.ScopeDone(scope)
}

// each runs a query; row sees each line of the answer. The query is compiled once:
// what it costs to look its names up grows with the schema.
func (h *harvest) each(query string, row func(*sqlite.Stmt) error, args ...any) error {
	err := sqlitex.Execute(h.conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	return nil
}

func (h *harvest) list() error {
	shadows, modules := 0, map[string]string{}
	var nameless []string
	indexed, err := h.indexed()
	if err != nil {
		return err
	}
	err = h.each(`select l.name, l.type, coalesce(s.sql, '') from pragma_table_list l left join sqlite_schema s on s.name = l.name and s.type = 'table'
		where l.schema = 'main' order by l.name`, func(r *sqlite.Stmt) error {
		name := r.ColumnText(0)
		t := table{name: name, kind: r.ColumnText(1), refs: strings.Contains(fold(r.ColumnText(2)), "references"), keys: indexed[fold(name)]}
		if t.kind == "virtual" {
			modules[t.name] = moduleOf(r.ColumnText(2))
		}
		switch {
		case strings.HasPrefix(strings.ToLower(t.name), "sqlite_"):
		case !utf8.ValidString(t.name):
			nameless = append(nameless, t.name)
		case t.kind == "shadow":
			shadows++
		default:
			h.tables = append(h.tables, t)
		}
		return nil
	})
	if err != nil {
		return err
	}
	shadows += h.dropShadows(modules)
	h.byName = map[string]string{}
	for _, t := range h.tables {
		h.byName[fold(t.name)] = t.name
	}
	if shadows > 0 {
		n := sdk.Note{Level: sdk.InfoLevel, Code: "sqlite.shadow_tables", Title: "Shadow tables of virtual tables are not harvested.", Sample: strconv.Itoa(shadows)}
		if err := h.out.Note(n); err != nil {
			return err
		}
	}
	return errors.Join(h.noteNameless(nameless), h.readStatements(), h.readStatistics())
}

// noteNameless notes tables that are left out: no asset can have such a name.
func (h *harvest) noteNameless(names []string) error {
	for _, name := range names {
		n := sdk.Note{Level: sdk.WarnLevel, Code: "sqlite.not_utf8", Title: "A table has a name that is not UTF-8, and is left out: rename it.", Sample: valid(name)}
		if err := h.out.Note(n); err != nil {
			return err
		}
	}
	return nil
}

// readStatistics takes the row counts that ANALYZE left, if it ever ran.
func (h *harvest) readStatistics() error {
	h.rows = map[string]int64{}
	analysed := false
	err := h.each(`select 1 from sqlite_schema where name = 'sqlite_stat1'`, func(*sqlite.Stmt) error { analysed = true; return nil })
	if err != nil || !analysed {
		return err
	}
	return h.each(`select tbl, stat from sqlite_stat1`, func(r *sqlite.Stmt) error {
		first, _, _ := strings.Cut(r.ColumnText(1), " ")
		if n, err := strconv.ParseInt(first, 10, 64); err == nil {
			h.rows[r.ColumnText(0)] = max(n, h.rows[r.ColumnText(0)])
		}
		return nil
	})
}

// emit emits one table. A view over a table that is gone and a virtual table
// without its module cannot be described: they are noted.
func (h *harvest) emit(t table) error {
	a := &sdk.Asset{ID: h.id(t.name), Scope: scope, Kind: "TABLE", Rank: sdk.Holder, ShortName: t.name}
	if t.kind == "view" {
		a.Kind = "VIEW"
	}
	if t.kind == "virtual" {
		a.Properties = map[string]string{"virtual": "true"}
	}
	if before := sdk.PlainName(t.name); before != "" { // known by that name stays known by it
		a.Aliases = []sdk.Alias{{Scheme: "openlineage", Namespace: h.namespace, Name: before}}
	}
	if n, ok := h.rows[t.name]; ok {
		a.Rows = &n
	}
	var err error
	if a.Fields, err = h.fields(t); err == nil && t.refs { // to ask costs more the larger the schema is
		a.ForeignKeys, err = h.foreignKeys(t.name)
	}
	if err == nil {
		err = h.describe(a, t)
	}
	if err != nil {
		if cancelled := h.cancelled(); cancelled != nil {
			return cancelled
		}
		return h.unreadable(t)
	}
	legible(a)
	return h.out.Emit(a)
}

// unreadable notes the one table or view: what is known of it stays as it is,
// and the rest of the database is complete without it.
func (h *harvest) unreadable(t table) error {
	if h.said[t.name] {
		return nil
	}
	h.said[t.name] = true
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "sqlite.unreadable", Scope: scope, Asset: h.id(t.name), Sample: t.name,
		Title: "A table or view cannot be described: what it is made of is gone, or a function or module that it uses is not built in. What was known of it stays, also when it is dropped, until it can be read.",
	})
}

func (h *harvest) id(name string) sdk.NativeID {
	return sdk.NativeID{Namespace: h.namespace, Name: sdk.JoinName(name)}
}

// indexed knows the tables that have an index, in one reading of the schema: to ask
// for those of one table costs more the larger the schema is.
func (h *harvest) indexed() (map[string]bool, error) {
	tables := map[string]bool{}
	return tables, h.each(`select tbl_name from sqlite_schema where type = 'index'`, func(r *sqlite.Stmt) error {
		tables[fold(r.ColumnText(0))] = true
		return nil
	})
}

// The columns of a table, with the number of indexes that keep its primary key. A
// table without row ids has one that the schema does not list: its key is never
// null, and SQLite says so.
const (
	columns      = `select name, type, "notnull", dflt_value, pk, hidden, sum(pk > 0) over (), `
	columnsBare  = columns + `0 from pragma_table_xinfo(?1) order by cid`
	columnsKeyed = columns + `(select count(*) from pragma_index_list(?1) where origin = 'pk') from pragma_table_xinfo(?1) order by cid`
)

// fields leaves out the hidden columns of virtual tables.
func (h *harvest) fields(t table) ([]sdk.Field, error) {
	var fields []sdk.Field
	query := columnsBare
	if t.keys {
		query = columnsKeyed
	}
	err := h.each(query, func(r *sqlite.Stmt) error {
		f := sdk.Field{
			Name: r.ColumnText(0), Position: len(fields) + 1, NativeType: r.ColumnText(1),
			Nullable: r.ColumnInt(2) == 0 && !isRowID(r), Default: r.ColumnText(3), PrimaryKey: r.ColumnInt(4),
		}
		switch r.ColumnInt(5) {
		case 1:
			return nil
		case 2:
			f.Default = "generated virtual"
		case 3:
			f.Default = "generated stored"
		}
		fields = append(fields, f)
		return nil
	}, t.name)
	return fields, err
}

// isRowID tells an INTEGER PRIMARY KEY, which is the number of the row and never
// null though nothing says so. A key of any other kind has an index of its own.
func isRowID(r *sqlite.Stmt) bool {
	return r.ColumnInt(4) == 1 && r.ColumnInt(6) == 1 && r.ColumnInt(7) == 0 && strings.EqualFold(r.ColumnText(1), "integer")
}

func (h *harvest) foreignKeys(name string) ([]sdk.ForeignKey, error) {
	var keys []sdk.ForeignKey
	var targets []string
	last := -1
	err := h.each(`select id, "table", "from", coalesce("to", '') from pragma_foreign_key_list(?) order by id, seq`, func(r *sqlite.Stmt) error {
		if id := r.ColumnInt(0); id != last {
			last = id
			targets = append(targets, h.canonical(r.ColumnText(1)))
			keys = append(keys, sdk.ForeignKey{ToName: h.id(targets[len(targets)-1]).Name})
		}
		k := &keys[len(keys)-1]
		k.Fields = append(k.Fields, r.ColumnText(2))
		if to := r.ColumnText(3); to != "" {
			k.ToFields = append(k.ToFields, to)
		}
		return nil
	}, name)
	for i := range keys {
		if err == nil {
			err = h.complete(&keys[i], targets[i])
		}
	}
	return keys, err
}

// complete gives the columns that a key refers to as they were created, and
// those of the other table's primary key where the key names none.
func (h *harvest) complete(k *sdk.ForeignKey, target string) error {
	var primary []string
	names := map[string]string{}
	err := h.each(`select name, pk from pragma_table_xinfo(?) order by pk`, func(r *sqlite.Stmt) error {
		names[fold(r.ColumnText(0))] = r.ColumnText(0)
		if r.ColumnInt(1) > 0 {
			primary = append(primary, r.ColumnText(0))
		}
		return nil
	}, target)
	if err != nil || len(names) == 0 {
		return h.cancelled() // the other table cannot be described, which is noted there
	}
	for i, to := range k.ToFields {
		k.ToFields[i] = cmp.Or(names[fold(to)], to)
	}
	if k.ToFields == nil && len(primary) == len(k.Fields) {
		k.ToFields = primary
	}
	return nil
}

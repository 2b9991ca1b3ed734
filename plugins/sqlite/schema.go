package sqlite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// harvest is one pass over one file.
type harvest struct {
	cancelled func() error // the error of the context, once it has one
	conn      *sqlite.Conn
	out       sdk.Sink
	namespace string
	tables    []table
	rows      map[string]int64
	broken    bool // something could not be read: the scope is not done
}

type table struct {
	name string
	kind string // table, view, virtual or shadow
}

func (h *harvest) run() error {
	if err := h.each("begin", nil); err != nil {
		return err
	}
	if err := h.list(); err != nil {
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
	if h.broken {
		return nil
	}
	return h.out.ScopeDone(scope)
}

// each runs a query; row sees each line of the answer.
func (h *harvest) each(query string, row func(*sqlite.Stmt) error, args ...any) error {
	err := sqlitex.ExecuteTransient(h.conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	return nil
}

func (h *harvest) list() error {
	shadows := 0
	err := h.each(`select name, type from pragma_table_list where schema = 'main' order by name`, func(r *sqlite.Stmt) error {
		t := table{r.ColumnText(0), r.ColumnText(1)}
		switch {
		case strings.HasPrefix(strings.ToLower(t.name), "sqlite_"):
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
	if shadows > 0 {
		n := sdk.Note{Level: sdk.InfoLevel, Code: "sqlite.shadow_tables", Title: "Shadow tables of virtual tables are not harvested.", Sample: strconv.Itoa(shadows)}
		if err := h.out.Note(n); err != nil {
			return err
		}
	}
	return h.readStatistics()
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
	if a.Fields, err = h.fields(t.name); err == nil {
		a.ForeignKeys, err = h.foreignKeys(t.name)
	}
	if err != nil {
		if cancelled := h.cancelled(); cancelled != nil {
			return cancelled
		}
		return h.unreadable(t)
	}
	return h.out.Emit(a)
}

func (h *harvest) unreadable(t table) error {
	h.broken = true
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "sqlite.unreadable", Scope: scope, Sample: t.name,
		Title: "A table or view cannot be described: what it is made of is gone, or its module is not built in.",
	})
}

func (h *harvest) id(name string) sdk.NativeID {
	return sdk.NativeID{Namespace: h.namespace, Name: sdk.JoinName(name)}
}

// fields leaves out the hidden columns of virtual tables.
func (h *harvest) fields(name string) ([]sdk.Field, error) {
	var fields []sdk.Field
	err := h.each(`select name, type, "notnull", dflt_value, pk, hidden from pragma_table_xinfo(?) order by cid`, func(r *sqlite.Stmt) error {
		f := sdk.Field{
			Name: r.ColumnText(0), Position: len(fields) + 1, NativeType: r.ColumnText(1),
			Nullable: r.ColumnInt(2) == 0, Default: r.ColumnText(3), PrimaryKey: r.ColumnInt(4),
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
	}, name)
	return fields, err
}

func (h *harvest) foreignKeys(name string) ([]sdk.ForeignKey, error) {
	var keys []sdk.ForeignKey
	last := -1
	err := h.each(`select id, "table", "from", coalesce("to", '') from pragma_foreign_key_list(?) order by id, seq`, func(r *sqlite.Stmt) error {
		if id := r.ColumnInt(0); id != last {
			last = id
			keys = append(keys, sdk.ForeignKey{ToName: h.id(h.canonical(r.ColumnText(1))).Name})
		}
		k := &keys[len(keys)-1]
		k.Fields = append(k.Fields, r.ColumnText(2))
		if to := r.ColumnText(3); to != "" {
			k.ToFields = append(k.ToFields, to)
		}
		return nil
	}, name)
	return keys, err
}

// canonical gives the name as it was created; SQLite compares names without case.
func (h *harvest) canonical(name string) string {
	i := slices.IndexFunc(h.tables, func(t table) bool { return strings.EqualFold(t.name, name) })
	if i < 0 {
		return name
	}
	return h.tables[i].name
}

package trino_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// planned is a cluster with the views of one catalog, of which each has its SQL and
// the tables that its plan reads, as catalog.schema.table with commas between.
func planned(t *testing.T, views [][3]string) *fake {
	t.Helper()
	f := single(t)
	tables, columns := f.Statements[tablesOf("c")], f.Statements[columnsOf("c")]
	columns.Data = nil
	for table, names := range map[string]string{"t": "a b d", "u": "a e list", "v1": "x y", "v2": "z y", "v3": "x y k", "v4": "a", "v5": "item n f", "v6": "a", "v7": "a b", "v8": "_col0 a"} {
		for name := range strings.FieldsSeq(names) {
			columns.Data = append(columns.Data, []any{"s", table, name, "integer", "YES", nil, nil})
		}
	}
	tables.Data = [][]any{{"s", "t", "BASE TABLE"}, {"s", "u", "BASE TABLE"}}
	shown := statement{}
	for _, v := range views {
		tables.Data = append(tables.Data, []any{"s", v[0], "VIEW"})
		shown.Data = append(shown.Data, []any{"s", v[0], v[1]})
		var inputs []string
		for table := range strings.SplitSeq(v[2], ",") {
			parts := strings.Split(table, ".")
			inputs = append(inputs, fmt.Sprintf(`{"table": {"catalog": %q, "schemaTable": {"schema": %q, "table": %q}}}`, parts[0], parts[1], parts[2]))
		}
		f.Statements[`EXPLAIN (TYPE IO, FORMAT JSON) SELECT * FROM "c"."s"."`+v[0]+`"`] = statement{Data: [][]any{{`{"inputTableColumnInfos": [` + strings.Join(inputs, ",") + `]}`}}}
	}
	f.Statements[tablesOf("c")], f.Statements[columnsOf("c")] = tables, columns
	f.Statements[`SELECT table_schema, table_name, view_definition FROM "c".information_schema.views WHERE table_schema <> 'information_schema'`] = shown
	return f
}

// TestColumnsOfViews follows columns through the views between, where Trino's plan
// reads the tables that the SQL names, and nowhere else.
func TestColumnsOfViews(t *testing.T) {
	f := planned(t, [][3]string{
		{"v1", "SELECT\n  o.a X\n, (o.b + 1) Y\nFROM\n  (c.s.t o\nINNER JOIN C.S.U u ON (o.a = u.a))\n", "c.s.t,c.s.u"},
		{"v2", "SELECT x z, count(y) OVER w y FROM v1 WINDOW w AS (PARTITION BY x)", "c.s.t,c.s.u"},
		{"v3", "SELECT v1.*, e k FROM s.v1 CROSS JOIN (SELECT e FROM u)", "c.s.t,c.s.u"},
		{"v4", "SELECT a FROM t", "c.other.t"},
		{"v5", "SELECT item, n, filter(list, (x) -> (x > item)) f FROM u CROSS JOIN UNNEST(list) WITH ORDINALITY q (item, n)", "c.s.u"},
		{"v6", "SELECT a FROM d.far.off", "d.far.off"},
		{"v7", "SELECT a, b FROM v7", "c.s.t"},
		{"v8", "SELECT upper(d), a FROM t", "c.s.t"},
	})
	m, err := harvest(t, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DERIVES c.other.t -> c.s.v4",
		"DERIVES c.s.t -> c.s.v1 a>x b>y", "DERIVES c.s.t -> c.s.v2 a>y b>y a>z", "DERIVES c.s.t -> c.s.v3 a>x b>y", "DERIVES c.s.t -> c.s.v7", "DERIVES c.s.t -> c.s.v8 d>_col0 a>a",
		"DERIVES c.s.u -> c.s.v1", "DERIVES c.s.u -> c.s.v2", "DERIVES c.s.u -> c.s.v3 e>k", "DERIVES c.s.u -> c.s.v5 list>f list>item list>n",
		"DERIVES d.far.off -> c.s.v6 a>a",
	}
	if diff := gocmp.Diff(want, slices.Sorted(slices.Values(m.Edges))); diff != "" {
		t.Error(diff)
	}
	for _, e := range m.ByEnds["c.s.t -> c.s.v2"].Fields {
		if want := map[string]string{"a>y": "WINDOW", "b>y": "AGGREGATION", "a>z": "IDENTITY"}[e.From+">"+e.To]; e.Transform != want {
			t.Errorf("%+v", e)
		}
	}
	var notes []string
	for _, n := range m.Notes["trino.columns_unknown"] {
		notes = append(notes, n.Sample)
	}
	if want := []string{
		"c.s.v4: the plan does not read c.s.t",
		"c.s.v7: a view names itself",
	}; !slices.Equal(notes, want) {
		t.Errorf("%q", notes)
	}
}

// TestManyColumnsOfViews: views that double what they name are bounded.
func TestManyColumnsOfViews(t *testing.T) {
	views := [][3]string{{"w0", "SELECT a, b FROM t", "c.s.t"}}
	for i := range 40 {
		views = append(views, [3]string{fmt.Sprint("w", i+1), fmt.Sprintf("SELECT x.a, (x.b + y.a) b FROM (w%d x CROSS JOIN w%d y)", i, i), "c.s.t"})
	}
	m, err := harvest(t, planned(t, views), nil)
	if err != nil || len(m.ByEnds["c.s.t -> c.s.w40"].Fields) != 3 {
		t.Error(err, m.Edges)
	}
}

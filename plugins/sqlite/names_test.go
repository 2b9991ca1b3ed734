package sqlite_test

import (
	"strconv"
	"strings"
	"testing"

	harvester "github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/sdk"
)

// TestNames holds names of every kind, each of which has to come back as it is, and
// a table of 2,000 columns, which are the most that SQLite takes.
//
// Bad input: names, not UTF-8, 5,000 columns.
func TestNames(t *testing.T) {
	names := []string{`a "quoted" one`, "it's", "with.dot", "a/b", "🐪", strings.Repeat("ñ", 1000), "Case", `back\slash`, "new\nline", " ", "[x]", "`y`", "drop table x; --"}
	var columns []string
	for i := range 2000 {
		columns = append(columns, "c"+strconv.Itoa(i))
	}
	sql := []string{"create table wide (" + strings.Join(columns, ", ") + ")"}
	for _, name := range names {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		sql = append(sql, "create table "+quoted+" ("+quoted+" int primary key)", "create view "+strings.Replace(quoted, `"`, `"v `, 1)+" as select * from "+quoted)
	}
	m := harvest(t, harvester.Config{Path: file(t, strings.Join(append(sql, "create table \"a\xffb\" (x text)", "create table half (\"c\xfed\" text default 'e\xff', unique (\"c\xfed\"))", "create view w as select * from half"), ";"))})
	for _, name := range names {
		a := m.assets[sdk.JoinName(name)]
		if a == nil || a.ShortName != name || a.Fields[0].Name != name {
			t.Errorf("%q: %+v", name, a)
		}
	}
	for _, r := range m.order {
		if err := sdk.Validate(r); err != nil {
			t.Errorf("%v", err)
		}
	}
	if got := len(m.assets["wide"].Fields); got != 2000 {
		t.Errorf("%d columns", got)
	}
	if half := m.assets["half"]; half.Fields[0].Name != "c\uFFFDd" || m.notes["sqlite.not_utf8"] != "a\uFFFDb" {
		t.Errorf("%+v, %v", half, m.notes)
	}
	if len(m.edges) != len(names)+1 || len(m.notes) != 1 || len(m.done) != 1 {
		t.Errorf("%d views, %v, %v", len(m.edges), m.notes, m.done)
	}
}

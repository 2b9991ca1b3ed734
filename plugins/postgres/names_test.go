package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// TestNames holds names of every kind, each of which has to come back as it is, up
// to the 63 bytes that the server keeps, and the widest table that it takes.
//
// Bad input: names, 5,000 columns.
func TestNames(t *testing.T) {
	s := newDatabase(t, "")
	names := []string{`a "quoted" one`, "it's", "with.dot", "a/b", "🐪", strings.Repeat("ñ", 31), "Case", "case", `back\slash`, "new\nline", " ", "drop table x; --"}
	var sql []string
	for i, name := range names {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		sql = append(sql, "create table "+quoted+" ("+quoted+" int primary key)", fmt.Sprintf("create view v%d as select * from %s", i, quoted))
	}
	var columns []string
	for i := range 1600 {
		columns = append(columns, fmt.Sprintf("c%d bool", i))
	}
	run(t, s.admin, append(sql, "create table wide ("+strings.Join(columns, ", ")+")")...)
	m := s.harvest()
	for i, name := range names {
		a := m.assets[sdk.JoinName(s.database, "public", name)]
		if a == nil || a.ShortName != name || a.Fields[0].Name != name || a.Fields[0].PrimaryKey != 1 || m.columns(s.database, fmt.Sprint("v", i)) == nil {
			t.Errorf("%q: %+v", name, a)
		}
	}
	if got := len(m.assets[s.database+".public.wide"].Fields); got != 1600 || len(m.notes) != 0 {
		t.Errorf("%d columns, %v", got, m.notes)
	}
}

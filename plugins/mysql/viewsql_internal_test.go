package mysql

import (
	"slices"
	"strings"
	"testing"
)

// TestReadView reads spellings of the server, and gives up where it must.
func TestReadView(t *testing.T) {
	for _, c := range []struct{ name, sql, tables, columns string }{
		{"two", "select `d`.`a`.`x` AS `x`,`b`.`y` AS `y` from (`d`.`a` join `e`.`b` `b` on(`d`.`a`.`x` = `b`.`x`))", "d.a e.b", "d.a.x e.b.y"},
		{"words that look like FROM", "select extract(year from `d`.`a`.`x`) AS `y`,trim(both 'from `z`.`z`' from `d`.`a`.`n`) AS `n` from `d`.`a`", "d.a", "d.a.x d.a.n"},
		{"a query in the list", "select (select max(`d`.`b`.`x`) from `d`.`b`) AS `m`,1 AS `one` from `d`.`a`", "d.b d.a", "d.b.x -"},
		{"in the conditions", "select `d`.`a`.`x` AS `x` from `d`.`a` where exists(select 1 from `d`.`b`) and `d`.`a`.`x` in (select `c`.`x` from `d`.`c` `c`)", "d.a d.b d.c", "d.a.x"},
		{"derived", "select `q`.`x` AS `x` from (select `d`.`a`.`x` AS `x` from `d`.`a`) `q`", "d.a", "d.a.x"},
		{"with", "with w as (select `d`.`a`.`x` AS `x` from `d`.`a`), v as (select `w`.`x` AS `x` from `w`)select `v`.`x` AS `x`,`b`.`y` AS `y` from (`v` join `d`.`b` `b`)", "d.a d.b", "d.a.x d.b.y"},
		{"recursive with columns", "with recursive w(`n`) as (select 1 AS `1` union all select `w`.`n` + 1 AS `n` from `w` where `w`.`n` < 5)select `w`.`n` AS `n` from `w`", "", "-"},
		{"union", "select `d`.`a`.`x` AS `x` from `d`.`a` union select `d`.`b`.`x` AS `x` from `d`.`b`", "d.a d.b", "d.a.x+d.b.x"},
		{"commas", "select `d`.`a`.`x` AS `x` from `d`.`a`,`d`.`b` `b` order by `d`.`a`.`x`,`b`.`x`", "d.a d.b", "d.a.x"},
		{"a view below", "select `v`.`x` AS `x` from `d`.`v`", "d.v", "d.v.x"},
		{"a function of the user's", "select `d`.`f`(`d`.`a`.`x`) AS `y` from `d`.`a`", "d.a", "d.a.x"},
		{"twice", "select `l`.`x` AS `x`,`r`.`x` AS `y` from (`d`.`a` `l` join `d`.`a` `r`)", "d.a", "d.a.x d.a.x"},
		{"partitions", "select `d`.`a`.`x` AS `x` from `d`.`a` PARTITION (`p0`,`p1`)", "d.a", "d.a.x"},
		{"a table without its database", "select `a`.`x` AS `x` from `a`", "unknown", ""},
		{"a quote that does not end", "select `d`.`a`.`x` AS `x` from `d`.`a", "unknown", ""},
		{"parentheses that do not end", "select 1 AS `x` from (`d`.`a`", "unknown", ""},
		{"no table", "select 1 AS `x`,'from `d`.`a`' AS `y`", "", "- -"},
		{"nothing", "", "", ""},
	} {
		m := readView(c.sql)
		var tables []string
		for _, o := range m.tables {
			tables = append(tables, o.name.database+"."+o.name.table)
		}
		if !m.known {
			tables = []string{"unknown"}
		}
		if got := strings.Join(tables, " "); got != c.tables {
			t.Errorf("%s: made of %q, want %q", c.name, got, c.tables)
		}
		if got := columnText(m.columns); got != c.columns {
			t.Errorf("%s: columns %q, want %q", c.name, got, c.columns)
		}
	}
}

func columnText(columns []column) string {
	var all []string
	for _, c := range columns {
		var from []string
		for _, of := range c.from {
			from = append(from, of.table.database+"."+of.table.table+"."+of.column)
		}
		switch {
		case !c.known:
			from = []string{"?"}
		case len(from) == 0:
			from = []string{"-"}
		}
		all = append(all, strings.Join(from, "+"))
	}
	return strings.Join(all, " ")
}

// FuzzReadView: no text ends the reader, and what it finds stands in the text.
func FuzzReadView(f *testing.F) {
	f.Add("with w as (select `d`.`a`.`x` AS `x` from `d`.`a`)select `w`.`x` AS `x` from `w`")
	f.Add("select '\\'' from (`a`.`b` `c`,`d`.`e`)")
	f.Fuzz(func(t *testing.T, sql string) {
		for _, o := range readView(sql).tables {
			if !strings.Contains(sql, strings.ReplaceAll(o.name.table, "`", "``")) {
				t.Errorf("%q is not in the text", o.name.table)
			}
		}
	})
}

func TestGrants(t *testing.T) {
	r := parseRights([]string{
		"GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*AA'", "GRANT SELECT, SHOW VIEW ON `shop\\_a`.* TO `u`@`%`",
		"GRANT REFERENCES ON `crm%`.* TO `u`@`%` WITH GRANT OPTION", "GRANT SELECT ON `one`.`table` TO `u`@`%`", "GRANT `role` TO `u`@`%`",
		"GRANT SELECT (`id`) ON `cols`.`t` TO `u`@`%`", "GRANT INSERT ON `tick``ed`.* TO `u`@`%`", "GRANT EXECUTE ON `run`.* TO `u`@`%`",
	})
	var covered []string
	for _, name := range []string{"shop_a", "shopxa", "crm", "crm_2", "one", "cols", "tick`ed", "run", "role"} {
		if r.columns(version{}, name) {
			covered = append(covered, name)
		}
	}
	if !slices.Equal(covered, []string{"shop_a", "crm", "crm_2", "tick`ed"}) || r.everywhere() {
		t.Errorf("covered %v", covered)
	}
}

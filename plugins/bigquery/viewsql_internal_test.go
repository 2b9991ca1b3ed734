package bigquery

import (
	"slices"
	"strings"
	"testing"
)

func TestTablesOf(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM `acme.shop.orders`":                                                                      "acme.shop.orders",
		"select a from shop.orders o join `acme-data`.shop.`lines` l on true":                                   "shop.orders acme-data.shop.lines",
		"select 1 from my-project-1.shop.orders as o, o.items, unnest(o.tags) t":                                "my-project-1.shop.orders",
		"with a as (select * from d.t), `b` as (select * from a) select * from a join b":                        "d.t",
		"select extract(day from d.t.x), trim(both from s), x is distinct from y.z from d.u":                    "d.u",
		"select 'from d.hidden', r'\\'from d.no' from d.t -- from d.comment\n# from d.other\n/* join d.c */":    "d.t",
		"select \"\"\"it's from d.x\"\"\", '''a 'from' d.y''' from d.t where a in (select b from d.u)":          "d.t d.u",
		"select * from (select * from d.a union all select * from d.b), d.c where x = (select max(y) from d.e)": "d.a d.b d.c d.e",
		"select * from d.f(1), ml.predict(model d.m, (select * from d.t))":                                      "d.t",
		"select * from `p.d.events_*` where _table_suffix > '1'":                                                "p.d.events_*",
		"select * from d.INFORMATION_SCHEMA.TABLES join region-eu.INFORMATION_SCHEMA.X":                         "",
		"select * from `example.com:p.d.t`, d.t2 t2 cross join t2.list":                                         "example.com:p.d.t d.t2",
		"select * from (d.a join d.b using (x)), d.c, ((d.e cross join d.f) join d.g on true), d.h":             "d.a d.b d.c d.e d.f d.g d.h",
		"select * from ((select * from d.a order by x, y.z) union all select * from d.b) u, d.c":                "d.a d.b d.c",
		"from d.t |> where x":                        "",
		"select * from d.t order by (select 1), d.x": "d.t",
		"": "",
	} {
		tables, known := tablesOf(sql, false)
		var got []string
		for _, parts := range tables {
			got = append(got, strings.Join(parts, "."))
		}
		if strings.Join(got, " ") != want || !known {
			t.Errorf("%s\n got %q\nwant %q", sql, strings.Join(got, " "), want)
		}
	}
	for _, sql := range []string{"select `a", "select 'a", "select '''a''", "/* a"} {
		if _, known := tablesOf(sql, false); known {
			t.Errorf("%q is taken for known", sql)
		}
	}
	if tables, _ := tablesOf("SELECT * FROM [acme:shop.orders] JOIN [shop.lines]", true); len(tables) != 2 || !slices.Equal(tables[0], []string{"acme", "shop", "orders"}) {
		t.Errorf("of legacy SQL: %v", tables)
	}
}

func FuzzTablesOf(f *testing.F) {
	f.Add("with a as (select r'\\\\' from `x.y` , b-c.d*) select * from a join (b.c")
	f.Fuzz(func(t *testing.T, sql string) {
		tables, _ := tablesOf(sql, false)
		for _, parts := range tables {
			if len(parts) < 2 || slices.Contains(parts, "") {
				t.Fatalf("%q gives %q", sql, parts)
			}
		}
	})
}

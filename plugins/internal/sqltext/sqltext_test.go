package sqltext_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/sqltext"
)

func TestTokens(t *testing.T) {
	mysql := sqltext.Dialect{Names: "`", Texts: `'"`, Backslash: true}
	trino := sqltext.Dialect{Names: `"`, Texts: "'", Lines: true}
	for _, c := range []struct {
		name, sql string
		dialect   sqltext.Dialect
		want      string // kind:text of each; "?" for what does not end
	}{
		{"words and marks", "SELECT a.É1,$x", mysql, "0:select 0:a 3:. 0:é1 3:, 0:$x"},
		{"names", "`a``b` \"c\"", mysql, "1:a`b 2:c"},
		{"other names", `"a""b" 'c''d'`, trino, `1:a"b 2:c'd`},
		{"backslashes", `'it\'s\n' x`, mysql, "2:it's\n 0:x"},
		{"no backslashes", `'\' x`, trino, `2:\ 0:x`},
		{"comments", "a /* from b */ -- from c\nd", trino, "0:a 0:d"},
		{"a comment to the end", "a --", trino, "0:a"},
		{"dashes", "a--1", mysql, "0:a 3:- 3:- 0:1"},
		{"a quote that does not end", "a 'b", trino, "?"},
		{"a comment that does not end", "a /*/", trino, "?"},
		{"a backslash at the end", `'a\`, mysql, "?"},
		{"no UTF-8", "a\xffb", trino, "0:a 3:\xff 0:b"},
		{"nothing", "", trino, ""},
	} {
		all, ok := c.dialect.Tokens(c.sql)
		var got []string
		for _, token := range all {
			got = append(got, fmt.Sprintf("%d:%s", token.Kind, token.Text))
			at := c.sql[token.Start:token.End]
			if quoted := token.Kind == sqltext.Name || token.Kind == sqltext.Literal; !quoted && !strings.EqualFold(at, token.Text) || quoted && at[0] != at[len(at)-1] {
				t.Errorf("%s: %q stands at %q", c.name, token.Text, at)
			}
		}
		text := strings.Join(got, " ")
		if !ok {
			text = "?"
		}
		if text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
	for _, token := range []sqltext.Token{{Kind: sqltext.Name, Text: "from"}, {Kind: sqltext.Literal, Text: "from"}, {Text: "join"}} {
		if token.Is("from") {
			t.Errorf("%+v is taken for the word", token)
		}
	}
}

func TestTables(t *testing.T) {
	d := sqltext.Dialect{Names: `"`, Texts: "'", Lines: true}
	for sql, want := range map[string]string{
		"select * from a, s.b x, c as y join d on true":                         "a s.b c d",
		"SELECT 1 FROM (lake.web.visits v CROSS JOIN lake.sales.c c)":           "lake.web.visits lake.sales.c",
		"select 1 from ((a join b on 1 = 1) left join c using (id))":            "a b c",
		"select 1 from (select 2 from a) x, b":                                  "a b",
		"select 1 from ((select 2 from a) union (select 3 from c)) x (y, z), b": "a c b",
		"select 1 from f(1, (2)) x, b":                                          "b",
		"select 1 from a x (y, z), b where (select 1 from c) > 0":               "a b c",
		"select 1 from (a": "a",
		"select 1 from (with w as (select 1 from a) select * from w) x":                      "a",
		"with w as (select * from a), v (n) as (select 1 from w) select * from v, w":         "a",
		"select extract(day from d), 'from x' from \"A\".\"b c\" where e is distinct from f": "A.b c",
		"select 1 from unnest(array[1]) u, f(1)":                                             "",
		"select ' from a":                                                                    "",
		// joins in parentheses, and what stands behind a join
		"select 1 from (a join b on true), c":                                                   "a b c",
		"select 1 from ((a join b using (x, y)) join (c join d on f(1, 2)) on true), e":         "a b c d e",
		"select 1 from a join b on a.x = b.x and (1, 2) in (select 1, 2 from c), d, e":          "a b c d e",
		"select 1 from a left join b using (x), lateral (select 2 from c, d) y, e":              "a b c d e",
		"select 1 from a, lateral flatten(input => a.x) f, only b":                              "a b",
		"select 1 from ((select 2 from a) x join b on true), c":                                 "a b c",
		"select 1 from ((select 2 from a order by x, y) union select 3 from b) x, c":            "a b c",
		"select 1 from ((select 2 from a) order by x, y) z, c":                                  "a c",
		"select 1 from (values (1, 2), (3, 4)) v (x, y), a":                                     "a",
		"select 1 from a with (nolock), b cross apply (select 2 from c) x outer apply f(1) y":   "a b c",
		"select 1 from a tablesample bernoulli (10), b for system_time as of x, c":              "a b c",
		"select 1 from a where x in (1, 2) group by x, y having 1 > 0 order by x, y limit 1, 2": "a",
		"select 1, x.offset, y from a join b on a.order = b.where, c":                           "a b c",
		"select 1 from a lateral view explode(x) t as k, v join b on true, c":                   "a b c",
		"select sum(x) over (partition by y, z), arr[1, 2] from a join b on a.x[1, 2] = 1, c":   "a b c",
		"select 1 from a x, b y for update of x, y":                                             "a b",
		"insert into t select 1 from a, b on duplicate key update x = 1, y = 2":                 "a b",
		"select 1 from (((a))), ((b cross join c)), d":                                          "a b c d",
	} {
		var got []string
		for _, name := range d.Tables(sql) {
			got = append(got, strings.Join(name, "."))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q", sql, got)
		}
	}
}

// TestDeepQueries take time as their length does.
func TestDeepQueries(t *testing.T) {
	deep := strings.Repeat("select 1 from (", 50_000) + "select 1 from a" + strings.Repeat(")", 50_000)
	if got := (sqltext.Dialect{}).Tables(deep); len(got) != 1 {
		t.Error(len(got))
	}
	if got := (sqltext.Dialect{}).Tables("select 1 from " + strings.Repeat("(a join b on true, ", 50_000) + "c" + strings.Repeat(")", 50_000)); len(got) != 100_001 {
		t.Error(len(got))
	}
	if got := (sqltext.Dialect{}).Tables("select 1 from " + strings.Repeat("(", 500_000)); len(got) != 0 {
		t.Error(len(got))
	}
}

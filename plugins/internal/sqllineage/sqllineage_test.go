package sqllineage_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/sqllineage"
)

// reader knows t(a, b, c), u(a, d), nested(id, item) and open, of which it does
// not know the columns.
func reader(system string) sqllineage.Reader {
	columns := map[string][]string{"t": {"a", "b", "c"}, "u": {"a", "d"}, "nested": {"id", "item"}, "open": nil}
	return sqllineage.Reader{Dialect: sqllineage.DialectOf(system), Paths: system == "bigquery", Find: func(name []string) (sqllineage.Table, bool) {
		last := strings.ToLower(name[len(name)-1])
		list, there := columns[last]
		return sqllineage.Table{ID: last, Columns: list}, there
	}, Inner: func(table, path string) bool { return table == "nested" && path == "item.sku" }}
}

// told writes a result: each column with its origins, "?" for what is unknown. IDENTITY
// is left out, of the other words the first letter stands.
func told(r sqllineage.Result) string {
	if r.Unknown != "" {
		return "?"
	}
	var all []string
	for _, c := range r.Columns {
		var from []string
		for _, o := range c.From {
			way := ""
			if o.How != sqllineage.Identity {
				way = "/" + o.How.String()[:1]
			}
			from = append(from, o.Table+"."+o.Column+way)
		}
		text := c.Name + "=" + strings.Join(from, "+")
		if c.Unknown != "" {
			text = c.Name + "=?"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func check(t *testing.T, system string, cases [][2]string) {
	t.Helper()
	for _, c := range cases {
		r := reader(system).Read(c[0])
		if got := told(r); got != c[1] {
			t.Errorf("%s\n got %s %s\nwant %s", c[0], got, r.Unknown, c[1])
		}
	}
}

func TestColumns(t *testing.T) {
	check(t, "postgres", [][2]string{
		{`select a, t.b as x, "c" y, 1 as one from db.s.t`, "a=t.a x=t.b y=t.c one="},
		{`select a + b as s, lower(c) from t;`, "s=t.a/T+t.b/T =t.c/T"},
		{`select t.*, d from t join u using (a)`, "a=t.a b=t.b c=t.c d=u.d"},
		{`select * from t join u using (a)`, "a=t.a b=t.b c=t.c d=u.d"},
		{`select * from t, u`, "a=t.a b=t.b c=t.c a=u.a d=u.d"},
		{`select a from t, u`, "a=?"},
		{`select id from nested where id like 'x'`, "id=nested.id"},
		{`select d, b from t left join u on t.a = u.a and u.d in (1, 2) where c > 1 group by 1, 2`, "d=u.d b=t.b"},
		{`select x.a from s.t as x`, "a=t.a"},
		{`select s.t.a, t.b from s.t`, "a=t.a b=t.b"},
		{`select t.a from t as x`, "a=?"},
		{`select nothing from t`, "nothing=?"},
		{`select a from elsewhere`, "a=?"},
		{`select a::numeric(10, 2), b::timestamp with time zone as z, c::double precision d from t`, "a=t.a z=t.b d=t.c"},
		{`select cast(a as varchar(3)) as a, extract(year from b) y, b at time zone 'UTC' as u from t`, "a=t.a/T y=t.b/T u=t.b/T"},
		{`select case when a > 1 then b else c end as x from t`, "x=t.a/C+t.b/T+t.c/T"},
		{`select case a when 1 then b end x from t`, "x=t.a/C+t.b/T"},
		{`select sum(a) filter (where b > 1) s, count(*) n, count(distinct c) k from t`, "s=t.a/A+t.b/C n= k=t.c/A"},
		{`select row_number() over (partition by a order by b desc nulls last rows between 1 preceding and current row) as n, lag(c) over (order by a) l from t`, "n=t.a/W+t.b/W l=t.c/T+t.a/W"},
		{`select md5(a) m, encode(sha256(b::bytea), 'hex') as s, a from t`, "m=t.a/M s=t.b/M a=t.a"},
		{`select md5(a) || a as both from t`, "both=t.a/T"},
		{`select coalesce(t.a, u.a) a from t full outer join u on true`, "a=t.a/T+u.a/T"},
		{`select interval '1' day as i, date '2026-01-01' d, current_date today, null as n, true as y from t`, "i= d= today= n= y="},
		{`select to_json(t) j, t.c.part as p from t`, "j=t.a/T+t.b/T+t.c/T p=t.c"},
		{`select a is distinct from b as x from t`, "x=t.a/T+t.b/T"},
		{`select 'a''b' as "from", a "select" from t`, "from= select=t.a"},
		{`select /* b */ a -- , c` + "\n from t", "a=t.a"},
		{`select 1.5 + a as x, .5 y, 1e3 z from t`, "x=t.a/T y= z="},
	})
}

func TestQueriesInQueries(t *testing.T) {
	check(t, "postgres", [][2]string{
		{`with x as (select a, b as k from t), y as (select x.*, k + 1 as l from x) select * from y`, "a=t.a k=t.b l=t.b/T"},
		{`with x(p, q) as materialized (select a, b from t) select q from x`, "q=t.b"},
		{`with t as (select a as b from t) select b from t`, "b=?"},
		{`with recursive r as (select a, b from t union all select t.a, r.b from t join r on r.a = t.b) select * from r`, "a=t.a b=t.b"},
		{`select z from (select a + 1 as z from (select a from t) i) o`, "z=t.a/T"},
		{`select s.z from t, lateral (select t.a as z) s`, "z=t.a"},
		{`select a, (select max(d) from u where u.a = t.a) as m, exists (select 1 from u) e from t`, "a=t.a m=u.d/A e="},
		{`select b in (select d from u) as x from t`, "x=t.b/T+u.d/T"},
		{`select a from t union all select d from u`, "a=t.a+u.d"},
		{`select a, b from t union select a from t`, "?"},
		{`(select a from t) intersect (select a from u) order by 1 limit 3`, "a=t.a+u.a"},
		{`select a from t except select d from u`, "a=t.a"},
		{`select * from (values (1, 2), (3, 4)) as v(x, y)`, "x= y="},
		{`select * from (t join u on t.a = u.a)`, "a=t.a b=t.b c=t.c a=u.a d=u.d"},
		{`select b, d, item from (t join u on t.a = u.a), nested`, "b=t.b d=u.d item=nested.item"},
		{`select b, d, item, x from ((t join u using (a)) cross join (nested)), lateral (select c as x) l`, "b=t.b d=u.d item=nested.item x=t.c"},
		{`select * from open`, "?"},
		{`with s as (select * from open) select id, upper(name) as name from s`, "id=open.id name=open.name/T"},
		{`with s as (select *, a as z from open) select z, b from s`, "z=open.a b=open.b"},
		{`with s as (select t.*, open.* from t join open on true) select b, other from s`, "b=t.b other=open.other"},
		{`select id from open join open o2 on true`, "id=?"},
		{`select open.id, b from open join t on true`, "id=open.id b=t.b"},
		{`with recursive r(n, k) as (select 1, a from t union all select n + 1, k from r) select n, k from r`, "n= k=t.a"},
		{`with a as (select 1), b as (select x from a) select x from b`, "x=?"},
		{`select x from generate_series(1, 10) as x`, "x="},
		{`select u.x from t cross join lateral unnest(t.c) as u(x)`, "x=t.c/T"},
		{`select x from some_function(1) as x`, "x=?"},
		{`create view "v" (p, "q") as select a, b from t with check option`, "p=t.a q=t.b"},
		{`create or replace view v as (select a from t)`, "a=t.a"},
	})
}

func TestDialects(t *testing.T) {
	check(t, "bigquery", [][2]string{
		{"select * except (b) from `my-project.ds.t`", "a=t.a c=t.c"},
		{"select * replace (upper(b) as b), \"text\" as x from my-project.ds.t # why", "a=t.a b=t.b/T c=t.c x="},
		{"select id, i as x, i.part y from nested, unnest(item) as i with offset as o", "id=nested.id x=nested.item/T y=nested.item/T"},
		{"select a, from t qualify row_number() over (partition by a order by b) = 1", "a=t.a"},
		{"select date_trunc(a, month) m, date_diff(b, c, day) d, struct(a as k) s, array[a] r from t", "m=t.a/T d=t.b/T+t.c/T s=t.a/T r=t.a/T"},
		{"select as struct a from t", "a=t.a"},
		{"select as value a from t", "?"},
		{"select array(select as struct a, b from t) as l, x.a as i from (select as struct a, b from t) x", "l=t.a/T+t.b/T i=t.a"},
		{"select id, lines.sku as l, o.item.sku, nothing.x as n from nested o, o.lines, unnest(o.item) as item", "id=nested.id l=? sku=nested.item.sku n=?"},
		{"select i.sku as s, i.other as o, item.sku.more as m, nested.item.sku as n, i from nested, nested.item as i", "s=nested.item.sku/T o=nested.item/T m=nested.item.sku n=nested.item.sku i=nested.item/T"},
		{"select x.sku as s from (select struct(item as sku) as x from nested)", "s=nested.item/T"},
		{"select x.sku as s, y.x as z from (select item as x from nested), unnest([struct(1 as x)]) as y", "s=nested.item.sku z="},
		{"select struct<a int64, b array<string>>(b, [c]) as s, array<struct<a string>>[(b)] as r from t", "s=t.b/T+t.c/T r=t.b/T"},
		{"select array_agg(a ignore nulls order by b limit 1)[safe_offset(0)] as x, date_trunc(c, week(monday)) w from t", "x=t.a/A+t.b/A w=t.c/T"},
		{"select \"\"\"it's a\" \"\"from u \"\"\" as x, r'\\'' as y, a from t", "x= y= a=t.a"},
		{"from t |> where a > 1 |> select b", "?"},
		{"select a, count(b) over w as n, first_value(a) over (w rows 1 preceding) f from t window v as (order by c), w as (partition by c)", "a=t.a n=t.b/A+t.c/W f=?"},
		{"select sum(a) over w as s from t window w as (order by sum(b) over w)", "s=?"},
		{"select array(select d from u) as l, to_hex(sha256(a)) h from t for system_time as of timestamp '2026-01-01' where true", "l=u.d/T h=t.a/M"},
		{"select * from t pivot (sum(a) for b in ('x'))", "?"},
		{"select safe_cast(a as array<struct<x int64, y string>>) as z from t", "z=t.a/T"},
	})
	check(t, "snowflake", [][2]string{
		{`select a:k.l::string as v, f.value:id::int as i, $$it's$$ as x from t, lateral flatten(input => t.c) f`, "?"},
		{`select a:k.l::string as v, f.value:id::int as i from t, lateral flatten(input => t.c) f`, "v=t.a/T i=t.c/T"},
		{`select a as x, x + 1 as y from t`, "x=t.a y=t.a/T"},
		{`select * exclude (a, b) rename (c as z) from t`, "z=t.c"},
		{`select * exclude a from t sample (10)`, "b=t.b c=t.c"},
		{`select datediff(day, a, b) as d, iff(a = 1, b, c) as i, dateadd('month', 1, c) m from t at (offset => -60)`, "d=t.a/T+t.b/T i=t.a/T+t.b/T+t.c/T m=t.c/T"},
		{`select listagg(a, ',') within group (order by b) as l from t`, "l=t.a/A+t.b/T"},
		{`select a from t union all by name select d, a from u`, "a=t.a+u.a d=u.d"},
	})
	check(t, "trino", [][2]string{
		{"SELECT\n  o.a\n, \"T\".\"d\" D\nFROM\n  (lake.s.t o\nINNER JOIN lake.s.u \"T\" ON (o.a = \"T\".a))\nWHERE (o.b > (SELECT min(a)\nFROM\n  lake.s.u\n))\n", "a=t.a D=u.d"},
		{`select a, x, n from t cross join unnest(b, c) with ordinality as q (x, y, n)`, "a=t.a x=t.b/T+t.c/T n=t.b/T+t.c/T"},
		{`select * from t cross join unnest(b) q (x)`, "a=t.a b=t.b c=t.c x=t.b/T"},
		{`select transform(a, x -> (x + b)) f, reduce(a, 0, (s, x) -> s + x, s -> s) r, filter(c, (x) -> x.y > 1) g, map_filter(a, (k, v) -> v > c) m from t`, "f=t.a/T+t.b/T r=t.a/T g=t.c/T m=t.a/T+t.c/T"},
		{`select "if"((a = 1), b, U&'\4F60') i, TRY_CAST(a AS row(x bigint, y double)) c, b[1] AS e, (c).x as d from t`, "i=t.a/T+t.b/T c=t.a/T e=t.b/T d=t.c/T"},
		{`select x from (values row(1, 'a')) v (x, y)`, "x="},
		{`select a from t for version as of 12 tablesample bernoulli (10)`, "a=t.a"},
		{`select x from json_table(a, 'lax $' columns (x int path '$'))`, "x=?"},
		{`select * from table(system.f(a => 1))`, "?"},
		{`select a, grouping(a) g from t group by grouping sets ((a), ())`, "a=t.a g=t.a/T"},
	})
	check(t, "postgres", [][2]string{{`select upper(a -> b) as x, f((a)->c) as y from t`, "x=t.a/T+t.b/T y=t.a/T+t.c/T"}})
	check(t, "spark", [][2]string{
		{"select a, e from t lateral view explode(c) x as e where a > 0", "a=t.a e=t.c/T"},
		{"select transform(c, x -> x + a) as l from default.t", "l=t.c/T+t.a/T"},
		{"select a from t left anti join u on t.a = u.a", "a=t.a"},
	})
	check(t, "duckdb", [][2]string{
		{`from t`, "a=t.a b=t.b c=t.c"},
		{`select a, x.range as r from t, range(3) as x`, "a=t.a r="},
		{`select {'k': a} as s, [b] as l, c[1:2] as p from t`, "s=t.a/T l=t.b/T p=t.c/T"},
		{`select a from 'file.csv'`, "a=?"},
		{`select {{ x }} as y from t`, "y=?"},
	})
	check(t, "sqlserver", [][2]string{{"select top 10 [a] as [x y], t.[b] from [dbo].[t] as t cross apply (select d from u) v", "x y=t.a b=t.b"}})
	check(t, "mysql", [][2]string{{"select `x.t`.`a` from `x.t`", "a=?"}, {"select `t`.`a` AS `x`, group_concat(`t`.`b` order by `t`.`c` separator ',') AS `g` from (`db`.`t` join `db`.`u` on(`t`.`a` = `u`.`a`))", "x=t.a g=t.b/A+t.c/A"}})
}

// TestInto: by place where there are as many columns, and else by name.
func TestInto(t *testing.T) {
	for _, c := range []struct{ sql, view, want, why string }{
		{"select a + 1, b as y from t", "x z", "map[t:[{a x TRANSFORMATION} {b z IDENTITY}]]", ""},
		{"select a, b as y from t", "Y", "map[t:[{b Y IDENTITY}]]", "the SQL has not the columns that the view has"},
		{"select a, q from t", "x y", "map[t:[{a x IDENTITY}]]", "it is not known of which table q is"},
		{"select", "x", "map[]", "a SELECT without columns"},
	} {
		flows, why := reader("postgres").Read(c.sql).Into(strings.Fields(c.view))
		if got := fmt.Sprint(flows); got != c.want || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%s: got %s, %q", c.sql, got, why)
		}
	}
}

// TestNoGuess: what is no query, is broken or is not understood has no columns.
func TestNoGuess(t *testing.T) {
	for _, sql := range []string{
		"", ";", "select", "select from t", "select a from", "select a from t where (", "select 'a", "/*", "insert into t select 1", "select a from t; drop table t",
		"def model(dbt, session):\n  return dbt.ref('x')", "with x as select 1 select 2", "with x as (delete from t returning a) select a from x", "select a from t)", "(select a from t",
		"select a from t natural join u", "select * from t x natural join u", "select * from (t join u on true) as j", "values", "\xff\xfe", "select \x00", "create view v as",
	} {
		r := reader("postgres").Read(sql)
		if r.Unknown == "" && (len(r.Columns) != 1 || r.Columns[0].Unknown == "") {
			t.Errorf("%q: %s", sql, told(r))
		}
	}
}

// TestBounds: whatever the text, the time and the memory are bounded.
func TestBounds(t *testing.T) {
	doubled := []string{"with c0 as (select a, b from t)"}
	for i := range 30 {
		doubled = append(doubled, fmt.Sprintf("c%d as (select x.*, y.* from c%d x, c%d y)", i+1, i, i))
	}
	for name, sql := range map[string]string{
		"1 MiB":               "select " + strings.Repeat("a+", 512<<10) + "a from t",
		"just below":          "select " + strings.Repeat("a+", 255<<10) + "a from t",
		"parentheses":         "select " + strings.Repeat("(", 10_000) + "a" + strings.Repeat(")", 10_000) + " from t",
		"parentheses of FROM": "select a from " + strings.Repeat("(", 10_000) + "t" + strings.Repeat(")", 10_000),
		"queries":             strings.Repeat("select a from (", 10_000) + "select a from t" + strings.Repeat(") x", 10_000),
		"queries of columns":  strings.Repeat("select (", 10_000) + "select a from t" + strings.Repeat(") x", 10_000),
		"open":                strings.Repeat("(", 200_000),
		"closed":              strings.Repeat(")", 200_000),
		"cases":               "select " + strings.Repeat("case when ", 40_000) + "a from t",
		"a union":             strings.Repeat("select a from t union all ", 15_000) + "select a from t",
		"columns":             "select " + strings.Repeat("a,", 200_000) + "a from t",
		"tables":              "select a from t" + strings.Repeat(",t", 100_000),
		"stars":               "select " + strings.Repeat("*,", 100_000) + "1 from t" + strings.Repeat(",t", 1000),
		"names":               "select " + strings.Repeat("x.", 200_000) + "x from t",
		"twice and twice":     strings.Join(doubled, ", ") + " select * from c30",
		"casts":               "select a" + strings.Repeat("::int", 50_000) + " from t",
		"many casts":          "select " + strings.Repeat("a::int x, ", 25_000) + "a from t",
		"quotes":              strings.Repeat(`"`, 300_001),
		"with":                "with " + strings.Repeat("x as (select 1 as a), ", 20_000) + "y as (select a from x) select a from y",
		"types":               "select " + strings.Repeat("struct<", 70_000) + "a from t",
		"windows":             "select " + strings.Repeat("sum(a) over w, ", 20_000) + "a from t window w as (order by " + strings.Repeat("a,", 1000) + "a)",
		"lambdas":             "select f(" + strings.Repeat("x -> x, ", 30_000) + "1) from t",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		r := reader("postgres").Read(sql)
		runtime.ReadMemStats(&after)
		took, mib := time.Since(start), (after.TotalAlloc-before.TotalAlloc)>>20
		t.Logf("%s: %v, %d MiB", name, took, mib)
		if large := strings.HasPrefix(name, "twice"); large && !strings.Contains(r.Unknown, "too many") {
			t.Errorf("%s: %.200s %d", name, r.Unknown, len(r.Columns))
		}
		if took > time.Minute || mib > 512 {
			t.Errorf("%s: took %v and %d MiB", name, took, mib)
		}
	}
}

package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

// columns lists which column of the view is made of which, in short.
func (m *memory) columns(database, view string) []string {
	var list []string
	for _, r := range m.order {
		e, ok := r.(*sdk.Edge)
		if !ok || e.To.Name != database+".public."+view {
			continue
		}
		for _, f := range e.Fields {
			list = append(list, strings.TrimPrefix(e.From.Name, database+".public.")+"."+f.From+" > "+f.To+" "+strings.ToLower(f.Transform[:2]))
		}
	}
	slices.Sort(list)
	return list
}

// TestColumnsOfViews asks a real server for the rules of views of all shapes.
func TestColumnsOfViews(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create table a (gone int, id int, x int, y text); alter table a drop gone; create table b (id int, x int, z text[], j jsonb)",
		`create table "odd (}{""\" ("co l)" int)`,
		"create table p (id int, d int) partition by list (d); create table p1 partition of p for values in (1); create table p2 partition of p for values in (2)")
	for view, c := range map[string]struct {
		query string
		want  []string
	}{
		"plain":     {"select id, x as named, y from a", []string{"a.id > id id", "a.x > named id", "a.y > y id"}},
		"computed":  {"select x + 1 as n, coalesce(x, id) c, 7 as seven, upper(y || 'x') u, case when id > 1 then y end k from a", []string{"a.id > c tr", "a.id > k tr", "a.x > c tr", "a.x > n tr", "a.y > k tr", "a.y > u tr"}},
		"grouped":   {"select y, count(*) n, sum(x) total, max(x) + min(id) m from a group by y", []string{"a.id > m ag", "a.x > m ag", "a.x > total ag", "a.y > y id"}},
		"windowed":  {"select id, row_number() over (order by y) r, lag(x) over (partition by y) l from a", []string{"a.id > id id", "a.x > l ag"}},
		"joined":    {"select id, a.x, b.x as bx, a.x + b.x s from a join b using (id)", []string{"a.id > id id", "a.x > s tr", "a.x > x id", "b.x > bx id", "b.x > s tr"}},
		"full_join": {"select id from a full join b using (id)", []string{"a.id > id tr", "b.id > id tr"}},
		"nested":    {"select q.n from (select x * 2 as n from (select x from a) i) q", []string{"a.x > n tr"}},
		"with_cte":  {"with w as (select id, x from a), v as (select id, x from w) select v.x, w.id from v join w using (id)", []string{"a.id > id id", "a.x > x id"}},
		"unions":    {"select id, x from a union all select x, id from b union select 1, 2", []string{"a.id > id id", "a.x > x id", "b.id > x id", "b.x > id id"}},
		"recursive": {"with recursive r(n, d) as (select id, 0 from a union all select b.x, r.d + 1 from r join b on b.id = r.n) select n, d from r", []string{"a.id > n id", "b.x > n id"}},
		"scalar":    {"select (select max(b.x) from b where b.id = a.id) m, exists (select from b) e from a", []string{"b.x > m ag"}},
		"sideways":  {"select l.v, u.e from b, lateral (select b.x + 1 as v) l, unnest(b.z) u(e)", []string{"b.x > v tr", "b.z > e tr"}},
		"json":      {"select j ->> 'k' as k, jsonb_array_elements(j) as el from b", []string{"b.j > el tr", "b.j > k tr"}},
		"odd":       {`select "co l)" as "o""ut" from "odd (}{""\"`, []string{`odd (}{"\.co l) > o"ut id`}},
		"parts":     {"select id from p1 union all select id from p2", []string{"p.id > id id"}},
		"constant":  {"select 1 as one", nil},
		"system":    {"select oid from pg_class", nil},
		"whole_row": {"select a, id from a", []string{"a.id > id id"}},
		"first":     {"select distinct on (y) y, x from a order by y, id desc limit 3", []string{"a.x > x id", "a.y > y id"}},
	} {
		t.Run(view, func(t *testing.T) {
			run(t, s.admin, "create view "+view+" as "+c.query)
			got := s.harvest().columns(s.database, view)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], s.database+".public.", "")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestColumnsOfAViewOverAView end at the view that is read, as its edges do.
func TestColumnsOfAViewOverAView(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create table a (x int); create view v as select x + 1 as y from a; create materialized view m as select y as z from v")
	m := s.harvest()
	if diff := cmp.Diff([]string{"v.y > z id"}, m.columns(s.database, "m")); diff != "" {
		t.Error(diff)
	}
	run(t, s.admin, "create or replace view v as select x + 1 as y, x from a; alter view v rename y to why; alter table a rename x to ex")
	if diff := cmp.Diff([]string{"a.ex > why tr", "a.ex > x id"}, s.harvest().columns(s.database, "v")); diff != "" {
		t.Error(diff)
	}
}

package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWritesAreNoLineage: only a view's own rule says what it is made of.
func TestWritesAreNoLineage(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create table base (id int); create table journal (at timestamptz, id int); create view v as select id from base",
		"create rule i as on insert to v do instead insert into journal values (now(), new.id)",
		"create rule u as on update to v do also insert into journal values (now(), new.id)",
		"create rule d as on delete to v do instead delete from journal where id = old.id",
		"create table t (id int); create rule r as on insert to t do also insert into journal values (now(), new.id)",
		"create materialized view m as select id from v")
	var got []string
	for _, e := range s.harvest().edges {
		got = append(got, strings.ReplaceAll(e, s.database+".public.", ""))
	}
	if diff := cmp.Diff([]string{"v -> m", "base -> v"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestDomainsThatRefuseNull do so in tables, and not in what is made of them.
func TestDomainsThatRefuseNull(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create domain d as text not null; create domain d2 as d; create domain d3 as d2 check (value <> ''); create domain free as text; create domain free2 as free",
		"create domain list as int[] not null; create domain late as text; create domain late2 as late; alter domain late set not null",
		"create table t (k int primary key, a d, b d2, c d3, f free2, l list, z late2, n text not null, o d2[]) ",
		"create table other (k int); create view outer_v as select t.a, t.b, t.n from other left join t using (k); create view inner_v as select a, n from t",
		"create materialized view m as select b from t; create table p (k int, b d2) partition by list (k)")
	nullable := map[string]bool{}
	for name, a := range s.harvest().assets {
		for _, f := range a.Fields {
			nullable[strings.TrimPrefix(name, s.database+".public.")+"."+f.Name] = f.Nullable
		}
	}
	want := map[string]bool{
		"t.k": false, "t.a": false, "t.b": false, "t.c": false, "t.f": true, "t.l": false, "t.z": false, "t.n": false, "t.o": true,
		"other.k": true, "outer_v.a": true, "outer_v.b": true, "outer_v.n": true, "inner_v.a": true, "inner_v.n": true, "m.b": true,
		"p.k": true, "p.b": false,
	}
	if diff := cmp.Diff(want, nullable); diff != "" {
		t.Error(diff)
	}
}

// TestPartitionsElsewhere are a part of their table in whatever schema they stand.
func TestPartitionsElsewhere(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create schema app; create schema parts; create table app.ev (id bigint, day date, primary key (id, day)) partition by range (day)",
		"create table parts.ev_2024 partition of app.ev for values from ('2024-01-01') to ('2025-01-01')",
		"create table parts.ev_2025 partition of app.ev for values from ('2025-01-01') to ('2026-01-01') partition by range (day)",
		"create table parts.ev_2025_a partition of parts.ev_2025 for values from ('2025-01-01') to ('2025-07-01')",
		"insert into app.ev select i, date '2024-01-01' + i % 300 from generate_series(1, 4000) i; insert into app.ev select i, date '2025-02-01' from generate_series(1, 1000) i",
		"create table parts.loose (i int); create view app.old as select * from parts.ev_2024; create view app.new as select * from parts.ev_2025_a",
		"create table app.note (id bigint, day date, foreign key (id, day) references parts.ev_2024); analyze",
		"grant usage on schema app, parts to "+s.role)
	name := func(n string) string { return s.database + "." + n }

	s.config.Include = []string{"app"}
	m := s.harvest()
	if diff := cmp.Diff([]string{"app.ev day", "app.ev id", "app.new day", "app.new id", "app.note day", "app.note id", "app.old day", "app.old id"}, m.seen(s.database)); diff != "" {
		t.Error(diff)
	}
	ev := m.assets[name("app.ev")]
	if ev.Rows == nil || *ev.Rows != 5000 || ev.Properties["partitions"] != "2" {
		t.Errorf("rows %v, %v", ev.Rows, ev.Properties)
	}
	var names []string
	for _, a := range ev.Aliases {
		names = append(names, strings.TrimPrefix(a.Name, s.database+"."))
	}
	if diff := cmp.Diff([]string{"parts.ev_2024", "parts.ev_2025", "parts.ev_2025_a"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{name("app.ev") + " -> " + name("app.new"), name("app.ev") + " -> " + name("app.old")}, m.edges); diff != "" {
		t.Error(diff)
	}
	if got := m.assets[name("app.note")].ForeignKeys[0].ToName; got != name("app.ev") {
		t.Errorf("the key leads to %s", got)
	}

	s.config.Include = []string{"parts"} // their table is somebody else's business: they stand for themselves
	if diff := cmp.Diff([]string{"parts.ev_2024", "parts.ev_2025", "parts.loose"}, assetsOf(s)); diff != "" {
		t.Error(diff)
	}

	s.config.Include, s.config.Partitions = []string{"app"}, "list"
	m = s.harvest()
	if ev := m.assets[name("app.ev")]; *ev.Rows != 5000 || ev.Properties["partitions"] != "2" || ev.Aliases != nil || m.assets[name("parts.ev_2024")] != nil {
		t.Errorf("listed, and of this schema alone: %+v", ev)
	}

	s.config.Include = nil
	want := []string{
		name("parts.ev_2025_a") + " -> " + name("app.new"), name("parts.ev_2024") + " -> " + name("app.old"),
		name("parts.ev_2024") + " -> " + name("app.ev"), name("parts.ev_2025") + " -> " + name("app.ev"), name("parts.ev_2025_a") + " -> " + name("parts.ev_2025"),
	}
	m = s.harvest()
	if diff := cmp.Diff(want, m.edges); diff != "" {
		t.Error(diff)
	}
	for part, whole := range map[string]string{"parts.ev_2025_a": "parts.ev_2025", "parts.ev_2024": "app.ev"} {
		if got := m.assets[name(part)].Properties["partition_of"]; got != name(whole) {
			t.Errorf("%s is a partition of %q, want %q", part, got, name(whole))
		}
	}
}

func assetsOf(s *shop) []string {
	s.t.Helper()
	var names []string
	for name := range s.harvest().assets {
		names = append(names, strings.TrimPrefix(name, s.database+"."))
	}
	slices.Sort(names)
	return names
}

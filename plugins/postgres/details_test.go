package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

func TestWhatHoldsTheTables(t *testing.T) {
	s := newShop(t)
	run(t, s.admin, "comment on database "+s.database+" is 'All of the shop.'")
	m := s.harvest()
	shop, crm := m.holders[s.database], m.holders[s.database+".crm"]
	if shop == nil || shop.Kind != "DATABASE" || shop.Description != "All of the shop." || shop.Parent != nil || shop.Reference || shop.OwnerRoles[0] != s.owner() {
		t.Errorf("the database: %+v", shop)
	}
	if crm == nil || crm.Kind != "SCHEMA" || crm.Description != "Who buys from us." || crm.Parent.Name != s.database || len(m.holders) != 6 { // public, too
		t.Errorf("a schema: %+v among %d", crm, len(m.holders))
	}
	if a := m.assets[s.database+".crm.customer"]; a.Parent == nil || *a.Parent != crm.ID {
		t.Errorf("a table is held by %v", a.Parent)
	}
	s.config.Include = []string{"crm", "stock"}
	m = s.harvest()
	if shop = m.holders[s.database]; !shop.Reference || shop.Scope != "schema:"+s.database+".crm" || len(m.holders) != 3 {
		t.Errorf("who reads some schemas claims the database: %+v among %d", shop, len(m.holders))
	}
}

// TestARenameLeavesTheStableID as it is.
func TestARenameLeavesTheStableID(t *testing.T) {
	s := newShop(t)
	before := s.harvest()
	run(t, s.admin, "alter table crm.country rename to land; alter schema stock rename to store")
	after := s.harvest()
	if a, b := before.assets[s.database+".crm.country"], after.assets[s.database+".crm.land"]; a.StableID == "" || a.StableID != b.StableID {
		t.Errorf("a table had %q and has %q", a.StableID, b.StableID)
	}
	if a, b := before.holders[s.database+".stock"], after.holders[s.database+".store"]; a.StableID == "" || a.StableID != b.StableID {
		t.Errorf("a schema had %q and has %q", a.StableID, b.StableID)
	}
	ids := map[string]bool{}
	for _, r := range after.order {
		if a, ok := r.(*sdk.Asset); ok {
			if ids[a.StableID] {
				t.Errorf("two have %s", a.StableID)
			}
			ids[a.StableID] = true
		}
	}
}

// TestNewerKinds makes what only newer servers have, where the server is one.
func TestNewerKinds(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create table t (id int not null, day date, w int generated always as (id * 3) stored)")
	fields, constraints := []string{"", "", "generated always as ((id * 3))"}, []sdk.Constraint(nil)
	if s.count("select current_setting('server_version_num')::int") >= 18_00_00 {
		run(t, s.admin, "alter table t add v int generated always as (id * 2) virtual, add constraint named not null day not valid, add constraint positive check (id > 0) not enforced")
		fields = append(fields, "generated always as ((id * 2)) virtual")
		constraints = []sdk.Constraint{{Name: "positive", Kind: sdk.Check, Fields: []string{"id"}, Expression: "(id > 0) NOT ENFORCED"}}
	}
	got := s.harvest().assets[s.database+".public.t"]
	var defaults []string
	for _, f := range got.Fields {
		defaults = append(defaults, f.Default)
	}
	if diff := cmp.Diff(fields, defaults) + cmp.Diff(constraints, got.Constraints); diff != "" || got.Fields[0].Nullable || !got.Fields[1].Nullable {
		t.Error(diff)
	}
}

func TestConstraintsIndexesAndEnums(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create type mood as enum ('sad', 'ok', 'né'); create domain feeling as mood not null",
		"create table t (id int primary key, a int constraint positive check (a > 0), b text, m mood, f feeling, l mood[], constraint pair unique (b, a))",
		"alter table t add constraint later check (b <> '') not valid",
		"create index by_b on t using hash (b); create unique index lower_b on t (lower(b), a) where a > 1; create index inc on t (b) include (a)")
	got := s.harvest().assets[s.database+".public.t"]
	if diff := cmp.Diff([]sdk.Constraint{
		{Name: "later", Kind: sdk.Check, Fields: []string{"b"}, Expression: "(b <> ''::text) NOT VALID"},
		{Name: "pair", Kind: sdk.Unique, Fields: []string{"b", "a"}},
		{Name: "positive", Kind: sdk.Check, Fields: []string{"a"}, Expression: "(a > 0)"},
	}, got.Constraints); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]sdk.Index{
		{Name: "by_b", Fields: []string{"b"}, Method: "hash"},
		{Name: "inc", Fields: []string{"b"}, Method: "btree"},
		{Name: "lower_b", Fields: []string{"a"}, Unique: true, Expression: "lower(b) WHERE (a > 1)", Method: "btree"},
		{Name: "pair", Fields: []string{"b", "a"}, Unique: true, Method: "btree"},
	}, got.Indexes); diff != "" {
		t.Error(diff)
	}
	want := []string{"sad", "ok", "né"}
	for i, values := range [][]string{nil, nil, nil, want, want, nil} {
		if diff := cmp.Diff(values, got.Fields[i].Values); diff != "" {
			t.Error(got.Fields[i].Name, diff)
		}
	}
}

// TestOddityOfOtherHarvesters holds what others are known to stumble over: a
// column of the type tid, one with a line break in its name, and a view over
// the server's own catalogue (OpenMetadata 22911 and 18417).
func TestOddityOfOtherHarvesters(t *testing.T) {
	s := newDatabase(t, "")
	odd := "two\nlines"
	run(t, s.admin, `create table t (at tid, "`+odd+`" int check ("`+odd+`" > 0), u uuid unique)`, `create index on t ("`+odd+`")`,
		`create view v as select "`+odd+`" as one, u from t`, "create view own as select t.typname, r.relname from pg_type t, pg_class r")
	m := s.harvest()
	a := m.assets[s.database+".public.t"]
	if len(m.notes) != 0 || len(m.done) != 1 || a.Fields[0].NativeType != "tid" || a.Fields[1].Name != odd || a.Constraints[0].Fields[0] != odd || a.Indexes[0].Fields[0] != odd {
		t.Errorf("got %+v, %+v", a, m.notes)
	}
	if diff := cmp.Diff([]string{"t.two\nlines > one id", "t.u > u id"}, m.columns(s.database, "v")); diff != "" {
		t.Error(diff)
	}
	if own := m.assets[s.database+".public.own"]; own == nil || len(own.Fields) != 2 || m.columns(s.database, "own") != nil {
		t.Errorf("got %+v", own)
	}
}

func TestDefinitionsOfViews(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create table base (id int); create view v as select id + 1 as next from base; create materialized view m as select next from v")
	m := s.harvest()
	for name, want := range map[string]string{"v": "public.base", "m": "public.v"} {
		if a := m.assets[s.database+".public."+name]; a.DefinitionLanguage != "sql" || !strings.HasPrefix(a.Definition, "SELECT ") || !strings.HasSuffix(a.Definition, want) {
			t.Errorf("%s: %q", name, a.Definition)
		}
	}
	if a := m.assets[s.database+".public.base"]; a.Definition != "" || a.DefinitionLanguage != "" {
		t.Errorf("a table is made by %q", a.Definition)
	}
}

func TestSizes(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create table big (id int primary key, t text); alter table big alter t set storage external",
		"insert into big select i, repeat('x', 10000) from generate_series(1, 200) i; create table none (id int); create view v as select 1 as one", "vacuum analyze big")
	m := s.harvest()
	size, real := m.assets[s.database+".public.big"].Bytes, int64(s.count("select pg_table_size('big') + pg_indexes_size('big')"))
	if size == nil || *size < real*8/10 || *size > real*12/10 {
		t.Errorf("got %v, and it takes %d", size, real)
	}
	if a, v := m.assets[s.database+".public.none"], m.assets[s.database+".public.v"]; a.Bytes != nil || v.Bytes != nil {
		t.Errorf("nothing takes %v and %v", a.Bytes, v.Bytes)
	}
}

// TestUsage counts reads, as far as the server counts them.
func TestUsage(t *testing.T) {
	s := newDatabase(t, "")
	run(t, s.admin, "create table read (id int primary key); create table spared (id int)")
	if a := s.harvest().assets[s.database+".public.read"]; a.Usage != nil {
		t.Errorf("nobody has asked, and it is used %+v", a.Usage)
	}
	s.config.Usage = "count"
	for range 123 {
		run(t, s.admin, "select from read")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		run(t, s.admin, "select 1") // a server tells of its reads a second later, with the next statement
		m := s.harvest()
		read, spared := m.assets[s.database+".public.read"].Usage, m.assets[s.database+".public.spared"].Usage
		if read != nil && spared != nil && read.Reads == 120 && spared.Reads == 0 && read.Users == 0 && read.To.IsZero() {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v and %+v, want 120 reads and none", read, spared)
		}
	}
	run(t, s.admin, "alter database "+s.database+" set track_counts = off")
	if a := s.harvest().assets[s.database+".public.read"]; a.Usage != nil {
		t.Errorf("nothing is counted, and it is used %+v", a.Usage)
	}
}

// TestAServerThatTakesItsTime is waited for, and who looks on is told.
func TestAServerThatTakesItsTime(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newDatabase(t, "")
	tx, err := s.admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "lock table pg_description in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	signs := make(chan string, 100)
	ended := make(chan error, 1)
	source := open(t, s.config)
	go func() { ended <- source.Harvest(t.Context(), sdk.Request{}, patient{newMemory(), signs}) }()
	select {
	case what := <-signs:
		if what != "reading the catalogue" {
			t.Errorf("it says %q", what)
		}
	case err := <-ended:
		t.Errorf("it ends without a sign: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// patient is a sink that passes on what it is told of progress.
type patient struct {
	*memory
	signs chan<- string
}

func (p patient) Progress(_, _ int64, what string) error {
	select {
	case p.signs <- what:
	default:
	}
	return nil
}

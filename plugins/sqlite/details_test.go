package sqlite_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	harvester "github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/sdk"
)

func TestConstraintsAndIndexes(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, `
create table t (
  id integer primary key, -- check (comments say nothing)
  a int constraint "at ""least""" check (a > 0 and b <> ')'), b text default 'check (x)' unique collate nocase,
  [check] int /* nor do check (these) */, CHECK (length(b) in (1, (2)))  , constraint pair unique (b, a)
);
create index by_b on t (b desc, a);
create unique index "odd (name" on t (lower(b), a) where a > 1;
create index some on t (a) where b is not null -- those alone
;
create table plain (x int);
create view v as select a from t;
`)})
	a := m.assets["t"]
	if diff := cmp.Diff([]sdk.Constraint{
		{Name: `at "least"`, Kind: sdk.Check, Expression: "a > 0 and b <> ')'"},
		{Kind: sdk.Check, Expression: "length(b) in (1, (2))"},
		{Kind: sdk.Unique, Fields: []string{"b"}},
		{Kind: sdk.Unique, Fields: []string{"b", "a"}},
	}, a.Constraints); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]sdk.Index{
		{Name: "by_b", Fields: []string{"b", "a"}},
		{Name: "odd (name", Fields: []string{"a"}, Unique: true, Expression: "(lower(b), a) where a > 1"},
		{Name: "some", Fields: []string{"a"}, Expression: "where b is not null -- those alone"},
	}, a.Indexes); diff != "" {
		t.Error(diff)
	}
	if p := m.assets["plain"]; p.Constraints != nil || p.Indexes != nil || p.Definition != "" {
		t.Errorf("got %+v", p)
	}
	if v := m.assets["v"]; v.DefinitionLanguage != "sql" || v.Definition != "CREATE VIEW v as select a from t" {
		t.Errorf("got %q in %q", v.Definition, v.DefinitionLanguage)
	}
}

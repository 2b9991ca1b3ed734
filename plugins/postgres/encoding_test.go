package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func inEncoding(t *testing.T, encoding string) *shop {
	t.Helper()
	s := newDatabase(t, " encoding '"+encoding+"' lc_collate 'C' lc_ctype 'C' template template0")
	if encoding != "MULE_INTERNAL" {
		run(t, s.admin, "set client_encoding = 'UTF8'")
	}
	return s
}

// seen gives the names of the assets, without the database, and of their fields.
func (m *memory) seen(database string) []string {
	var names []string
	for name, a := range m.assets {
		for _, f := range a.Fields {
			names = append(names, strings.TrimPrefix(name, database+".")+" "+f.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *memory) samples(code string) []string {
	var samples []string
	for _, n := range m.notes {
		if n.Code == code {
			samples = append(samples, n.Sample)
		}
	}
	return samples
}

// TestEveryEncodingIsRead wants names as people wrote them from databases that
// are not UTF-8, and one object that cannot be converted to harm no other.
//
// Bad input: not UTF-8.
func TestEveryEncodingIsRead(t *testing.T) {
	t.Run("LATIN1", func(t *testing.T) {
		s := inEncoding(t, "LATIN1")
		run(t, s.admin, `create schema "Zürich"; create table "Zürich"."größe" ("höhe" int primary key, n int); comment on table "Zürich"."größe" is 'Maße'`,
			`create table plain (g int references "Zürich"."größe"); create view "Sicht" as select "höhe" from "Zürich"."größe"`,
			`grant usage on schema "Zürich" to `+s.role)
		s.config.Include = []string{"Zürich", "public"}
		m := s.harvest()
		if diff := cmp.Diff([]string{"Zürich.größe höhe", "Zürich.größe n", "public.Sicht höhe", "public.plain g"}, m.seen(s.database)); diff != "" {
			t.Error(diff)
		}
		a := m.assets[s.database+".Zürich.größe"]
		if a == nil || a.Description != "Maße" || len(m.notes) != 0 || len(m.done) != 2 || len(m.edges) != 1 || !strings.Contains(m.edges[0], "größe") {
			t.Errorf("got %+v, notes %v, done %v, edges %v", a, m.notes, m.done, m.edges)
		}
		if k := m.assets[s.database+".public.plain"].ForeignKeys; len(k) != 1 || k[0].ToFields[0] != "höhe" {
			t.Errorf("keys: %+v", k)
		}
	})
	t.Run("SQL_ASCII", func(t *testing.T) {
		s := inEncoding(t, "SQL_ASCII")
		run(t, s.admin, `create table "größe" (i int); create table plain (a int, "b" int)`, "set client_encoding = 'SQL_ASCII'",
			"create table \"gr\xf6\xdfe\" (i int); comment on table plain is 'Ma\xdfe'; alter table plain rename column b to \"b\xf6\"; create view v as select i from \"gr\xf6\xdfe\"")
		m := s.harvest()
		if diff := cmp.Diff([]string{"public.größe i", "public.plain a", "public.v i"}, m.seen(s.database)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"public.gr\uFFFD\uFFFDe", "public.plain.b\uFFFD"}, m.samples("postgres.no_utf8")); diff != "" || len(m.done) != 1 || len(m.edges) != 0 {
			t.Errorf("%sdone %v, edges %v", diff, m.done, m.edges)
		}
		if got := m.assets[s.database+".public.plain"].Description; got != "Ma\uFFFDe" {
			t.Errorf("the comment: %q", got)
		}
	})
	t.Run("WIN1252 with a byte that means nothing", func(t *testing.T) {
		s := inEncoding(t, "WIN1252")
		run(t, s.admin, `create table "preis in €" (i int); create table "œuvre" (i int)`, "set client_encoding = 'WIN1252'", "create table \"odd\x81\" (i int)")
		m := s.harvest()
		if diff := cmp.Diff([]string{"public.preis in € i", "public.œuvre i"}, m.seen(s.database)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"public.odd\uFFFD"}, m.samples("postgres.no_utf8")); diff != "" || len(m.done) != 1 {
			t.Errorf("%sdone %v", diff, m.done)
		}
	})
	t.Run("EUC_JP", func(t *testing.T) {
		s := inEncoding(t, "EUC_JP")
		run(t, s.admin, `create table "注文" ("番号" int)`)
		if diff := cmp.Diff([]string{"public.注文 番号"}, s.harvest().seen(s.database)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("MULE_INTERNAL, from which there is no way", func(t *testing.T) {
		s := inEncoding(t, "MULE_INTERNAL")
		run(t, s.admin, `create table plain (i int)`, "set client_encoding = 'MULE_INTERNAL'", "create table \"gr\x81\xf6\" (i int)")
		m := s.harvest()
		if diff := cmp.Diff([]string{"public.plain i"}, m.seen(s.database)); diff != "" || len(m.samples("postgres.no_utf8")) != 1 {
			t.Errorf("%s%v", diff, m.notes)
		}
	})
}

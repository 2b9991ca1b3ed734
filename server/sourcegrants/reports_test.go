package sourcegrants_test

import (
	"context"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
)

// stable has the asset know its table by the id that PostgreSQL gives it, as a
// harvest does.
func (w *world) stable() {
	w.Helper()
	var id string
	w.Must(w.admin.QueryRow(w.Context(), "select format('pg_class:%s.%s', (select oid from pg_database where datname = current_database()), 'app.orders'::regclass::oid)").Scan(&id))
	a, err := store.Assets.First(w.Context(), w.Store, store.Query{Index: "by_name"})
	w.Must(err)
	a.Sightings[0].StableID = id
	w.Put(store.Assets.Put(a))
}

// TestWhatOthersHaveStumbledOver is what people have reported of programs that give
// and take rights in databases: each once, on the real one. The grant ends after
// what happened, and the end has to come through.
func TestWhatOthersHaveStumbledOver(t *testing.T) {
	for _, tt := range []struct {
		report  string
		happens func(*world)
		left    string // a query that dan may not run in the end, beside reading the table
	}{
		{"hashicorp/vault 3410: the role is gone from the database", func(w *world) {
			run(w, w.admin, "set role "+w.writer, "revoke select (id, email) on app.orders from "+w.role, "revoke usage on schema app from "+w.role, "reset role", "drop role "+w.role)
			w.Cleanup(func() { _, err := w.root.Exec(context.Background(), "create role "+w.role); w.Must(err) }) // for the end of the test
		}, ""},
		{"hashicorp/vault 4846: the database is as it was before the grant", func(w *world) {
			run(w, w.admin, "set role "+w.writer, "revoke select (id, email) on app.orders from "+w.role, "revoke usage on schema app from "+w.role, "reset role")
		}, ""},
		{"terraform-provider-postgresql 135: a column that was given is gone", func(w *world) {
			run(w, w.admin, "alter table app.orders drop column email")
		}, ""},
		{"terraform-provider-postgresql 187: a part of it was taken away by hand", func(w *world) {
			run(w, w.admin, "set role "+w.writer, "revoke select (id) on app.orders from "+w.role, "reset role")
		}, "select email from app.orders"},
		{"raystack/guardian 327: the table is gone", func(w *world) { run(w, w.admin, "drop table app.orders") }, ""},
		{"gravitational/teleport 51945: the schema stays open after the end", func(*world) {}, "select 'app.orders'::regclass"},
	} {
		t.Run(strings.Fields(strings.SplitN(tt.report, ":", 2)[0])[0], func(t *testing.T) {
			w := newWorld(t, nil)
			w.stable()
			w.name()
			w.grant()
			w.tend()
			w.expect(model.SourceGrantApplied, "")
			tt.happens(w)
			w.Must(w.revokeAll())
			w.later(1)
			if row := w.expect(model.SourceGrantRevoked, ""); row.Given != nil {
				t.Errorf("%s: %+v", tt.report, row)
			}
			if tt.left != "" && w.may(tt.left) {
				t.Errorf("%s: dan may still %s", tt.report, tt.left)
			}
			if strays := w.strays(); len(strays) > 0 {
				t.Errorf("%s: got %+v", tt.report, strays)
			}
		})
	}
}

// TestARoleThatIsRenamed keeps what it had, and is a finding: the end of the grant
// could take nothing from a role that is not there.
func TestARoleThatIsRenamed(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	w.tend()
	run(w, w.admin, "alter role "+w.role+" rename to "+w.role+"_else")
	w.Must(w.revokeAll())
	w.later(1)
	strays := w.strays()
	if len(strays) != 1 || strays[0].Role() != w.role+"_else" || strays[0].PrincipalID != "" {
		t.Fatalf("got %+v", strays)
	}
	_, err := w.grants.Repair(w.As("ana"), sourcegrants.Repair{ID: strays[0].ID, Seen: strays[0].Revision})
	w.Must(err)
	w.tend()
	run(w, w.admin, "alter role "+w.role+"_else rename to "+w.role)
	if w.may("select id from app.orders") {
		t.Error("the renamed role still reads")
	}
}

// TestAnUnchangedSourceIsLeftAlone: other programs find drift in it each time
// (terraform-provider-postgresql 197 and 303).
func TestAnUnchangedSourceIsLeftAlone(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	w.tend()
	before, last := w.expect(model.SourceGrantApplied, ""), w.Last()
	for hour := range 3 {
		w.later(hour + 1)
	}
	if after := w.row(); after.Revision != before.Revision || w.Last().Seq != last.Seq {
		t.Errorf("three comparisons have left %+v after %+v", w.Last(), last)
	}
}

// TestAWriterThatIsShutOut tells so and changes nothing, also where everybody's
// right to connect was taken away (gravitational/teleport 52287); the rights are
// there to see when it is back.
func TestAWriterThatIsShutOut(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	w.tend()
	w.expect(model.SourceGrantApplied, "")
	run(w, w.admin, "revoke all on database "+w.databaseName()+" from public")
	w.later(1)
	if row := w.expect(model.SourceGrantApplied, ""); len(row.Drift) > 0 || len(w.strays()) > 0 {
		t.Errorf("a source that could not be asked has told %+v", row)
	}
	w.Must(w.revokeAll())
	w.tend()
	if row := w.expect(model.SourceGrantFailed, "postgres.42501"); row.Given == nil || row.Failure.Fix == "" {
		t.Errorf("got %+v", row)
	}
	run(w, w.admin, "grant connect on database "+w.databaseName()+" to public")
	w.later(2)
	w.expect(model.SourceGrantRevoked, "")
}

package sourcegrants_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
)

// strays are the rows of what nobody knows of.
func (w *world) strays() []model.SourceGrant {
	w.Helper()
	page, err := store.SourceGrants.Find(w.Context(), w.Store, store.Query{Index: "by_state", Where: store.Eq("state", string(model.SourceGrantUnknown))})
	w.Must(err)
	return page.Nodes
}

// later is after the next check.
func (w *world) later(hours int) {
	w.Helper()
	w.Turn(time.Duration(hours) * time.Hour)
	w.tend()
}

// TestWhatNobodyKnowsOfIsFound and taken away by a decision alone, and nothing else
// with it.
func TestWhatNobodyKnowsOfIsFound(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	w.tend()
	run(w, w.admin, "set role "+w.writer, "grant select (secret) on app.orders to "+w.role, "reset role")
	w.later(1)
	strays := w.strays()
	want := []string{`REVOKE SELECT ("secret") ON "app"."orders" FROM "` + w.role + `"`}
	if len(strays) != 1 || !slices.Equal(strays[0].Drift, want) || strays[0].PrincipalID != w.People["dan"].ID || strays[0].AssetID == "" {
		t.Fatalf("got %+v, want %q", strays, want)
	}
	w.later(2)
	if again := w.strays(); len(again) != 1 || again[0].Revision != strays[0].Revision || !w.may("select secret from app.orders") {
		t.Errorf("nobody has decided, and something was done: %+v", again)
	}
	if page, err := w.grants.Grants(w.As("dan"), sourcegrants.Filter{State: model.SourceGrantUnknown}, model.Paging{First: 5}); err != nil || len(page.Nodes) != 0 {
		t.Errorf("dan sees it: %v %v", page.Nodes, err)
	}
	repair := sourcegrants.Repair{ID: strays[0].ID, Seen: strays[0].Revision}
	if _, err := w.grants.Repair(w.As("dan"), repair); !model.Is(err, model.KindNotFound) {
		t.Errorf("dan has it taken away: %v", err)
	}
	_, err := w.grants.Repair(w.As("ana"), sourcegrants.Repair{ID: repair.ID, Seen: repair.Seen, TakesOver: true})
	servertest.WantField(t, err, model.KindConflict, "takesOver")
	_, err = w.grants.Repair(w.As("ana"), repair)
	w.Must(err)
	w.tend()
	row, err := store.SourceGrants.Get(t.Context(), w.Store, repair.ID)
	if err != nil || row.State != model.SourceGrantRevoked || !slices.Equal(row.Statements, want) {
		t.Errorf("got %+v, %v", row, err)
	}
	if w.may("select secret from app.orders") || !w.may("select id, email from app.orders") {
		t.Error("not exactly this was taken away")
	}
}

// TestALostRecord is found again by its grant, or by the source alone when that is
// over: the view with it.
func TestALostRecord(t *testing.T) {
	w := newWorld(t, map[string]string{"domains/sales/mask.rego": open4all + `
obligations contains {"id": "sales.mask", "type": "mask", "params": {"field": "email", "with": "null"}} if input.action.name == "data.read"
`})
	w.name()
	g := w.grant()
	w.tend()
	w.Put(store.SourceGrants.Delete(w.expect(model.SourceGrantApplied, "")))
	w.later(1)
	row := w.expect(model.SourceGrantApplied, "")
	if len(row.Statements) > 0 || row.Reads == "" {
		t.Errorf("what is there was given again: %+v", row)
	}
	_, err := w.Access.Revoke(w.As("ana"), g.ID, "over")
	w.Must(err)
	w.Put(store.SourceGrants.Delete(row))
	w.later(2)
	strays := w.strays()
	if len(strays) != 1 || !strings.HasPrefix(strings.Join(strays[0].Drift, ""), "DROP VIEW") {
		t.Fatalf("got %+v", strays)
	}
	_, err = w.grants.Repair(w.As("ana"), sourcegrants.Repair{ID: strays[0].ID, Seen: strays[0].Revision})
	w.Must(err)
	w.tend()
	var views int
	if err := w.admin.QueryRow(t.Context(), "select count(*) from pg_views where schemaname = 'souk_grants'").Scan(&views); err != nil || views != 0 {
		t.Errorf("the view stays: %d %v", views, err)
	}
}

// TestARenameIsNoStray before the source is harvested again, and what went away by
// itself is none any more.
func TestARenameIsNoStray(t *testing.T) {
	w := newWorld(t, nil)
	w.stable()
	w.name()
	w.grant()
	w.tend()
	run(w, w.admin, "alter table app.orders rename to bought")
	w.later(1)
	if strays := w.strays(); len(strays) > 0 {
		t.Errorf("a renamed table is told as one that nobody knows of: %+v", strays)
	}
	run(w, w.admin, "alter table app.bought rename to orders", "set role "+w.writer, "grant select on app.orders to "+w.role, "reset role")
	w.later(2)
	if strays := w.strays(); len(strays) != 1 || !strings.Contains(strays[0].Drift[0], "REVOKE SELECT ON") {
		t.Fatalf("got %+v", strays)
	}
	run(w, w.admin, "set role "+w.writer, "revoke select on app.orders from "+w.role, "reset role")
	w.later(3)
	if strays := w.strays(); len(strays) > 0 {
		t.Errorf("it is gone, and still told: %+v", strays)
	}
}

// TestTakeOver of what the role has by another hand is an administrator's word.
func TestTakeOver(t *testing.T) {
	w := newWorld(t, nil)
	run(w, w.admin, "grant select (secret) on app.orders to "+w.role)
	w.name()
	w.grant()
	w.tend()
	row := w.expect(model.SourceGrantApplied, "")
	if text := strings.Join(row.Remarks, " "); row.TakesOver || !strings.Contains(text, "stays when this grant ends") {
		t.Fatalf("got %+v", row)
	}
	if _, err := w.grants.Repair(w.As("dan"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision, TakesOver: true}); !model.Is(err, model.KindDenied) && !model.Is(err, model.KindNotFound) {
		t.Errorf("dan takes over himself: %v", err)
	}
	_, err := w.grants.Repair(w.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision, TakesOver: true})
	w.Must(err)
	if e := w.Last(); e.Action != "source_grant.take_over" || e.DecisionID == "" {
		t.Errorf("got %+v", e)
	}
	w.tend()
	row = w.expect(model.SourceGrantApplied, "")
	if text := strings.Join(row.Remarks, " "); !row.TakesOver || !strings.Contains(text, "To take it over") {
		t.Errorf("the source was not told: %+v", row)
	}
	w.Must(w.revokeAll())
	w.tend()
	if row := w.expect(model.SourceGrantRevoked, ""); row.TakesOver {
		t.Errorf("it goes on after the end: %+v", row)
	}
}

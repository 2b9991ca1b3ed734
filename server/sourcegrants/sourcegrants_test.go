package sourcegrants_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOnMongoDB tells the stories again that live by what the store keeps.
func TestOnMongoDB(t *testing.T) {
	open = enginetest.MongoDB
	defer func() { open = enginetest.SQLite }()
	t.Run("story", TestAGrantIsGivenAndTakenAway)
	t.Run("replicas", TestReplicasDoItOnce)
	t.Run("team", TestATeamReadsWhatAllMayRead)
	t.Run("stray", TestWhatNobodyKnowsOfIsFound)
}

// TestAGrantIsGivenAndTakenAway in the real source: after the approval dan reads
// exactly the columns, after the revocation he cannot.
func TestAGrantIsGivenAndTakenAway(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	g := w.grant()
	if w.may("select id from app.orders") {
		t.Fatal("dan reads before anything was given")
	}
	w.tend()
	row := w.expect(model.SourceGrantApplied, "")
	for query, want := range map[string]bool{"select id, email from app.orders": true, "select secret from app.orders": false, "select * from app.orders": false} {
		if w.may(query) != want {
			t.Errorf("%s: got %t", query, !want)
		}
	}
	if row.Reads == "" || len(row.Statements) != 2 || row.DecisionID == "" || !strings.Contains(w.Last().Action, "source_gran") {
		t.Errorf("the row does not tell what was done: %+v", row)
	}
	if _, err := w.Access.Revoke(w.As("ana"), g.ID, "over"); err != nil {
		t.Fatal(err)
	}
	w.tend()
	if row := w.expect(model.SourceGrantRevoked, ""); row.Given != nil || w.may("select id from app.orders") {
		t.Errorf("dan still reads: %+v", row)
	}
}

// TestWhatCanStillBeReadIsSaid when it is by what somebody else has given.
func TestWhatCanStillBeReadIsSaid(t *testing.T) {
	w := newWorld(t, nil)
	run(w, w.admin, "grant select (secret) on app.orders to public")
	w.name()
	w.grant()
	w.tend()
	const want = "more than Souk gives it: secret, by public."
	if row := w.expect(model.SourceGrantApplied, ""); !strings.HasSuffix(strings.Join(row.Remarks, " "), want) {
		t.Errorf("beside the right: %q", row.Remarks)
	}
	run(w, w.admin, "grant usage on schema app to public")
	w.Must(w.revokeAll())
	w.tend()
	if row := w.expect(model.SourceGrantRevoked, ""); !strings.HasSuffix(strings.Join(row.Remarks, " "), want) {
		t.Errorf("after the right: %q", row.Remarks)
	}
}

// TestAnExpiredGrantIsTakenAway by the clock, in the first round after its end,
// whether or not anybody has ended it; from a source that is out of reach, as soon
// as it is back.
func TestAnExpiredGrantIsTakenAway(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	w.tend()
	w.expect(model.SourceGrantApplied, "")
	w.Turn(30*24*time.Hour - time.Minute)
	w.tend()
	w.expect(model.SourceGrantApplied, "")
	w.Turn(30*24*time.Hour + time.Second)
	w.launches.before = func() error {
		return &host.Failure{Class: sdk.ClassUnavailable, Fault: host.FaultSource, Code: "unavailable", Message: "the source is down", Fix: "wait"}
	}
	w.Must(w.grants.Tend(w.System()))
	if row := w.expect(model.SourceGrantPending, "unavailable"); row.Wanted != nil || row.Given == nil || row.DueAt.Sub(w.Now()) > 5*time.Second {
		t.Errorf("it is not to be taken away as soon as can be: %+v", row)
	}
	w.launches.before = nil
	w.Turn(30*24*time.Hour + 10*time.Second)
	w.Must(w.grants.Tend(w.System()))
	w.expect(model.SourceGrantRevoked, "")
	if w.may("select id from app.orders") {
		t.Error("dan reads after the end")
	}
	w.Must(w.Access.Sweep(w.System()))
	w.tend()
	w.expect(model.SourceGrantRevoked, "")
}

// TestASourceOutOfReachIsPending and done when it is back.
func TestASourceOutOfReachIsPending(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	w.launches.before = func() error {
		return &host.Failure{Class: sdk.ClassUnavailable, Fault: host.FaultSource, Code: "unavailable", Message: "the source is down", Fix: "wait"}
	}
	w.tend()
	if row := w.expect(model.SourceGrantPending, "unavailable"); row.Tries != 1 || !row.DueAt.After(w.Now()) {
		t.Errorf("it is not tried again later: %+v", row)
	}
	w.launches.before = nil
	w.Turn(time.Minute)
	w.tend()
	w.expect(model.SourceGrantApplied, "")
	w.launches.before = func() error {
		return &host.Failure{Class: sdk.ClassDenied, Fault: host.FaultSource, Code: "denied", Message: "a right is missing", Fix: "GRANT it"}
	}
	w.Must(errors.Join(w.revokeAll()))
	w.tend()
	if w.expect(model.SourceGrantFailed, "denied"); !w.may("select id from app.orders") {
		t.Error("the right is gone without anybody having taken it")
	}
	w.launches.before = nil
	w.Turn(time.Hour)
	w.tend()
	w.expect(model.SourceGrantRevoked, "")
}

// TestASourceOutOfReachIsLeftAlone by all its rights: one of them tries it, again
// after a while, and one line of the feed tells so each time.
func TestASourceOutOfReachIsLeftAlone(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	a, err := store.Assets.First(t.Context(), w.Store, store.Query{Index: "by_name"})
	w.Must(err)
	for _, name := range []model.Slug{"once", "twice", "again"} { // the same table by three products
		w.product = w.offer(name, a)
		w.grant()
	}
	w.launches.before = func() error {
		return &host.Failure{Class: sdk.ClassUnavailable, Fault: host.FaultSource, Code: "unavailable", Message: "the source is down", Fix: "wait"}
	}
	w.tend()
	if w.launches.count != 1 {
		t.Errorf("the source was tried %d times at once", w.launches.count)
	}
	w.Turn(10 * time.Second)
	w.tend()
	if w.launches.count != 2 {
		t.Errorf("it was tried %d times in ten seconds", w.launches.count)
	}
	w.launches.before = nil
	w.Turn(time.Minute)
	w.tend()
	page, err := store.SourceGrants.Find(t.Context(), w.Store, store.Query{Index: "by_state", Where: store.Eq("state", string(model.SourceGrantApplied))})
	if err != nil || len(page.Nodes) != 3 || w.launches.count > 4 { // to give them, and to compare
		t.Errorf("got %d given by %d launches, %v", len(page.Nodes), w.launches.count, err)
	}
}

func (w *world) revokeAll() error {
	page, err := store.Grants.Find(w.Context(), w.Store, store.Query{Index: "by_status"})
	for _, g := range page.Nodes {
		_, again := w.Access.Revoke(w.As("ana"), g.ID, "over")
		err = errors.Join(err, again)
	}
	return err
}

// TestACrashLeavesWork and no right that nobody knows of: between the source and
// the record another server goes on, and nothing is done twice.
func TestACrashLeavesWork(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	g := w.grant()
	die := func(at string) {
		w.grants = w.replicaOn(dying{w.Store, at})
		w.grants.Anew()
		if err := w.grants.Tend(w.System()); err == nil {
			t.Fatal("the server did not notice that it is gone")
		}
		w.Turn(4 * time.Minute) // holdFor is over
		w.grants = w.replica()
	}
	die("source_grant.apply")
	if row := w.row(); row.State != model.SourceGrantPending || row.Given == nil || !w.may("select id from app.orders") {
		t.Fatalf("that the right may be there is not written down: %+v", row)
	}
	w.tend()
	if row := w.expect(model.SourceGrantApplied, ""); len(row.Statements) != 0 {
		t.Errorf("it was done twice: %v", row.Statements)
	}
	_, err := w.Access.Revoke(w.As("ana"), g.ID, "over")
	w.Must(err)
	die("source_grant.revoke")
	if row := w.row(); row.Given == nil || w.may("select id from app.orders") {
		t.Fatalf("the right is not taken away, or is forgotten before: %+v", row)
	}
	w.Turn(8 * time.Minute)
	w.tend()
	if row := w.expect(model.SourceGrantRevoked, ""); row.Given != nil || len(row.Statements) != 0 {
		t.Errorf("it was done twice: %+v", row)
	}
}

// TestReplicasDoItOnce however many of them look at the same time.
func TestReplicasDoItOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	var all sync.WaitGroup
	for range 3 {
		r := w.replica()
		all.Go(func() {
			for range 3 {
				if err := r.Tend(w.System()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	w.expect(model.SourceGrantApplied, "")
	if w.launches.count > 2 { // to give it, and to compare it afterwards
		t.Errorf("the plugin was launched %d times", w.launches.count)
	}
}

// TestRolesAreNamed by whoever administers the source, and never guessed.
func TestRolesAreNamed(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.grants.SetRole(w.As("dan"), sourcegrants.NewRole{SourceID: w.source.ID, PrincipalID: w.People["dan"].ID, Role: "dan"})
	if !model.Is(err, model.KindNotFound) && !model.Is(err, model.KindDenied) {
		t.Errorf("dan names his own role: %v", err)
	}
	named, err := w.grants.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: w.source.ID, PrincipalID: w.People["bo"].ID, Role: "bo's"})
	w.Must(err)
	w.grant()
	w.tend()
	w.expect(model.SourceGrantFailed, "source_grant.no_role")
	if row := w.row(); row.Wanted != nil || row.Given != nil {
		t.Errorf("something is given to a role that nobody has named: %+v", row)
	}
	_, err = w.grants.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: w.source.ID, PrincipalID: w.People["dan"].ID, Role: "bo's"})
	servertest.WantField(t, err, model.KindConflict, "role")
	_, err = w.grants.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: w.source.ID, PrincipalID: w.People["dan"].ID, Role: " "})
	servertest.WantField(t, err, model.KindInvalid, "role")
	dans := w.name()
	w.tend()
	w.expect(model.SourceGrantApplied, "")
	page, err := w.grants.Roles(w.As("ana"), w.source.ID, model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 2 {
		t.Errorf("got %+v, %v", page.Nodes, err)
	}
	if _, err := w.grants.Roles(w.As("dan"), w.source.ID, model.Paging{First: 10}); err == nil {
		t.Error("dan sees the roles")
	}
	_, err = w.grants.RemoveRole(w.As("dan"), named.ID)
	if err == nil {
		t.Error("dan takes a role away")
	}
	_, err = w.grants.RemoveRole(w.As("ana"), dans.ID)
	w.Must(err)
	w.tend()
	if row := w.row(); row.Given != nil || w.may("select id from app.orders") {
		t.Errorf("without a role there is still a right: %+v", row)
	}
}

// open4all are rules of sales under which ana has to say yes, and no more.
const open4all = `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.any", "message": "Sales is open."}

approvals contains {"role": "domain_steward", "domain": "sales", "min": 1, "exclude_requester": true} if input.action.name == "access.request"
`

// TestMasksOfTheRulesBecomeAView.
func TestMasksOfTheRulesBecomeAView(t *testing.T) {
	w := newWorld(t, map[string]string{"domains/sales/mask.rego": open4all + `
obligations contains {"id": "sales.mask", "type": "mask", "params": {"field": "email", "with": "null"}} if input.action.name == "data.read"
`})
	w.name()
	w.grant()
	w.tend()
	row := w.expect(model.SourceGrantApplied, "")
	view := strings.TrimPrefix(row.Reads, row.Given.Name[:strings.Index(row.Given.Name, ".")+1])
	if !slices.Equal(row.Given.Fields, []string{"id"}) || !w.may("select id, email from "+view) || w.may("select id from app.orders") {
		t.Errorf("dan does not read the view alone: %+v", row)
	}
	w.Must(w.revokeAll())
	w.tend()
	w.expect(model.SourceGrantRevoked, "")
	var views int
	if err := w.admin.QueryRow(t.Context(), "select count(*) from pg_views where schemaname = 'souk_grants'").Scan(&views); err != nil || views != 0 {
		t.Errorf("the view stays: %d %v", views, err)
	}
}

// TestADutyThatNoSourceKeepsRefuses the right.
func TestADutyThatNoSourceKeepsRefuses(t *testing.T) {
	w := newWorld(t, map[string]string{"domains/sales/duty.rego": open4all + `
obligations contains {"id": "sales.mark", "type": "watermark"} if input.action.name == "data.read"
`})
	w.name()
	w.grant()
	w.tend()
	w.expect(model.SourceGrantFailed, "source_grant.duty")
	if w.may("select id from app.orders") {
		t.Error("dan reads without the duty")
	}
}

// TestDriftIsSeen when somebody takes away by hand what was given.
func TestDriftIsSeen(t *testing.T) {
	w := newWorld(t, nil)
	w.name()
	w.grant()
	w.tend()
	if row := w.expect(model.SourceGrantApplied, ""); len(row.Drift) > 0 {
		t.Fatalf("a source that has it all drifts: %v", row.Drift)
	}
	run(w, w.admin, "set role "+w.writer, "revoke select (id) on app.orders from "+w.role, "reset role")
	w.Turn(time.Hour)
	w.tend()
	if row := w.row(); len(row.Drift) != 1 || !strings.HasPrefix(row.Drift[0], `GRANT SELECT ("id")`) {
		t.Errorf("the drift is %v", row.Drift)
	}
	if w.may("select id from app.orders") {
		t.Error("it was mended without anybody's word")
	}
	row := w.row()
	if _, err := w.grants.Repair(w.As("dan"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision}); !model.Is(err, model.KindDenied) && !model.Is(err, model.KindNotFound) {
		t.Errorf("dan repairs it himself: %v", err)
	}
	if _, err := w.grants.Repair(w.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision - 1}); !model.HasCode(err, model.CodeStale) {
		t.Errorf("it is repaired without a look at what would be done: %v", err)
	}
	_, err := w.grants.Repair(w.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision})
	w.Must(err)
	w.tend()
	if row := w.expect(model.SourceGrantApplied, ""); len(row.Drift) > 0 || !w.may("select id from app.orders") {
		t.Errorf("it is not repaired: %+v", row)
	}
	row = w.row()
	_, err = w.grants.Repair(w.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision})
	servertest.WantField(t, err, model.KindConflict, "id")
	page, err := w.grants.Grants(w.As("dan"), sourcegrants.Filter{SourceID: w.source.ID, State: model.SourceGrantApplied}, model.Paging{First: 5})
	if err != nil || len(page.Nodes) != 1 {
		t.Errorf("dan does not see his own: %v %v", page.Nodes, err)
	}
}

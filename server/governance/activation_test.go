package governance_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// TestTwoActivationsAtOnce lets one of two approved proposals win; the other
// is told to look again, and what decides is the winner's.
func TestTwoActivationsAtOnce(t *testing.T) {
	c := newCompany(t)
	one := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	two := c.approved(c.assessed(c.draft("ana", ofSales(t))))
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i, id := range []model.ID{one.ID, two.ID} {
		both.Go(func() { _, errs[i] = c.Activate(c.as("eve"), id) })
	}
	both.Wait()
	lost := 0
	if errs[0] == nil {
		lost = 1
	}
	if errs[1-lost] != nil || !model.Is(errs[lost], model.KindConflict) {
		t.Fatalf("got %v and %v, want one of them and one Conflict", errs[0], errs[1])
	}
	winner := []model.PolicyProposal{one, two}[1-lost]
	state, err := c.Standing(c.as("ana"), "sales")
	must(t, err)
	r, err := c.Revision(c.as("ana"), winner.RevisionID)
	must(t, err)
	if state.ActiveID != winner.RevisionID || state.ServingHash != r.Hash || state.Problem != "" {
		t.Errorf("got %+v, want the winner's %s", state, r.Hash)
	}
	loser, err := c.Proposal(c.as("ana"), []model.ID{one.ID, two.ID}[lost])
	must(t, err)
	if loser.Status != model.ProposalApproved {
		t.Errorf("the loser is %s", loser.Status)
	}
	_, err = c.Activate(c.as("eve"), loser.ID)
	wantField(t, err, model.KindConflict, "baseHash")
	loser = c.approved(c.assess(loser))
	if _, err := c.Activate(c.as("eve"), loser.ID); err != nil {
		t.Errorf("assessed again: %v", err)
	}
}

// TestManyActivationsAtOnce races for the same proposal.
func TestManyActivationsAtOnce(t *testing.T) {
	c := newCompany(t)
	p := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() { _, errs[i] = c.Activate(c.as("eve"), p.ID) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !model.Is(err, model.KindConflict) {
			t.Errorf("got %v, want a Conflict", err)
		}
	}
	if won != 1 {
		t.Errorf("%d activations succeeded, want one", won)
	}
	c.reads(c, "dan", model.Allow)
}

// TestOnlyStewardsPutRulesInForce whatever was approved.
func TestOnlyStewardsPutRulesInForce(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	for _, person := range []string{"bo", "abe", "cy"} {
		_, err := c.Activate(c.as(person), p.ID)
		wantDenied(t, err, "no.rule")
	}
	_, err := c.Rollback(c.as("bo"), governance.Return{Domain: "sales"})
	wantDenied(t, err, "no.rule")
	c.reads(c, "dan", model.Deny)
}

// TestVotesCountWhileTheirVotersDo looks again at who may speak when the rules
// come into force.
func TestVotesCountWhileTheirVotersDo(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	c.stewards("sales", "ana", "abe") // eve has left
	_, err := c.Activate(c.as("ana"), p.ID)
	wantMissing(t, err, model.Approval{Role: "domain_steward", Domain: "sales", Min: 1, ExcludeRequester: true})
	c.stewards("sales", "ana", "eve")
	_, err = c.identity.UpdatePrincipal(c.system(), identity.PrincipalEdit{ID: c.people["bo"].ID, Suspended: new(true)})
	must(t, err)
	_, err = c.Activate(c.as("ana"), p.ID)
	wantMissing(t, err, model.Approval{Role: "domain_steward", Domain: "marketing", Min: 1, ExcludeRequester: true})
	c.reads(c, "dan", model.Deny)
}

func wantMissing(t *testing.T, err error, want ...model.Approval) {
	t.Helper()
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Denial == nil {
		t.Fatalf("got %v, want a refusal", err)
	}
	if diff := cmp.Diff(want, e.Denial.Approvals); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// TestPlatformStandsIn lets a platform steward speak for a domain whose only
// steward wrote the rules, and for no other.
func TestPlatformStandsIn(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.assessed(c.draft("ana", ofSales(t)))
	_, err := c.Approve(c.as("cy"), p.ID, p.Impact.Hash, "") // eve is there
	if !model.Is(err, model.KindDenied) {
		t.Fatalf("got %v, want a refusal", err)
	}
	c.stewards("sales", "ana")
	p, err = c.Approve(c.as("cy"), p.ID, p.Impact.Hash, "")
	must(t, err)
	if p.Status != model.ProposalApproved {
		t.Errorf("got %s, missing %+v", p.Status, p.Missing())
	}
	_, err = c.Activate(c.as("ana"), p.ID)
	must(t, err)
}

// TestRollback returns to any revision that has been in force, and to no other.
func TestRollback(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	_, err := c.Rollback(c.as("ana"), governance.Return{Domain: "sales"})
	wantField(t, err, model.KindConflict, "domain")
	first := c.activated(c.draft("ana", campaigns(t)))
	second := c.activated(c.draft("ana", ofSales(t)))
	c.reads(c, "dan", model.Deny)
	if p, err := c.Proposal(c.as("ana"), first.ID); err != nil || p.Status != model.ProposalSuperseded {
		t.Errorf("got %s, %v", p.Status, err)
	}
	never := c.draft("ana", []model.PolicyModule{{Path: "domains/sales/campaign.rego", Text: campaign}})
	_, err = c.Rollback(c.as("ana"), governance.Return{Domain: "sales", RevisionID: never.RevisionID})
	wantField(t, err, model.KindConflict, "revisionId")
	_, err = c.Rollback(c.as("ana"), governance.Return{Domain: "sales", RevisionID: second.RevisionID})
	wantField(t, err, model.KindConflict, "revisionId")

	back := c.rollback("ana")
	if e := c.last(); e.Action != "policy.rollback" || e.Reason != "it went wrong" || e.DecisionID == "" {
		t.Errorf("got event %+v", e)
	}
	if back.State.ActiveID != first.RevisionID || back.State.PreviousID != "" || back.State.ProposalID != first.ID {
		t.Errorf("got %+v, want the first revision", back.State)
	}
	c.reads(c, "dan", model.Allow)
	if p, err := c.Proposal(c.as("ana"), first.ID); err != nil || p.Status != model.ProposalActive || p.ClosedAt != nil {
		t.Errorf("got %+v, %v", p.Status, err)
	}
	if _, err := c.Rollback(c.as("cy"), governance.Return{Domain: "sales", RevisionID: second.RevisionID}); err != nil { // forward again
		t.Error(err)
	}
	c.reads(c, "dan", model.Deny)
}

// TestRollbackChecksAgain what another engine has checked, and says so; what
// does not compile any more stays where it is.
func TestRollbackChecksAgain(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	old := model.PolicyRevision{Meta: model.Meta{ID: "pol_old"}, Domain: "sales", Hash: "sha256:of-old", Engine: "opa 0.1", Modules: campaigns(t)}
	broken := model.PolicyRevision{
		Meta: model.Meta{ID: "pol_broken"}, Domain: "sales", Hash: "sha256:of-broken", Engine: "opa 0.1",
		Modules: []model.PolicyModule{{Path: "domains/sales/x.rego", Text: strings.Replace(campaign, "import rego.v2", "import rego.v0", 1)}},
	}
	p := c.activated(c.draft("ana", ofSales(t)))
	state, err := store.PolicyStates.Get(t.Context(), c.store, "pst_sales")
	must(t, err)
	state.Past = append([]model.ID{old.ID, broken.ID}, state.Past...)
	_, err = c.store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{
		store.PolicyRevisions.Put(old), store.PolicyRevisions.Put(broken), store.PolicyStates.Put(state),
	}})
	must(t, err)
	_, err = c.Rollback(c.as("ana"), governance.Return{Domain: "sales", RevisionID: broken.ID})
	wantField(t, err, model.KindConflict, "revisionId")
	if !strings.Contains(err.Error(), "opa 0.1") {
		t.Errorf("got %v, which does not name the engine", err)
	}
	if now, err := c.Standing(c.as("ana"), "sales"); err != nil || now.ActiveID != p.RevisionID {
		t.Errorf("got %+v, %v", now, err)
	}
	back, err := c.Rollback(c.as("ana"), governance.Return{Domain: "sales", RevisionID: old.ID})
	must(t, err)
	if !back.Rechecked || !strings.Contains(back.Notice, "opa 0.1") || back.State.ActiveID == old.ID {
		t.Errorf("got %+v", back)
	}
	fresh, err := c.Revision(c.as("ana"), back.State.ActiveID)
	must(t, err)
	if fresh.Engine != policy.EngineVersion() || fresh.Hash != back.State.ServingHash || len(fresh.Modules) != len(old.Modules) {
		t.Errorf("got %s %s", fresh.Engine, fresh.Hash)
	}
	c.reads(c, "dan", model.Allow)
}

// TestRollbackToStart leaves a domain neither of whose revisions compiles any
// more, as after another engine came, and one that is sound.
func TestRollbackToStart(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	start, err := c.Standing(c.as("ana"), "sales")
	must(t, err)
	nonsense := []model.PolicyModule{{Path: "domains/sales/x.rego", Text: "package nonsense"}}
	c.puts("pol_old", nonsense)
	c.puts("pol_new", nonsense)
	stuck := newServer(t, c.store)
	must(t, stuck.Load(t.Context()))
	if now, err := stuck.Standing(c.as("ana"), "sales"); err != nil || now.Problem == "" || now.ActiveID != "pol_new" || now.ServingHash != start.ServingHash {
		t.Fatalf("got %+v, %v, want the start's rules and a problem", now, err)
	}
	_, err = stuck.Rollback(c.as("ana"), governance.Return{Domain: "sales"})
	wantField(t, err, model.KindConflict, "revisionId")
	_, err = stuck.Rollback(c.as("ana"), governance.Return{Domain: "sales", RevisionID: "pol_old", ToStart: true})
	wantField(t, err, model.KindInvalid, "returnsToStart")
	_, err = stuck.Rollback(c.as("bo"), governance.Return{Domain: "sales", ToStart: true})
	wantDenied(t, err, "no.rule")
	back, err := stuck.Rollback(c.as("ana"), governance.Return{Domain: "sales", ToStart: true, Reason: "nothing compiles"})
	must(t, err)
	if s := back.State; s.ActiveID != "" || s.PreviousID != "" || s.Problem != "" || s.ServingHash != start.ServingHash || !strings.Contains(back.Notice, "started with") {
		t.Errorf("got %+v", back)
	}
	_, err = stuck.Rollback(c.as("ana"), governance.Return{Domain: "sales", ToStart: true})
	wantField(t, err, model.KindConflict, "domain")

	c.puts("pol_first", ofSales(t))
	c.puts("pol_second", campaigns(t))
	must(t, stuck.Load(t.Context()))
	stuck.reads(c, "dan", model.Allow)
	back, err = stuck.Rollback(c.as("ana"), governance.Return{Domain: "sales", ToStart: true})
	must(t, err)
	if s := back.State; s.ActiveID != "" || s.ServingHash != start.ServingHash || len(s.Past) != 4 {
		t.Errorf("past the revision before: got %+v", s)
	}
	stuck.reads(c, "dan", model.Deny)
}

// puts writes a revision into force past everybody: it need not be sound.
func (c *company) puts(id model.ID, modules []model.PolicyModule) {
	c.t.Helper()
	hash, _ := c.engine.Check(c.t.Context(), policy.Draft{Domain: "sales", Modules: modules})
	r := model.PolicyRevision{Meta: model.Meta{ID: id}, Domain: "sales", Hash: hash, Engine: policy.EngineVersion(), Modules: modules}
	found, err := store.PolicyStates.GetMany(c.t.Context(), c.store, "pst_sales")
	must(c.t, err)
	state := model.PolicyState{Meta: model.Meta{ID: "pst_sales"}, Domain: "sales"}
	if len(found) > 0 {
		state = found[0]
	}
	state.PreviousID, state.ActiveID, state.Past = state.ActiveID, id, append(state.Past, id)
	_, err = c.store.Apply(c.t.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyRevisions.Put(r), store.PolicyStates.Put(state)}})
	must(c.t, err)
}

// TestRestart decides on by what was put in force before.
func TestRestart(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.activated(c.draft("ana", campaigns(t)))
	again := newServer(t, c.store)
	again.reads(c, "dan", model.Deny) // not loaded yet
	must(t, again.Load(t.Context()))
	again.reads(c, "dan", model.Allow)
	if now, err := again.Standing(c.as("ana"), "sales"); err != nil || now.ActiveID != p.RevisionID || now.Problem != "" {
		t.Errorf("got %+v, %v", now, err)
	}
}

// TestRestartWithBrokenRules keeps the last good ones and marks the domain.
func TestRestartWithBrokenRules(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	c.puts("pol_good", campaigns(t))
	must(t, c.Load(t.Context()))
	c.puts("pol_broken", []model.PolicyModule{{Path: "domains/sales/x.rego", Text: "package nonsense"}})
	good, err := c.Revision(c.as("ana"), "pol_good")
	must(t, err)
	for name, s := range map[string]*server{"running": c.server, "started": newServer(t, c.store)} {
		must(t, s.Load(t.Context()))
		s.reads(c, "dan", model.Allow)
		if now, err := s.Standing(c.as("ana"), "sales"); err != nil || now.Problem == "" || now.ServingHash != good.Hash {
			t.Errorf("%s: got %+v, %v", name, now, err)
		}
	}
	back := c.rollback("cy")
	if back.State.Problem != "" || back.State.ActiveID != good.ID {
		t.Errorf("got %+v, want the last good revision", back.State)
	}
}

// TestSecondServerFollows has one server decide by what another put in force.
func TestSecondServerFollows(t *testing.T) {
	onEngines(t, follows)
}

func follows(t *testing.T, c *company) {
	t.Helper()
	second := newServer(t, c.store)
	must(t, second.Load(t.Context()))
	ctx, stop := context.WithCancel(c.system())
	var running sync.WaitGroup
	running.Go(func() { second.Run(ctx) })
	defer running.Wait()
	defer stop()

	second.reads(c, "dan", model.Deny)
	p := c.activated(c.draft("ana", campaigns(t)))
	r, err := c.Revision(c.as("ana"), p.RevisionID)
	must(t, err)
	second.comesToServe(t, r.Hash)
	second.reads(c, "dan", model.Allow)
	back := c.rollback("ana")
	second.comesToServe(t, back.State.ServingHash)
	second.reads(c, "dan", model.Deny)
}

// comesToServe looks at the engine itself, which nothing but the feed tells.
func (s *server) comesToServe(t *testing.T, hash string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, p := range s.engine.Snapshot().Packages() {
			if p.Revision == hash {
				if p.Domain == "sales" || len(s.engine.Snapshot().Packages()) == s.others() {
					return
				}
			}
		}
	}
	t.Fatalf("the other server does not decide by %s", hash)
}

// others counts the packages of a server whose domains write no rules.
func (s *server) others() int {
	e, err := policy.New(policy.Config{Files: policies.Files})
	if err != nil {
		return -1
	}
	return len(e.Snapshot().Packages())
}

// TestPlatformsOwnRules go the same way, with the platform's stewards, and
// must leave a way back.
func TestPlatformsOwnRules(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	state, err := c.Standing(c.as("cy"), "")
	must(t, err)
	if state.ServingHash == "" || state.Domain != "" {
		t.Errorf("got %+v", state)
	}
	n := governance.NewProposal{Title: "Closed", Modules: []model.PolicyModule{{Path: "platform/x.rego", Text: "package souk.platform\n\nimport rego.v2\n"}}}
	_, err = c.Draft(c.as("ana"), n)
	wantDenied(t, err, "no.rule")
	p, err := c.Draft(c.as("cy"), n)
	must(t, err)
	p, err = c.Check(c.as("kim"), p.ID)
	must(t, err)
	if p.Status != model.ProposalDraft || len(p.Problems) == 0 || p.Problems[len(p.Problems)-1].Code != "policy.lockout" {
		t.Errorf("got %s %+v, want a way back asked for", p.Status, p.Problems)
	}
	modules := shipped(t)
	p, err = c.UpdateDraft(c.as("cy"), governance.ProposalEdit{ID: p.ID, Modules: &modules})
	must(t, err)
	p, err = c.Check(c.as("kim"), p.ID)
	must(t, err)
	if p.Status != model.ProposalChecked || p.Domain != "" {
		t.Errorf("got %s %+v", p.Status, p.Problems)
	}
	if _, err := c.Standing(c.as("cy"), "nowhere"); !model.Is(err, model.KindNotFound) {
		t.Errorf("got %v", err)
	}
}

// shipped is the platform's package as it comes, with a remark.
func shipped(t *testing.T) []model.PolicyModule {
	t.Helper()
	files, err := fs.Glob(policies.Files, "platform/*.rego")
	must(t, err)
	var modules []model.PolicyModule
	for _, f := range files {
		text, err := fs.ReadFile(policies.Files, f)
		must(t, err)
		modules = append(modules, model.PolicyModule{Path: f, Text: string(text) + "\n# Ours.\n"})
	}
	return modules
}

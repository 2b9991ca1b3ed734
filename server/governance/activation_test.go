package governance_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// TestTwoActivationsAtOnce lets one of two approved proposals win; the other
// is told to look again, and what decides is the winner's.
func TestTwoActivationsAtOnce(t *testing.T) {
	c := newCompany(t)
	one := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	two := c.approved(c.assessed(c.draft("ana", remarked(t))))
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i, id := range []model.ID{one.ID, two.ID} {
		both.Go(func() { _, errs[i] = c.Activate(c.As("eve"), id) })
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
	state, err := c.Standing(c.As("ana"), "sales")
	c.Must(err)
	r, err := c.Revision(c.As("ana"), winner.RevisionID)
	c.Must(err)
	if state.ActiveID != winner.RevisionID || state.ServingHash != r.Hash || state.Problem != "" {
		t.Errorf("got %+v, want the winner's %s", state, r.Hash)
	}
	loser, err := c.Proposal(c.As("ana"), []model.ID{one.ID, two.ID}[lost])
	c.Must(err)
	if loser.Status != model.ProposalApproved {
		t.Errorf("the loser is %s", loser.Status)
	}
	_, err = c.Activate(c.As("eve"), loser.ID)
	servertest.WantField(t, err, model.KindConflict, "baseHash")
	loser = c.approved(c.assess(loser))
	if _, err := c.Activate(c.As("eve"), loser.ID); err != nil {
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
		all.Go(func() { _, errs[i] = c.Activate(c.As("eve"), p.ID) })
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
		_, err := c.Activate(c.As(person), p.ID)
		servertest.WantDenied(t, err, "no.rule")
	}
	_, err := c.Rollback(c.As("bo"), governance.Return{Domain: "sales"})
	servertest.WantDenied(t, err, "no.rule")
	c.reads(c, "dan", model.Deny)
}

// TestVotesCountWhileTheirVotersDo looks again at who may speak when the rules
// come into force.
func TestVotesCountWhileTheirVotersDo(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.approved(c.assessed(c.draft("ana", campaigns(t))))
	c.Stewards("sales", "ana", "abe") // eve has left
	_, err := c.Activate(c.As("ana"), p.ID)
	wantMissing(t, err, model.Approval{Role: "domain_steward", Domain: "sales", Min: 1, ExcludeRequester: true})
	c.Stewards("sales", "ana", "eve")
	_, err = c.Identity.UpdatePrincipal(c.System(), identity.PrincipalEdit{ID: c.People["bo"].ID, Suspended: new(true)})
	c.Must(err)
	_, err = c.Activate(c.As("ana"), p.ID)
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
	_, err := c.Approve(c.As("cy"), p.ID, p.Impact.Hash, "") // eve is there
	if !model.Is(err, model.KindDenied) {
		t.Fatalf("got %v, want a refusal", err)
	}
	c.Stewards("sales", "ana")
	p, err = c.Approve(c.As("cy"), p.ID, p.Impact.Hash, "")
	c.Must(err)
	if p.Status != model.ProposalApproved {
		t.Errorf("got %s, missing %+v", p.Status, p.Missing())
	}
	_, err = c.Activate(c.As("ana"), p.ID)
	c.Must(err)
}

// TestRollback returns to any revision that has been in force, and to no other.
func TestRollback(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	_, err := c.Rollback(c.As("ana"), governance.Return{Domain: "sales"})
	servertest.WantField(t, err, model.KindConflict, "domain")
	first := c.activated(c.draft("ana", campaigns(t)))
	second := c.activated(c.draft("ana", ofSales(t)))
	c.reads(c, "dan", model.Deny)
	if p, err := c.Proposal(c.As("ana"), first.ID); err != nil || p.Status != model.ProposalSuperseded {
		t.Errorf("got %s, %v", p.Status, err)
	}
	never := c.draft("ana", []model.PolicyModule{{Path: "domains/sales/campaign.rego", Text: campaign}})
	_, err = c.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: never.RevisionID})
	servertest.WantField(t, err, model.KindConflict, "revisionId")
	_, err = c.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: second.RevisionID})
	servertest.WantField(t, err, model.KindConflict, "revisionId")

	back := c.rollback("ana")
	if e := c.Last(); e.Action != "policy.rollback" || e.Reason != "it went wrong" || e.DecisionID == "" {
		t.Errorf("got event %+v", e)
	}
	if back.State.ActiveID != first.RevisionID || back.State.PreviousID != "" || back.State.ProposalID != first.ID {
		t.Errorf("got %+v, want the first revision", back.State)
	}
	c.reads(c, "dan", model.Allow)
	if p, err := c.Proposal(c.As("ana"), first.ID); err != nil || p.Status != model.ProposalActive || p.ClosedAt != nil {
		t.Errorf("got %+v, %v", p.Status, err)
	}
	if _, err := c.Rollback(c.As("cy"), governance.Return{Domain: "sales", RevisionID: second.RevisionID}); err != nil { // forward again
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
	state, err := store.PolicyStates.Get(t.Context(), c.Store, "pst_sales")
	c.Must(err)
	state.Past = append([]model.ID{old.ID, broken.ID}, state.Past...)
	_, err = c.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{
		store.PolicyRevisions.Put(old), store.PolicyRevisions.Put(broken), store.PolicyStates.Put(state),
	}})
	c.Must(err)
	_, err = c.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: broken.ID})
	wantBroken(t, err)
	if !strings.Contains(err.Error(), "opa 0.1") {
		t.Errorf("got %v, which does not name the engine", err)
	}
	if now, err := c.Standing(c.As("ana"), "sales"); err != nil || now.ActiveID != p.RevisionID {
		t.Errorf("got %+v, %v", now, err)
	}
	back, err := c.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: old.ID})
	c.Must(err)
	if !back.Rechecked || !strings.Contains(back.Notice, "opa 0.1") || back.State.ActiveID == old.ID {
		t.Errorf("got %+v", back)
	}
	fresh, err := c.Revision(c.As("ana"), back.State.ActiveID)
	c.Must(err)
	if fresh.Engine != policy.EngineVersion() || fresh.Hash != back.State.ServingHash || len(fresh.Modules) != len(old.Modules) {
		t.Errorf("got %s %s", fresh.Engine, fresh.Hash)
	}
	c.reads(c, "dan", model.Allow)
}

// wantBroken holds an error to rules that do not compile. It quotes the compiler,
// who says more than a person reads.
func wantBroken(t *testing.T, err error) {
	t.Helper()
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindConflict || e.Field != "revisionId" {
		t.Fatalf("got error %v, want a conflict about the revision", err)
	}
}

// TestRollbackToStart leaves a domain neither of whose revisions compiles any
// more, as after another engine came, and one that is sound.
func TestRollbackToStart(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	start, err := c.Standing(c.As("ana"), "sales")
	c.Must(err)
	nonsense := []model.PolicyModule{{Path: "domains/sales/x.rego", Text: "package nonsense"}}
	c.puts("pol_old", nonsense)
	c.puts("pol_new", nonsense)
	stuck := newServer(t, c.Store)
	c.Must(stuck.Load(t.Context()))
	if now, err := stuck.Standing(c.As("ana"), "sales"); err != nil || now.Problem == "" || now.ActiveID != "pol_new" || now.ServingHash != start.ServingHash {
		t.Fatalf("got %+v, %v, want the start's rules and a problem", now, err)
	}
	_, err = stuck.Rollback(c.As("ana"), governance.Return{Domain: "sales"})
	wantBroken(t, err)
	_, err = stuck.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: "pol_old", ToStart: true})
	servertest.WantField(t, err, model.KindInvalid, "returnsToStart")
	_, err = stuck.Rollback(c.As("bo"), governance.Return{Domain: "sales", ToStart: true})
	servertest.WantDenied(t, err, "no.rule")
	back, err := stuck.Rollback(c.As("ana"), governance.Return{Domain: "sales", ToStart: true, Reason: "nothing compiles"})
	c.Must(err)
	if s := back.State; s.ActiveID != "" || s.PreviousID != "" || s.Problem != "" || s.ServingHash != start.ServingHash || !strings.Contains(back.Notice, "started with") {
		t.Errorf("got %+v", back)
	}
	_, err = stuck.Rollback(c.As("ana"), governance.Return{Domain: "sales", ToStart: true})
	servertest.WantField(t, err, model.KindConflict, "domain")

	c.puts("pol_first", ofSales(t))
	c.puts("pol_second", campaigns(t))
	c.Must(stuck.Load(t.Context()))
	stuck.reads(c, "dan", model.Allow)
	back, err = stuck.Rollback(c.As("ana"), governance.Return{Domain: "sales", ToStart: true})
	c.Must(err)
	if s := back.State; s.ActiveID != "" || s.ServingHash != start.ServingHash || len(s.Past) != 4 {
		t.Errorf("past the revision before: got %+v", s)
	}
	stuck.reads(c, "dan", model.Deny)
}

// puts writes a revision into force past everybody: it need not be sound.
func (c *company) puts(id model.ID, modules []model.PolicyModule) {
	c.Helper()
	hash, _ := c.Engine.Check(c.Context(), policy.Draft{Domain: "sales", Modules: modules})
	r := model.PolicyRevision{Meta: model.Meta{ID: id}, Domain: "sales", Hash: hash, Engine: policy.EngineVersion(), Modules: modules}
	found, err := store.PolicyStates.GetMany(c.Context(), c.Store, "pst_sales")
	c.Must(err)
	state := model.PolicyState{Meta: model.Meta{ID: "pst_sales"}, Domain: "sales"}
	if len(found) > 0 {
		state = found[0]
	}
	state.PreviousID, state.ActiveID, state.Past = state.ActiveID, id, append(state.Past, id)
	_, err = c.Store.Apply(c.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyRevisions.Put(r), store.PolicyStates.Put(state)}})
	c.Must(err)
}

// TestRestart decides on by what was put in force before.
func TestRestart(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.activated(c.draft("ana", campaigns(t)))
	again := newServer(t, c.Store)
	again.reads(c, "dan", model.Deny) // not loaded yet
	c.Must(again.Load(t.Context()))
	again.reads(c, "dan", model.Allow)
	if now, err := again.Standing(c.As("ana"), "sales"); err != nil || now.ActiveID != p.RevisionID || now.Problem != "" {
		t.Errorf("got %+v, %v", now, err)
	}
}

// TestRestartWithBrokenRules keeps the last good ones and marks the domain.
func TestRestartWithBrokenRules(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	c.puts("pol_good", campaigns(t))
	c.Must(c.Load(t.Context()))
	c.puts("pol_broken", []model.PolicyModule{{Path: "domains/sales/x.rego", Text: "package nonsense"}})
	good, err := c.Revision(c.As("ana"), "pol_good")
	c.Must(err)
	for name, s := range map[string]*server{"running": c.server, "started": newServer(t, c.Store)} {
		c.Must(s.Load(t.Context()))
		s.reads(c, "dan", model.Allow)
		if now, err := s.Standing(c.As("ana"), "sales"); err != nil || now.Problem == "" || now.ServingHash != good.Hash {
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
	second := newServer(t, c.Store)
	c.Must(second.Load(t.Context()))
	ctx, stop := context.WithCancel(c.System())
	var running sync.WaitGroup
	running.Go(func() { second.Run(ctx) })
	defer running.Wait()
	defer stop()

	second.reads(c, "dan", model.Deny)
	p := c.activated(c.draft("ana", campaigns(t)))
	r, err := c.Revision(c.As("ana"), p.RevisionID)
	c.Must(err)
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
			if p.Domain == "sales" && p.Revision == hash {
				return
			}
		}
	}
	t.Fatalf("the other server does not decide by %s", hash)
}

// TestPlatformsOwnRules go the same way, with the platform's stewards, and
// must leave a way back.
func TestPlatformsOwnRules(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	state, err := c.Standing(c.As("cy"), "")
	c.Must(err)
	if state.ServingHash == "" || state.Domain != "" {
		t.Errorf("got %+v", state)
	}
	n := governance.NewProposal{Title: "Closed", Modules: []model.PolicyModule{{Path: "platform/x.rego", Text: "package souk.platform\n\nimport rego.v2\n"}}}
	_, err = c.Draft(c.As("ana"), n)
	servertest.WantDenied(t, err, "no.rule")
	p, err := c.Draft(c.As("cy"), n)
	c.Must(err)
	p, err = c.Check(c.As("kim"), p.ID)
	c.Must(err)
	if p.Status != model.ProposalDraft || len(p.Problems) == 0 || p.Problems[len(p.Problems)-1].Code != "policy.lockout" {
		t.Errorf("got %s %+v, want a way back asked for", p.Status, p.Problems)
	}
	modules := shipped(t)
	p, err = c.UpdateDraft(c.As("cy"), governance.ProposalEdit{ID: p.ID, Modules: &modules})
	c.Must(err)
	p, err = c.Check(c.As("kim"), p.ID)
	c.Must(err)
	if p.Status != model.ProposalChecked || p.Domain != "" {
		t.Errorf("got %s %+v", p.Status, p.Problems)
	}
	if _, err := c.Standing(c.As("cy"), "nowhere"); !model.Is(err, model.KindNotFound) {
		t.Errorf("got %v", err)
	}
}

// shipped is the platform's package as it comes, with a remark.
func shipped(t *testing.T) []model.PolicyModule {
	t.Helper()
	modules := fromTree(t, "platform/*.rego")
	for i := range modules {
		modules[i].Text += "\n# Ours.\n"
	}
	return modules
}

package governance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/identity"
)

// TestTakenBack holds that what the platform took back comes into force by a
// new proposal and by nothing else.
func TestTakenBack(t *testing.T) {
	inTurn(t)
	onEngines(t, takenBack)
}

func takenBack(t *testing.T, c *company) {
	t.Helper()
	bad := c.activated(c.draft("ana", campaigns(t)))
	twin := c.approvedTwin(t, bad)
	c.rollback("cy")
	c.reads(c, "dan", model.Deny)
	for _, person := range []string{"ana", "eve", "cy"} {
		_, err := c.Rollback(c.as(person), governance.Return{Domain: "sales", RevisionID: bad.RevisionID})
		wantField(t, err, model.KindConflict, "revisionId")
	}
	if _, err := c.Activate(c.as("ana"), twin.ID); !model.Is(err, model.KindConflict) {
		t.Errorf("an older proposal of the same rules: got %v, want a Conflict", err)
	}
	c.reads(c, "dan", model.Deny)
	state, err := c.Standing(c.as("ana"), "sales")
	must(t, err)
	if len(state.TakenBack) != 1 || state.TakenBackAt(bad.RevisionID) == nil {
		t.Errorf("got %+v taken back", state.TakenBack)
	}

	// Another server of the same company knows it too.
	other := newServer(t, c.store)
	must(t, other.Load(t.Context()))
	_, err = other.Rollback(c.as("ana"), governance.Return{Domain: "sales", RevisionID: bad.RevisionID})
	wantField(t, err, model.KindConflict, "revisionId")

	if again := c.activated(c.draft("ana", campaigns(t))); again.RevisionID != bad.RevisionID {
		t.Errorf("the same rules are another revision: %s", again.RevisionID)
	}
	c.reads(c, "dan", model.Allow)
}

// approvedTwin is a second proposal of the same rules that waits with all its votes.
func (c *company) approvedTwin(t *testing.T, p model.PolicyProposal) model.PolicyProposal {
	t.Helper()
	twin := c.draft("ana", campaigns(t))
	if twin.RevisionID != p.RevisionID {
		t.Fatalf("the twin is of %s", twin.RevisionID)
	}
	return c.approved(c.assessed(twin))
}

// TestForwardIsActivation lets a domain undo its own way back as far as
// activation would: with votes that count now, for the change at hand.
func TestForwardIsActivation(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	first := c.activated(c.draft("ana", campaigns(t)))
	second := c.activated(c.draft("ana", ofSales(t)))
	c.rollback("ana")
	forward := governance.Return{Domain: "sales", RevisionID: second.RevisionID}

	c.stewards("sales", "ana") // eve, who voted, has left
	_, err := c.Rollback(c.as("ana"), forward)
	wantMissing(t, err, model.Approval{Role: "domain_steward", Domain: "sales", Min: 1, ExcludeRequester: true})
	c.stewards("sales", "ana", "eve")
	if _, err = c.Rollback(c.as("ana"), forward); err != nil {
		t.Errorf("with every vote: %v", err)
	}

	_, err = c.Rollback(c.as("ana"), governance.Return{Domain: "sales", ToStart: true})
	must(t, err)
	_, err = c.Rollback(c.as("ana"), forward) // nobody has approved the way from the start to these
	wantField(t, err, model.KindConflict, "revisionId")
	if _, err = c.Rollback(c.as("ana"), governance.Return{Domain: "sales", RevisionID: first.RevisionID}); err != nil {
		t.Errorf("what was approved for the way from the start: %v", err)
	}
}

// TestTheDefaultSkipsWhatIsTakenBack returns past rules that the platform does
// not want back.
func TestTheDefaultSkipsWhatIsTakenBack(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	c.activated(c.draft("ana", ofSales(t)))
	c.activated(c.draft("ana", campaigns(t)))
	c.rollback("cy")
	third := c.activated(c.draft("ana", ofSales(t, model.PolicyModule{Path: "domains/sales/note.rego", Text: "package souk.domains.sales\n\nimport rego.v2\n\n_unused := 1\n"})))
	if back := c.rollback("ana"); back.State.PreviousID != "" || back.State.ActiveID == third.RevisionID {
		t.Errorf("got %+v", back.State)
	}
}

// TestVotesAndRightsAreOne asks for what the viewer is told they can do, and
// gets it, in every state of a proposal that votes change.
func TestVotesAndRightsAreOne(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	bot, err := c.identity.CreatePrincipal(c.system(), identity.NewPrincipal{Kind: model.Service, Name: "bot", DomainID: c.domains["sales"].ID})
	must(t, err)
	c.people["bot"] = bot
	c.stewards("sales", "ana", "eve", "bot")
	p := c.assessed(c.draft("ana", ofSales(t)))
	rights := func(person string) bool {
		t.Helper()
		can, err := c.Can(c.as(person), p.ID, model.ActPolicyApprove)
		must(t, err)
		return can[model.ActPolicyApprove] == model.Allow
	}
	for person, may := range map[string]bool{"ana": false, "bot": false, "cy": false, "eve": true} {
		if got := rights(person); got != may {
			t.Errorf("%s is told %v, want %v", person, got, may)
		}
		if !may {
			if _, err := c.Approve(c.as(person), p.ID, p.Impact.Hash, ""); !model.Is(err, model.KindDenied) {
				t.Errorf("%s votes: %v, want a refusal", person, err)
			}
		}
	}
	if _, err := c.Reject(c.as("bot"), p.ID, ""); !model.Is(err, model.KindDenied) {
		t.Errorf("a service turns rules down: %v", err)
	}
	wanted, err := c.Wanted(c.as("ana"), p.ID)
	must(t, err)
	if len(wanted) != 1 || !slices.Equal(wanted[0].VoterIDs, []model.ID{c.people["eve"].ID}) {
		t.Errorf("got %+v wanted", wanted)
	}
	p, err = c.Approve(c.as("eve"), p.ID, p.Impact.Hash, "")
	must(t, err)
	if p.Status != model.ProposalApproved || rights("eve") {
		t.Errorf("after the vote: %s, eve may %v", p.Status, rights("eve"))
	}

	// Eve leaves, abe comes: the approved proposal waits for a vote again, and takes it.
	c.stewards("sales", "ana", "abe")
	_, err = c.Activate(c.as("ana"), p.ID)
	if !model.Is(err, model.KindDenied) || !strings.Contains(err.Error(), "A steward of sales is missing.") {
		t.Errorf("without eve: %v", err)
	}
	if !rights("abe") {
		t.Error("abe is told that he may not vote")
	}
	p, err = c.Approve(c.as("abe"), p.ID, p.Impact.Hash, "")
	must(t, err)
	if _, err = c.Activate(c.as("ana"), p.ID); err != nil {
		t.Errorf("with abe: %v", err)
	}
}

// TestAVoterWhoLostTheRole holds that a vote is void once its voter is not in
// the role, even when the last vote comes after that.
func TestAVoterWhoLostTheRole(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.assessed(c.draft("ana", campaigns(t)))
	p, err := c.Approve(c.as("eve"), p.ID, p.Impact.Hash, "")
	must(t, err)
	c.stewards("sales", "ana", "abe")
	for _, person := range []string{"bo", "cy", "kim"} {
		voted, err := c.Approve(c.as(person), p.ID, p.Impact.Hash, "")
		if model.Is(err, model.KindDenied) || model.Is(err, model.KindConflict) {
			continue
		}
		must(t, err)
		p = voted
	}
	if p.Status != model.ProposalAssessed {
		t.Errorf("got %s, want it to wait for a steward of sales", p.Status)
	}
}

// TestOneStewardFirm is not trapped: the platform stands in, and where nobody
// can the answer says what to do.
func TestOneStewardFirm(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	c.stewards("sales", "ana")
	p := c.assessed(c.draft("ana", ofSales(t)))
	for _, person := range []string{"cy", "kim"} {
		_, err := c.identity.UpdatePrincipal(c.system(), identity.PrincipalEdit{ID: c.people[person].ID, Roles: &[]model.Role{model.RoleAdmin}})
		must(t, err)
	}
	wanted, err := c.Wanted(c.as("ana"), p.ID)
	must(t, err)
	if len(wanted) != 1 || len(wanted[0].VoterIDs) != 0 || !strings.Contains(wanted[0].Hint, "the role STEWARD") {
		t.Errorf("nobody can vote: got %+v", wanted)
	}
	_, err = c.identity.UpdatePrincipal(c.system(), identity.PrincipalEdit{ID: c.people["kim"].ID, Roles: &[]model.Role{model.RoleSteward}})
	must(t, err)
	kim, err := c.identity.Principal(c.system(), c.people["kim"].ID)
	must(t, err)
	c.people["kim"] = kim
	p, err = c.Approve(c.as("kim"), p.ID, p.Impact.Hash, "")
	must(t, err)
	if _, err := c.Activate(c.as("ana"), p.ID); err != nil {
		t.Error(err)
	}
}

package governance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/servertest"
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
		_, err := c.Rollback(c.As(person), governance.Return{Domain: "sales", RevisionID: bad.RevisionID})
		servertest.WantField(t, err, model.KindConflict, "revisionId")
	}
	if _, err := c.Activate(c.As("ana"), twin.ID); !model.Is(err, model.KindConflict) {
		t.Errorf("an older proposal of the same rules: got %v, want a Conflict", err)
	}
	c.reads(c, "dan", model.Deny)
	state, err := c.Standing(c.As("ana"), "sales")
	c.Must(err)
	if len(state.TakenBack) != 1 || state.TakenBackAt(bad.RevisionID) == nil {
		t.Errorf("got %+v taken back", state.TakenBack)
	}

	// Another server of the same company knows it too.
	other := newServer(t, c.Store)
	c.Must(other.Load(t.Context()))
	_, err = other.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: bad.RevisionID})
	servertest.WantField(t, err, model.KindConflict, "revisionId")

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

	c.Stewards("sales", "ana") // eve, who voted, has left
	_, err := c.Rollback(c.As("ana"), forward)
	wantMissing(t, err, model.Approval{Role: "domain_steward", Domain: "sales", Min: 1, ExcludeRequester: true})
	c.Stewards("sales", "ana", "eve")
	if _, err = c.Rollback(c.As("ana"), forward); err != nil {
		t.Errorf("with every vote: %v", err)
	}

	_, err = c.Rollback(c.As("ana"), governance.Return{Domain: "sales", ToStart: true})
	c.Must(err)
	_, err = c.Rollback(c.As("ana"), forward) // nobody has approved the way from the start to these
	servertest.WantField(t, err, model.KindConflict, "revisionId")
	if _, err = c.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: first.RevisionID}); err != nil {
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
	third := c.activated(c.draft("ana", remarked(t)))
	if back := c.rollback("ana"); back.State.PreviousID != "" || back.State.ActiveID == third.RevisionID {
		t.Errorf("got %+v", back.State)
	}
}

// TestVotesAndRightsAreOne asks for what the viewer is told they can do, and
// gets it, in every state of a proposal that votes change.
func TestVotesAndRightsAreOne(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	c.Person(servertest.Person{Name: "bot", Domain: "sales", Kind: model.Service})
	c.Stewards("sales", "ana", "eve", "bot")
	p := c.assessed(c.draft("ana", ofSales(t)))
	rights := func(person string) bool {
		t.Helper()
		can, err := c.Can(c.As(person), p.ID, model.ActPolicyApprove)
		c.Must(err)
		return can[model.ActPolicyApprove] == model.Allow
	}
	for person, may := range map[string]bool{"ana": false, "bot": false, "cy": false, "eve": true} {
		if got := rights(person); got != may {
			t.Errorf("%s is told %v, want %v", person, got, may)
		}
		if !may {
			if _, err := c.Approve(c.As(person), p.ID, p.Impact.Hash, ""); !model.Is(err, model.KindDenied) {
				t.Errorf("%s votes: %v, want a refusal", person, err)
			}
		}
	}
	if _, err := c.Reject(c.As("bot"), p.ID, ""); !model.Is(err, model.KindDenied) {
		t.Errorf("a service turns rules down: %v", err)
	}
	wanted, err := c.Wanted(c.As("ana"), p.ID)
	c.Must(err)
	if len(wanted) != 1 || !slices.Equal(wanted[0].VoterIDs, []model.ID{c.People["eve"].ID}) {
		t.Errorf("got %+v wanted", wanted)
	}
	p, err = c.Approve(c.As("eve"), p.ID, p.Impact.Hash, "")
	c.Must(err)
	if p.Status != model.ProposalApproved || rights("eve") {
		t.Errorf("after the vote: %s, eve may %v", p.Status, rights("eve"))
	}

	// Eve leaves, abe comes: the approved proposal waits for a vote again, and takes it.
	c.Stewards("sales", "ana", "abe")
	_, err = c.Activate(c.As("ana"), p.ID)
	if !model.Is(err, model.KindDenied) || !strings.Contains(err.Error(), "A steward of sales is missing.") {
		t.Errorf("without eve: %v", err)
	}
	if !rights("abe") {
		t.Error("abe is told that he may not vote")
	}
	p, err = c.Approve(c.As("abe"), p.ID, p.Impact.Hash, "")
	c.Must(err)
	if _, err = c.Activate(c.As("ana"), p.ID); err != nil {
		t.Errorf("with abe: %v", err)
	}
}

// TestAVoterWhoLostTheRole holds that a vote is void once its voter is not in
// the role, even when the last vote comes after that.
func TestAVoterWhoLostTheRole(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.assessed(c.draft("ana", campaigns(t)))
	p, err := c.Approve(c.As("eve"), p.ID, p.Impact.Hash, "")
	c.Must(err)
	c.Stewards("sales", "ana", "abe")
	for _, person := range []string{"bo", "cy", "kim"} {
		voted, err := c.Approve(c.As(person), p.ID, p.Impact.Hash, "")
		if model.Is(err, model.KindDenied) || model.Is(err, model.KindConflict) {
			continue
		}
		c.Must(err)
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
	c.Stewards("sales", "ana")
	p := c.assessed(c.draft("ana", ofSales(t)))
	for _, person := range []string{"cy", "kim"} {
		_, err := c.Identity.UpdatePrincipal(c.System(), identity.PrincipalEdit{ID: c.People[person].ID, Roles: &[]model.Role{model.RoleAdmin}})
		c.Must(err)
	}
	wanted, err := c.Wanted(c.As("ana"), p.ID)
	c.Must(err)
	if len(wanted) != 1 || len(wanted[0].VoterIDs) != 0 || !strings.Contains(wanted[0].Hint, "the role STEWARD") {
		t.Errorf("nobody can vote: got %+v", wanted)
	}
	_, err = c.Identity.UpdatePrincipal(c.System(), identity.PrincipalEdit{ID: c.People["kim"].ID, Roles: &[]model.Role{model.RoleSteward}})
	c.Must(err)
	p, err = c.Approve(c.As("kim"), p.ID, p.Impact.Hash, "")
	c.Must(err)
	if _, err := c.Activate(c.As("ana"), p.ID); err != nil {
		t.Error(err)
	}
}

package governance_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/identity"
)

// TestDraftsAreForThoseTheyTouch keeps the text and the comments of rules that
// are not in force from everybody else, by every way to them.
func TestDraftsAreForThoseTheyTouch(t *testing.T) {
	inTurn(t)
	onEngines(t, readDrafts)
}

func readDrafts(t *testing.T, c *company) {
	t.Helper()
	own := c.draft("ana", ofSales(t))      // touches sales alone
	shared := c.draft("ana", campaigns(t)) // names marketing
	_, err := c.Comment(c.As("eve"), own.ID, "Not yet.")
	c.Must(err)
	for person, may := range map[string][2]bool{"ana": {true, true}, "abe": {true, true}, "cy": {true, true}, "kim": {true, true}, "bo": {false, true}, "dan": {false, true}} {
		for i, p := range []model.PolicyProposal{own, shared} {
			_, err := c.Proposal(c.As(person), p.ID)
			if got := err == nil; got != may[i] || err != nil && !model.Is(err, model.KindNotFound) {
				t.Errorf("%s reads draft %d: %v", person, i, err)
			}
			_, err = c.Revision(c.As(person), p.RevisionID)
			if got := err == nil; got != may[i] || err != nil && !model.Is(err, model.KindNotFound) {
				t.Errorf("%s reads the rules of draft %d: %v", person, i, err)
			}
		}
		page, err := c.Proposals(c.As(person), governance.ProposalFilter{}, model.Paging{First: 10})
		c.Must(err)
		want := 1
		if may[0] {
			want = 2
		}
		if len(page.Nodes) != want {
			t.Errorf("%s lists %d drafts, want %d", person, len(page.Nodes), want)
		}
	}
	if _, err := c.Comment(c.As("bo"), own.ID, "Let me see."); !model.Is(err, model.KindNotFound) {
		t.Errorf("bo comments on what he cannot know of: %v", err)
	}

	active := c.activated(own)
	if _, err := c.Revision(c.As("dan"), active.RevisionID); err != nil {
		t.Errorf("the rules in force are not open: %v", err)
	}
	p, err := c.Proposal(c.As("dan"), active.ID)
	if err != nil || len(p.Comments) != 0 {
		t.Errorf("what was in force, for dan: %v with %d comments", err, len(p.Comments))
	}
	if p, err := c.Proposal(c.As("abe"), active.ID); err != nil || len(p.Comments) != 1 {
		t.Errorf("for the domain: %v with %d comments", err, len(p.Comments))
	}
	c.activated(shared)
	if _, err := c.Revision(c.As("dan"), active.RevisionID); err != nil {
		t.Errorf("the rules of yesterday are not open: %v", err)
	}
}

// TestWhatIsInForceIsListed names each package with the rules that decide, for
// whoever may read policies.
func TestWhatIsInForceIsListed(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	c.activated(c.draft("ana", campaigns(t)))
	state, err := c.Standing(c.As("dan"), "sales")
	c.Must(err)
	packages, err := c.Policies(c.As("dan"))
	c.Must(err)
	i := slices.IndexFunc(packages, func(p model.PolicyPackage) bool { return p.Domain == "sales" })
	if i < 0 || packages[i].Revision != state.ServingHash || !slices.Contains(packages[i].Files, "domains/sales/campaign.rego") {
		t.Errorf("got %+v, want the rules of sales, %s", packages, state.ServingHash)
	}
	_, err = c.Identity.UpdatePrincipal(c.System(), identity.PrincipalEdit{ID: c.People["dan"].ID, Suspended: new(true)})
	c.Must(err)
	if _, err := c.Policies(c.As("dan")); !model.Is(err, model.KindDenied) {
		t.Errorf("dan is suspended, and got %v", err)
	}
}

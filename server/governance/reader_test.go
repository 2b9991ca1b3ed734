package governance_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
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
	_, err := c.Comment(c.as("eve"), own.ID, "Not yet.")
	must(t, err)
	for person, may := range map[string][2]bool{"ana": {true, true}, "abe": {true, true}, "cy": {true, true}, "kim": {true, true}, "bo": {false, true}, "dan": {false, true}} {
		for i, p := range []model.PolicyProposal{own, shared} {
			_, err := c.Proposal(c.as(person), p.ID)
			if got := err == nil; got != may[i] || err != nil && !model.Is(err, model.KindNotFound) {
				t.Errorf("%s reads draft %d: %v", person, i, err)
			}
			_, err = c.Revision(c.as(person), p.RevisionID)
			if got := err == nil; got != may[i] || err != nil && !model.Is(err, model.KindNotFound) {
				t.Errorf("%s reads the rules of draft %d: %v", person, i, err)
			}
		}
		page, err := c.Proposals(c.as(person), governance.ProposalFilter{}, model.Paging{First: 10})
		must(t, err)
		want := 1
		if may[0] {
			want = 2
		}
		if len(page.Nodes) != want {
			t.Errorf("%s lists %d drafts, want %d", person, len(page.Nodes), want)
		}
	}
	if _, err := c.Comment(c.as("bo"), own.ID, "Let me see."); !model.Is(err, model.KindNotFound) {
		t.Errorf("bo comments on what he cannot know of: %v", err)
	}

	active := c.activated(own)
	if _, err := c.Revision(c.as("dan"), active.RevisionID); err != nil {
		t.Errorf("the rules in force are not open: %v", err)
	}
	p, err := c.Proposal(c.as("dan"), active.ID)
	if err != nil || len(p.Comments) != 0 {
		t.Errorf("what was in force, for dan: %v with %d comments", err, len(p.Comments))
	}
	if p, err := c.Proposal(c.as("abe"), active.ID); err != nil || len(p.Comments) != 1 {
		t.Errorf("for the domain: %v with %d comments", err, len(p.Comments))
	}
	c.activated(shared)
	if _, err := c.Revision(c.as("dan"), active.RevisionID); err != nil {
		t.Errorf("the rules of yesterday are not open: %v", err)
	}
}

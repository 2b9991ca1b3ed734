package governance_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/servertest"
)

// TestAnApprovedProposalStaysAsItWasSigned refuses another title or description
// once somebody has voted on it.
func TestAnApprovedProposalStaysAsItWasSigned(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	p := c.approved(c.assessed(c.draft("ana", ofSales(t))))
	other := "Something else"
	for _, e := range []governance.ProposalEdit{{ID: p.ID, Title: &other}, {ID: p.ID, Description: &other}} {
		_, err := c.UpdateDraft(c.As("ana"), e)
		servertest.WantField(t, err, model.KindConflict, "status")
	}
}

// TestAnAssessmentDoesNotUndoAnApproval lets a report that was being made while
// the others voted come to nothing, and leaves the proposal approved.
func TestAnAssessmentDoesNotUndoAnApproval(t *testing.T) {
	c := newCompany(t)
	p := c.assessed(c.draft("ana", ofSales(t)))
	c.reads(c, "dan", model.Deny) // so that the next report is another one
	slow := newServer(t, &crossed{Store: c.Store, action: "policy.assess", first: func() { c.approved(p) }})
	c.Must(slow.Load(t.Context()))
	_, err := slow.Assess(c.As("ana"), p.ID)
	c.Must(err)
	states, err := slow.WatchAssessment(c.As("ana"), p.ID)
	c.Must(err)
	var last model.PolicyAssessment
	for last = range states {
	}
	if last.State != model.AssessmentFailed {
		t.Errorf("the late assessment: %+v", last)
	}
	now, err := c.Proposal(c.As("ana"), p.ID)
	c.Must(err)
	if now.Status != model.ProposalApproved || now.Impact.Hash != p.Impact.Hash {
		t.Errorf("got %s", now.Status)
	}
	if _, err := c.Activate(c.As("ana"), p.ID); err != nil {
		t.Error(err)
	}
}

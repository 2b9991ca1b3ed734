package governance_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks, what they hold and who may vote once, however many questions the
// operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	rules, eve := campaigns(t), c.As("eve")
	p := c.assessed(c.draft("ana", rules))
	c.Store.Hold(t, []enginetest.Operation{
		{Name: "draft", Reads: 5, Do: func() (err error) {
			_, err = c.Draft(eve, governance.NewProposal{Domain: "sales", Modules: rules, Title: "Campaigns"})
			return
		}},
		{Name: "read a proposal", Reads: 3, Do: func() (err error) {
			_, err = c.Proposal(eve, p.ID)
			return
		}},
		{Name: "list proposals", Reads: 3, Do: func() (err error) {
			_, err = c.Proposals(eve, governance.ProposalFilter{}, model.Paging{First: 10})
			return
		}},
		{Name: "comment", Reads: 7, Do: func() (err error) {
			_, err = c.Comment(eve, p.ID, "Fine.")
			return
		}},
		{Name: "what a voter can do", Reads: 7, Do: func() (err error) {
			_, err = c.Can(eve, p.ID, model.ActPolicyApprove, model.ActPolicyComment, model.ActPolicyDraft)
			return
		}},
		{Name: "vote", Reads: 8, Do: func() (err error) {
			_, err = c.Approve(eve, p.ID, p.Impact.Hash, "fine")
			return
		}},
		{Name: "whose votes are wanted", Reads: 7, Do: func() (err error) {
			_, err = c.Wanted(eve, p.ID)
			return
		}},
	}...)
	for _, person := range []string{"bo", "cy", "kim"} {
		_, err := c.Approve(c.As(person), p.ID, p.Impact.Hash, "fine")
		c.Must(err)
	}
	c.Store.Hold(t, []enginetest.Operation{
		{Name: "activate", Reads: 15, Do: func() (err error) {
			_, err = c.Activate(eve, p.ID)
			return
		}},
		{Name: "roll back", Reads: 8, Do: func() (err error) {
			_, err = c.Rollback(eve, governance.Return{Domain: "sales"})
			return
		}},
	}...)
}

package resolver

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
)

// Policies resolves the field policies.
func (q query) Policies(ctx context.Context) ([]*model.PolicyPackage, error) {
	packages, err := q.s.Governance.Policies(ctx)
	return pointers(packages), err
}

// Params resolves what a duty needs to know.
func (obligation) Params(_ context.Context, o *model.Obligation) ([]*graph.Property, error) {
	return properties(o.Params), nil
}

// PolicyProposal resolves the field policyProposal.
func (q query) PolicyProposal(ctx context.Context, id model.ID) (*model.PolicyProposal, error) {
	p, err := q.s.Governance.Proposal(ctx, id)
	return orNull(ctx, p, err)
}

// PolicyProposals resolves the field policyProposals.
func (q query) PolicyProposals(ctx context.Context, filter *graph.PolicyProposalFilter, first int, after *string) (*graph.PolicyProposalConnection, error) {
	f := deref(filter)
	page, err := q.s.Governance.Proposals(ctx, governance.ProposalFilter{Domain: given(f.Domain), Status: given(f.Status), AuthorID: given(f.AuthorID)}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.authorId", given(f.AuthorID), model.PrefixPrincipal})
	}
	if err == nil {
		err = q.aimedAtDomain(ctx, len(page.Nodes), after, "filter.domain", given(f.Domain))
	}
	return (*graph.PolicyProposalConnection)(connect[model.PolicyProposal, graph.PolicyProposalEdge](ctx, page)), err
}

// PolicyRevision resolves the field policyRevision.
func (q query) PolicyRevision(ctx context.Context, id model.ID) (*model.PolicyRevision, error) {
	r, err := q.s.Governance.Revision(ctx, id)
	return orNull(ctx, r, err)
}

// PolicyState resolves the field policyState.
func (q query) PolicyState(ctx context.Context, name *model.Slug) (*model.PolicyStanding, error) {
	state, err := q.s.Governance.Standing(ctx, deref(name))
	return orNull(ctx, state, err)
}

// PolicyDifferences resolves the field policyDifferences.
func (q query) PolicyDifferences(ctx context.Context, proposalID model.ID, first int, after *string) (*graph.PolicyDifferenceConnection, error) {
	page, err := q.s.Governance.Differences(ctx, proposalID, paging(first, after))
	return (*graph.PolicyDifferenceConnection)(connect[model.PolicyDifference, graph.PolicyDifferenceEdge](ctx, page)), err
}

// DraftPolicy resolves the mutation.
func (m mutation) DraftPolicy(ctx context.Context, in graph.DraftPolicyInput) (*graph.DraftPolicyPayload, error) {
	p, err := m.s.Governance.Draft(ctx, governance.NewProposal{
		Domain: given(in.Domain), Modules: modules(in.Modules), Title: in.Title, Description: given(in.Description),
	})
	made, problems, err := answer(ctx, p, err)
	return &graph.DraftPolicyPayload{Proposal: made, UserErrors: problems}, err
}

// UpdatePolicyDraft resolves the mutation.
func (m mutation) UpdatePolicyDraft(ctx context.Context, in graph.UpdatePolicyDraftInput) (*graph.UpdatePolicyDraftPayload, error) {
	change := governance.ProposalEdit{ID: in.ID, Title: edit(in.Title), Description: edit(in.Description), ExpectedRevision: expected(in.ExpectedVersion)}
	if files, set := in.Modules.ValueOK(); set {
		sent := modules(files)
		change.Modules = &sent
	}
	p, err := m.s.Governance.UpdateDraft(ctx, change)
	changed, problems, err := answer(ctx, p, err)
	return &graph.UpdatePolicyDraftPayload{Proposal: changed, UserErrors: problems}, err
}

func modules(inputs []*graph.PolicyModuleInput) []model.PolicyModule {
	made := make([]model.PolicyModule, len(inputs))
	for i, in := range inputs {
		made[i] = model.PolicyModule{Path: in.Path, Text: in.Text}
	}
	return made
}

// CheckPolicy resolves the mutation.
func (m mutation) CheckPolicy(ctx context.Context, in graph.CheckPolicyInput) (*graph.CheckPolicyPayload, error) {
	p, err := m.s.Governance.Check(ctx, in.ID)
	checked, problems, err := answer(ctx, p, err)
	return &graph.CheckPolicyPayload{Proposal: checked, UserErrors: problems}, err
}

// TestPolicy resolves the mutation.
func (m mutation) TestPolicy(ctx context.Context, in graph.TestPolicyInput) (*graph.TestPolicyPayload, error) {
	p, err := m.s.Governance.Test(ctx, in.ID)
	tested, problems, err := answer(ctx, p, err)
	return &graph.TestPolicyPayload{Proposal: tested, UserErrors: problems}, err
}

// AssessPolicy resolves the mutation.
func (m mutation) AssessPolicy(ctx context.Context, in graph.AssessPolicyInput) (*graph.AssessPolicyPayload, error) {
	a, err := m.s.Governance.Assess(ctx, in.ID)
	begun, problems, err := answer(ctx, a, err)
	return &graph.AssessPolicyPayload{Assessment: begun, UserErrors: problems}, err
}

// CancelPolicyAssessment resolves the mutation.
func (m mutation) CancelPolicyAssessment(ctx context.Context, in graph.CancelPolicyAssessmentInput) (*graph.CancelPolicyAssessmentPayload, error) {
	a, err := m.s.Governance.CancelAssessment(ctx, in.ID)
	ended, problems, err := answer(ctx, a, err)
	return &graph.CancelPolicyAssessmentPayload{Assessment: ended, UserErrors: problems}, err
}

// CommentOnPolicy resolves the mutation.
func (m mutation) CommentOnPolicy(ctx context.Context, in graph.CommentOnPolicyInput) (*graph.CommentOnPolicyPayload, error) {
	p, err := m.s.Governance.Comment(ctx, in.ID, in.Text)
	discussed, problems, err := answer(ctx, p, err)
	return &graph.CommentOnPolicyPayload{Proposal: discussed, UserErrors: problems}, err
}

// ApprovePolicy resolves the mutation.
func (m mutation) ApprovePolicy(ctx context.Context, in graph.ApprovePolicyInput) (*graph.ApprovePolicyPayload, error) {
	p, err := m.s.Governance.Approve(ctx, in.ID, in.ReportHash, given(in.Comment))
	voted, problems, err := answer(ctx, p, err)
	return &graph.ApprovePolicyPayload{Proposal: voted, UserErrors: problems}, err
}

// RejectPolicy resolves the mutation.
func (m mutation) RejectPolicy(ctx context.Context, in graph.RejectPolicyInput) (*graph.RejectPolicyPayload, error) {
	p, err := m.s.Governance.Reject(ctx, in.ID, given(in.Comment))
	closed, problems, err := answer(ctx, p, err)
	return &graph.RejectPolicyPayload{Proposal: closed, UserErrors: problems}, err
}

// WithdrawPolicy resolves the mutation.
func (m mutation) WithdrawPolicy(ctx context.Context, in graph.WithdrawPolicyInput) (*graph.WithdrawPolicyPayload, error) {
	p, err := m.s.Governance.Withdraw(ctx, in.ID, given(in.Reason))
	closed, problems, err := answer(ctx, p, err)
	return &graph.WithdrawPolicyPayload{Proposal: closed, UserErrors: problems}, err
}

// ActivatePolicy resolves the mutation.
func (m mutation) ActivatePolicy(ctx context.Context, in graph.ActivatePolicyInput) (*graph.ActivatePolicyPayload, error) {
	p, err := m.s.Governance.Activate(ctx, in.ID)
	active, problems, err := answer(ctx, p, err)
	return &graph.ActivatePolicyPayload{Proposal: active, UserErrors: problems}, err
}

// RollbackPolicy resolves the mutation.
func (m mutation) RollbackPolicy(ctx context.Context, in graph.RollbackPolicyInput) (*graph.RollbackPolicyPayload, error) {
	back, err := m.s.Governance.Rollback(ctx, governance.Return{
		Domain: given(in.Domain), RevisionID: given(in.RevisionID), ToStart: given(in.ReturnsToStart), Reason: given(in.Reason),
	})
	done, problems, err := answer(ctx, back, err)
	payload := &graph.RollbackPolicyPayload{UserErrors: problems}
	if done != nil {
		payload.State, payload.WasRechecked, payload.Notice = &done.State, &done.Rechecked, &done.Notice
	}
	return payload, err
}

// ShadowPolicy resolves the mutation.
func (m mutation) ShadowPolicy(ctx context.Context, in graph.ShadowPolicyInput) (*graph.ShadowPolicyPayload, error) {
	state, err := m.s.Governance.Shadow(ctx, in.ID, in.IsOn)
	switched, problems, err := answer(ctx, state, err)
	return &graph.ShadowPolicyPayload{State: switched, UserErrors: problems}, err
}

// PolicyAssessment resolves the subscription: each state of the assessment
// until it has ended or the subscriber has gone.
func (s subscription) PolicyAssessment(ctx context.Context, proposalID model.ID) (<-chan *model.PolicyAssessment, error) {
	states, err := s.s.Governance.WatchAssessment(ctx, proposalID)
	if err != nil {
		return nil, err
	}
	return stream(ctx, states, func(ctx context.Context) (bool, error) {
		can, err := s.s.Governance.Can(ctx, proposalID, model.ActPolicyComment)
		return can[model.ActPolicyComment] == model.Allow, err
	}), nil
}

// Author resolves who wrote a proposal.
func (policyProposal) Author(ctx context.Context, p *model.PolicyProposal) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, p.AuthorID)
}

// Revision resolves the rules of a proposal.
func (r policyProposal) Revision(ctx context.Context, p *model.PolicyProposal) (*model.PolicyRevision, error) {
	return query(r).PolicyRevision(ctx, p.RevisionID)
}

// MissingApprovals resolves the approvals that a proposal lacks: of one that
// can still come into force, as things stand at this moment.
func (r policyProposal) MissingApprovals(ctx context.Context, p *model.PolicyProposal) ([]*model.Approval, error) {
	if !p.Open() {
		return pointers(p.Missing()), nil
	}
	wanted, err := r.s.Governance.Wanted(ctx, p.ID)
	missing := make([]*model.Approval, len(wanted))
	for i, w := range wanted {
		missing[i] = &w.Approval
	}
	return missing, err
}

// WantedVotes resolves the votes that a proposal lacks.
func (r policyProposal) WantedVotes(ctx context.Context, p *model.PolicyProposal) ([]*model.WantedVote, error) {
	wanted, err := r.s.Governance.Wanted(ctx, p.ID)
	return pointers(wanted), err
}

// maxVoters bounds the people that are named beside a vote.
const maxVoters = 100

// Voters resolves who could vote, among those that the viewer may know of.
func (wantedVote) Voters(ctx context.Context, w *model.WantedVote) ([]*model.Principal, error) {
	voters := []*model.Principal{}
	for _, id := range w.VoterIDs[:min(len(w.VoterIDs), maxVoters)] {
		p, err := linkTo[model.Principal](ctx, id)
		if err != nil {
			return nil, err
		}
		if p != nil {
			voters = append(voters, p)
		}
	}
	return voters, nil
}

// TakenBackIds resolves the revisions that the platform took back.
func (policyState) TakenBackIds(_ context.Context, p *model.PolicyStanding) ([]model.ID, error) {
	ids := make([]model.ID, len(p.TakenBack))
	for i, t := range p.TakenBack {
		ids[i] = t.RevisionID
	}
	return ids, nil
}

// ViewerCan resolves the viewer's rights over a proposal.
func (r policyProposal) ViewerCan(ctx context.Context, p *model.PolicyProposal) (*graph.PolicyProposalRights, error) {
	can, err := r.s.Governance.Can(ctx, p.ID, model.ActPolicyDraft, model.ActPolicyComment, model.ActPolicyApprove, model.ActPolicyActivate)
	return &graph.PolicyProposalRights{
		Edit: can[model.ActPolicyDraft], Comment: can[model.ActPolicyComment], Approve: can[model.ActPolicyApprove], Activate: can[model.ActPolicyActivate],
	}, err
}

// Author resolves who wrote a revision first.
func (policyRevision) Author(ctx context.Context, r *model.PolicyRevision) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, r.AuthorID)
}

// Approver resolves who voted.
func (policyVote) Approver(ctx context.Context, v *model.PolicyVote) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, v.ApproverID)
}

// Author resolves who made a remark.
func (policyComment) Author(ctx context.Context, c *model.PolicyComment) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, c.AuthorID)
}

// Active resolves the revision in force.
func (r policyState) Active(ctx context.Context, p *model.PolicyStanding) (*model.PolicyRevision, error) {
	return r.revision(ctx, p.ActiveID)
}

// Previous resolves what a rollback returns to.
func (r policyState) Previous(ctx context.Context, p *model.PolicyStanding) (*model.PolicyRevision, error) {
	return r.revision(ctx, p.PreviousID)
}

// OnTrial resolves the revision that is tried.
func (r policyState) OnTrial(ctx context.Context, p *model.PolicyStanding) (*model.PolicyRevision, error) {
	return r.revision(ctx, p.ShadowID)
}

func (r policyState) revision(ctx context.Context, id model.ID) (*model.PolicyRevision, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // null is the answer
	}
	return query(r).PolicyRevision(ctx, id)
}

// Proposal resolves what brought the revision in force.
func (r policyState) Proposal(ctx context.Context, p *model.PolicyStanding) (*model.PolicyProposal, error) {
	if p.ProposalID == "" {
		return nil, nil //nolint:nilnil // null is the answer
	}
	return query(r).PolicyProposal(ctx, p.ProposalID)
}

// ActivatedBy resolves who put the revision in force.
func (policyState) ActivatedBy(ctx context.Context, p *model.PolicyStanding) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, p.ActivatedBy)
}

// ActivatedAt resolves when that was.
func (policyState) ActivatedAt(_ context.Context, p *model.PolicyStanding) (*time.Time, error) {
	if p.ActivatedAt.IsZero() {
		return nil, nil //nolint:nilnil // null is the answer
	}
	return &p.ActivatedAt, nil
}

package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
)

// ProposedChange resolves the field proposedChange.
func (q query) ProposedChange(ctx context.Context, id model.ID) (*model.ProposedChange, error) {
	c, err := q.s.Mesh.ProposedChange(ctx, id)
	return orNull(ctx, c, err)
}

// ProposedChanges resolves the field proposedChanges.
func (q query) ProposedChanges(ctx context.Context, filter *graph.ProposedChangeFilter, first int, after *string) (*graph.ProposedChangeConnection, error) {
	f := deref(filter)
	page, err := q.s.Mesh.ProposedChanges(ctx, mesh.ChangeFilter{SubjectID: given(f.SubjectID), DomainID: given(f.DomainID), Status: given(f.Status)}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.subjectId", given(f.SubjectID), ""}, aim{"filter.domainId", given(f.DomainID), model.PrefixDomain})
	}
	return (*graph.ProposedChangeConnection)(connect[model.ProposedChange, graph.ProposedChangeEdge](ctx, page)), err
}

// ApproveChange resolves the mutation.
func (m mutation) ApproveChange(ctx context.Context, in graph.ApproveChangeInput) (*graph.ApproveChangePayload, error) {
	c, err := m.s.Mesh.ApproveChange(ctx, in.ID, given(in.Comment))
	voted, problems, err := answer(ctx, c, err)
	return &graph.ApproveChangePayload{ProposedChange: voted, UserErrors: problems}, err
}

// RejectChange resolves the mutation.
func (m mutation) RejectChange(ctx context.Context, in graph.RejectChangeInput) (*graph.RejectChangePayload, error) {
	c, err := m.s.Mesh.RejectChange(ctx, in.ID, given(in.Comment))
	closed, problems, err := answer(ctx, c, err)
	return &graph.RejectChangePayload{ProposedChange: closed, UserErrors: problems}, err
}

// WithdrawChange resolves the mutation.
func (m mutation) WithdrawChange(ctx context.Context, in graph.WithdrawChangeInput) (*graph.WithdrawChangePayload, error) {
	c, err := m.s.Mesh.WithdrawChange(ctx, in.ID, given(in.Reason))
	closed, problems, err := answer(ctx, c, err)
	return &graph.WithdrawChangePayload{ProposedChange: closed, UserErrors: problems}, err
}

// AskForConsent resolves the mutation.
func (m mutation) AskForConsent(ctx context.Context, in graph.AskForConsentInput) (*graph.AskForConsentPayload, error) {
	p, err := m.s.Mesh.AskForConsent(ctx, in.ID)
	offered, problems, err := answer(ctx, p, err)
	change, err := m.waiting(ctx, in.ID, problems, err)
	return &graph.AskForConsentPayload{DataProduct: offered, ProposedChange: change, UserErrors: problems}, err
}

// RevokeConsent resolves the mutation.
func (m mutation) RevokeConsent(ctx context.Context, in graph.RevokeConsentInput) (*graph.RevokeConsentPayload, error) {
	p, err := m.s.Mesh.RevokeConsent(ctx, in.ID, in.AssetIds.Value(), given(in.Reason))
	revoked, problems, err := answer(ctx, p, err)
	return &graph.RevokeConsentPayload{DataProduct: revoked, UserErrors: problems}, err
}

// waiting gives the change that a mutation has left waiting for votes.
func (m mutation) waiting(ctx context.Context, subject model.ID, problems []*graph.UserError, err error) (*model.ProposedChange, error) {
	if err != nil || len(problems) > 0 {
		return nil, err
	}
	c, err := m.s.Mesh.Pending(ctx, subject)
	if c != nil {
		linksFrom(ctx).note(c)
	}
	return c, err
}

// Subject resolves what a change is of.
func (r proposedChange) Subject(ctx context.Context, c *model.ProposedChange) (model.Noun, error) {
	return query(r).Node(ctx, c.SubjectID)
}

// Domain resolves whose subject a change is of.
func (proposedChange) Domain(ctx context.Context, c *model.ProposedChange) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, c.DomainID)
}

// Proposer resolves who proposes a change.
func (proposedChange) Proposer(ctx context.Context, c *model.ProposedChange) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, c.ProposerID)
}

// Stewards resolves whom a change names.
func (proposedChange) Stewards(ctx context.Context, c *model.ProposedChange) ([]*model.Principal, error) {
	return linkToAll[model.Principal](ctx, c.StewardIDs)
}

// WantedVotes resolves what a change lacks.
func (proposedChange) WantedVotes(ctx context.Context, c *model.ProposedChange) ([]*model.WantedVote, error) {
	wanted, _, err := linksFrom(ctx).changeVotes.one(ctx, c.ID)
	return pointers(wanted), err
}

// ViewerCan resolves the viewer's rights over a change.
func (r proposedChange) ViewerCan(ctx context.Context, c *model.ProposedChange) (*graph.ProposedChangeRights, error) {
	can, err := r.s.Mesh.CanChange(ctx, c.ID, model.ActChangeApprove, model.ActChangeReject, model.ActChangeWithdraw)
	return &graph.ProposedChangeRights{Approve: can[model.ActChangeApprove], Reject: can[model.ActChangeReject], Withdraw: can[model.ActChangeWithdraw]}, err
}

// Owner resolves who would answer for the product.
func (proposedProduct) Owner(ctx context.Context, p *model.DataProduct) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, p.OwnerID)
}

// OwnerTeam resolves who would look after the product.
func (proposedProduct) OwnerTeam(ctx context.Context, p *model.DataProduct) (*model.Team, error) {
	return linkTo[model.Team](ctx, p.OwnerTeamID)
}

// Asset resolves what may be offered.
func (consent) Asset(ctx context.Context, c *model.Consent) (*model.Asset, error) {
	return linkTo[model.Asset](ctx, c.AssetID)
}

// Domain resolves who consented.
func (consent) Domain(ctx context.Context, c *model.Consent) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, c.DomainID)
}

// UnconsentedAssets resolves what a product offers without consent.
func (product) UnconsentedAssets(ctx context.Context, p *model.DataProduct) ([]*model.Asset, error) {
	return linkToAll[model.Asset](ctx, p.Unconsented)
}

// AlsoOfferedBy resolves the products that offer the same assets.
func (product) AlsoOfferedBy(ctx context.Context, p *model.DataProduct) ([]*model.DataProduct, error) {
	others, _, err := linksFrom(ctx).alsoOffered.one(ctx, p.ID)
	return pointers(others), err
}

// ProposedChange resolves the change of a product that waits for votes.
func (product) ProposedChange(ctx context.Context, p *model.DataProduct) (*model.ProposedChange, error) {
	return follow(ctx, &linksFrom(ctx).pending, p.ID)
}

// Successor resolves what the consumers of a product shall turn to.
func (product) Successor(ctx context.Context, p *model.DataProduct) (*model.DataProduct, error) {
	return linkTo[model.DataProduct](ctx, p.SuccessorID)
}

// ProposedChange resolves the stewards who wait for another's word.
func (domain) ProposedChange(ctx context.Context, d *model.Domain) (*model.ProposedChange, error) {
	return follow(ctx, &linksFrom(ctx).pending, d.ID)
}

// MissingApprovals resolves the approvals that a request lacks now.
func (accessRequest) MissingApprovals(ctx context.Context, r *model.AccessRequest) ([]*model.Approval, error) {
	wanted, _, err := linksFrom(ctx).requestVotes.one(ctx, r.ID)
	missing := make([]*model.Approval, len(wanted))
	for i := range wanted {
		missing[i] = &wanted[i].Approval
	}
	return missing, err
}

// WantedVotes resolves the votes that a request lacks now.
func (accessRequest) WantedVotes(ctx context.Context, r *model.AccessRequest) ([]*model.WantedVote, error) {
	wanted, _, err := linksFrom(ctx).requestVotes.one(ctx, r.ID)
	return pointers(wanted), err
}

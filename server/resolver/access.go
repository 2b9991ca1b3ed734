package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/sourcegrants"
)

// AccessRequest resolves the field accessRequest.
func (q query) AccessRequest(ctx context.Context, id model.ID) (*model.AccessRequest, error) {
	r, err := q.s.Access.AccessRequest(ctx, id)
	return orNull(ctx, r, err)
}

// AccessRequests resolves the field accessRequests.
func (q query) AccessRequests(ctx context.Context, filter *graph.AccessRequestFilter, first int, after *string) (*graph.AccessRequestConnection, error) {
	f := deref(filter)
	page, err := q.s.Access.AccessRequests(ctx, access.RequestFilter{
		RequesterID: given(f.RequesterID), DomainID: given(f.DomainID), ProductID: given(f.ProductID), Status: given(f.Status),
	}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.requesterId", given(f.RequesterID), model.PrefixPrincipal}, aim{"filter.domainId", given(f.DomainID), model.PrefixDomain}, aim{"filter.productId", given(f.ProductID), model.PrefixProduct})
	}
	return (*graph.AccessRequestConnection)(connect[model.AccessRequest, graph.AccessRequestEdge](ctx, page)), err
}

// Grant resolves the field grant.
func (q query) Grant(ctx context.Context, id model.ID) (*model.Grant, error) {
	g, err := q.s.Access.Grant(ctx, id)
	return orNull(ctx, g, err)
}

// Grants resolves the field grants.
func (q query) Grants(ctx context.Context, filter *graph.GrantFilter, first int, after *string) (*graph.GrantConnection, error) {
	f := deref(filter)
	page, err := q.s.Access.Grants(ctx, access.GrantFilter{
		PrincipalID: given(f.PrincipalID), ProductID: given(f.ProductID), DomainID: given(f.DomainID), Status: given(f.Status),
	}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.principalId", given(f.PrincipalID), model.PrefixPrincipal}, aim{"filter.productId", given(f.ProductID), model.PrefixProduct}, aim{"filter.domainId", given(f.DomainID), model.PrefixDomain})
	}
	return (*graph.GrantConnection)(connect[model.Grant, graph.GrantEdge](ctx, page)), err
}

// CheckAccess resolves the mutation. A refusal is an answer like any other.
func (m mutation) CheckAccess(ctx context.Context, in graph.CheckAccessInput) (*graph.CheckAccessPayload, error) {
	d, err := m.s.Access.MayRead(ctx, in.ProductID, given(in.Purpose))
	decision, problems, err := answer(ctx, d, err)
	return &graph.CheckAccessPayload{Decision: decision, UserErrors: problems}, err
}

// RequestAccess resolves the mutation.
func (m mutation) RequestAccess(ctx context.Context, in graph.RequestAccessInput) (*graph.RequestAccessPayload, error) {
	r, err := m.s.Access.Request(ctx, access.NewRequest{ProductID: in.ProductID, Purpose: in.Purpose, Duration: in.Duration})
	made, problems, err := answer(ctx, r, err)
	return &graph.RequestAccessPayload{AccessRequest: made, UserErrors: problems}, err
}

// ApproveAccessRequest resolves the mutation.
func (m mutation) ApproveAccessRequest(ctx context.Context, in graph.ApproveAccessRequestInput) (*graph.ApproveAccessRequestPayload, error) {
	r, err := m.s.Access.Approve(ctx, in.ID, given(in.Comment))
	voted, problems, err := answer(ctx, r, err)
	return &graph.ApproveAccessRequestPayload{AccessRequest: voted, UserErrors: problems}, err
}

// RejectAccessRequest resolves the mutation.
func (m mutation) RejectAccessRequest(ctx context.Context, in graph.RejectAccessRequestInput) (*graph.RejectAccessRequestPayload, error) {
	r, err := m.s.Access.Reject(ctx, in.ID, given(in.Comment))
	closed, problems, err := answer(ctx, r, err)
	return &graph.RejectAccessRequestPayload{AccessRequest: closed, UserErrors: problems}, err
}

// CancelAccessRequest resolves the mutation.
func (m mutation) CancelAccessRequest(ctx context.Context, in graph.CancelAccessRequestInput) (*graph.CancelAccessRequestPayload, error) {
	r, err := m.s.Access.Cancel(ctx, in.ID, given(in.Reason))
	closed, problems, err := answer(ctx, r, err)
	return &graph.CancelAccessRequestPayload{AccessRequest: closed, UserErrors: problems}, err
}

// RevokeGrant resolves the mutation.
func (m mutation) RevokeGrant(ctx context.Context, in graph.RevokeGrantInput) (*graph.RevokeGrantPayload, error) {
	g, err := m.s.Access.Revoke(ctx, in.ID, given(in.Reason))
	revoked, problems, err := answer(ctx, g, err)
	return &graph.RevokeGrantPayload{Grant: revoked, UserErrors: problems}, err
}

// Product resolves what is asked for.
func (accessRequest) Product(ctx context.Context, r *model.AccessRequest) (*model.DataProduct, error) {
	return linkTo[model.DataProduct](ctx, r.ProductID)
}

// Domain resolves whose product is asked for.
func (accessRequest) Domain(ctx context.Context, r *model.AccessRequest) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, r.DomainID)
}

// Requester resolves who asks.
func (accessRequest) Requester(ctx context.Context, r *model.AccessRequest) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, r.RequesterID)
}

// Grant resolves what came of a request.
func (accessRequest) Grant(ctx context.Context, r *model.AccessRequest) (*model.Grant, error) {
	return linkTo[model.Grant](ctx, r.GrantID)
}

// ViewerCan resolves the viewer's rights over a request.
func (r accessRequest) ViewerCan(ctx context.Context, request *model.AccessRequest) (*graph.AccessRequestRights, error) {
	can, err := r.s.Access.Can(ctx, request.ID, model.ActRequestApprove, model.ActRequestReject, model.ActRequestCancel)
	return &graph.AccessRequestRights{Approve: can[model.ActRequestApprove], Reject: can[model.ActRequestReject], Cancel: can[model.ActRequestCancel]}, err
}

// Approver resolves who voted.
func (vote) Approver(ctx context.Context, v *model.Vote) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, v.ApproverID)
}

// Product resolves what a grant opens.
func (grant) Product(ctx context.Context, g *model.Grant) (*model.DataProduct, error) {
	return linkTo[model.DataProduct](ctx, g.ProductID)
}

// Domain resolves whose product a grant opens.
func (grant) Domain(ctx context.Context, g *model.Grant) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, g.DomainID)
}

// Principal resolves who holds a grant.
func (grant) Principal(ctx context.Context, g *model.Grant) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, g.PrincipalID)
}

// RevokedBy resolves who ended a grant.
func (grant) RevokedBy(ctx context.Context, g *model.Grant) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, g.RevokedBy)
}

// SourceRoles resolves the field sourceRoles.
func (q query) SourceRoles(ctx context.Context, sourceID model.ID, first int, after *string) (*graph.SourceRoleConnection, error) {
	page, err := q.s.InSources.Roles(ctx, sourceID, paging(first, after))
	return (*graph.SourceRoleConnection)(connect[model.SourceRole, graph.SourceRoleEdge](ctx, page)), err
}

// SourceGrants resolves the field sourceGrants.
func (q query) SourceGrants(ctx context.Context, filter *graph.SourceGrantFilter, first int, after *string) (*graph.SourceGrantConnection, error) {
	f := deref(filter)
	page, err := q.s.InSources.Grants(ctx, sourcegrants.Filter{GrantID: given(f.GrantID), SourceID: given(f.SourceID), State: given(f.State)}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.grantId", given(f.GrantID), model.PrefixGrant}, aim{"filter.sourceId", given(f.SourceID), model.PrefixSource})
	}
	return (*graph.SourceGrantConnection)(connect[model.SourceGrant, graph.SourceGrantEdge](ctx, page)), err
}

// SetSourceRole resolves the mutation.
func (m mutation) SetSourceRole(ctx context.Context, in graph.SetSourceRoleInput) (*graph.SetSourceRolePayload, error) {
	r, err := m.s.InSources.SetRole(ctx, sourcegrants.NewRole{SourceID: in.SourceID, PrincipalID: given(in.PrincipalID), TeamID: given(in.TeamID), Role: in.Role})
	named, problems, err := answer(ctx, r, err)
	return &graph.SetSourceRolePayload{SourceRole: named, UserErrors: problems}, err
}

// RemoveSourceRole resolves the mutation.
func (m mutation) RemoveSourceRole(ctx context.Context, in graph.RemoveSourceRoleInput) (*graph.RemoveSourceRolePayload, error) {
	r, err := m.s.InSources.RemoveRole(ctx, in.ID)
	removed, problems, err := answer(ctx, r, err)
	return &graph.RemoveSourceRolePayload{SourceRole: removed, UserErrors: problems}, err
}

// RepairSourceGrant resolves the mutation.
func (m mutation) RepairSourceGrant(ctx context.Context, in graph.RepairSourceGrantInput) (*graph.RepairSourceGrantPayload, error) {
	g, err := m.s.InSources.Repair(ctx, sourcegrants.Repair{ID: in.ID, Seen: model.Revision(in.ExpectedVersion), TakesOver: given(in.TakesOver)})
	repaired, problems, err := answer(ctx, g, err)
	return &graph.RepairSourceGrantPayload{SourceGrant: repaired, UserErrors: problems}, err
}

// Source resolves in which source it is a role.
func (sourceRole) Source(ctx context.Context, r *model.SourceRole) (*model.Source, error) {
	return linkTo[model.Source](ctx, r.SourceID)
}

// Principal resolves who reads by a role.
func (sourceRole) Principal(ctx context.Context, r *model.SourceRole) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, r.PrincipalID)
}

// Team resolves whose members read by a role.
func (sourceRole) Team(ctx context.Context, r *model.SourceRole) (*model.Team, error) {
	return linkTo[model.Team](ctx, r.TeamID)
}

// Grant resolves which grant is given in the source.
func (sourceGrant) Grant(ctx context.Context, g *model.SourceGrant) (*model.Grant, error) {
	return linkTo[model.Grant](ctx, g.GrantID)
}

// Source resolves in which source it is given.
func (sourceGrant) Source(ctx context.Context, g *model.SourceGrant) (*model.Source, error) {
	return linkTo[model.Source](ctx, g.SourceID)
}

// Asset resolves what may be read.
func (sourceGrant) Asset(ctx context.Context, g *model.SourceGrant) (*model.Asset, error) {
	return linkTo[model.Asset](ctx, g.AssetID)
}

// Principal resolves who may read it.
func (sourceGrant) Principal(ctx context.Context, g *model.SourceGrant) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, g.PrincipalID)
}

// Product resolves what it is a part of.
func (sourceGrant) Product(ctx context.Context, g *model.SourceGrant) (*model.DataProduct, error) {
	return linkTo[model.DataProduct](ctx, g.ProductID)
}

// Team resolves whose role may read it.
func (sourceGrant) Team(ctx context.Context, g *model.SourceGrant) (*model.Team, error) {
	return linkTo[model.Team](ctx, g.TeamID)
}

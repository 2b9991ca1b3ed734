package resolver

import (
	"cmp"
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
)

// Viewer resolves the field viewer.
func (q query) Viewer(ctx context.Context) (*graph.Viewer, error) {
	p, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	linksFrom(ctx).note(&p)
	return &graph.Viewer{Principal: &p}, nil
}

// ViewerCan resolves the viewer's rights on the platform.
func (v viewer) ViewerCan(ctx context.Context, _ *graph.Viewer) (*graph.PlatformRights, error) {
	can, err := v.s.Identity.Can(ctx, model.ActIdentity, model.ActDomainAdmin, model.ActAuditRead, model.ActPolicyRead)
	return &graph.PlatformRights{
		AdministerIdentity: can[model.ActIdentity], AdministerDomains: can[model.ActDomainAdmin],
		ReadAudit: can[model.ActAuditRead], ReadPolicies: can[model.ActPolicyRead],
	}, err
}

// Principal resolves the field principal.
func (q query) Principal(ctx context.Context, id *model.ID, name *string) (*model.Principal, error) {
	if err := oneOf(id != nil, name != nil); err != nil {
		return nil, err
	}
	if id != nil {
		p, err := q.s.Identity.Principal(ctx, *id)
		return orNull(ctx, p, err)
	}
	p, err := q.s.Identity.PrincipalByName(ctx, *name)
	return orNull(ctx, p, err)
}

// Principals resolves the field principals.
func (q query) Principals(ctx context.Context, first int, after *string) (*graph.PrincipalConnection, error) {
	page, err := q.s.Identity.Principals(ctx, paging(first, after))
	return (*graph.PrincipalConnection)(connect[model.Principal, graph.PrincipalEdge](ctx, page)), err
}

// Tokens resolves the field tokens.
func (q query) Tokens(ctx context.Context, principalID *model.ID, first int, after *string) (*graph.TokenConnection, error) {
	me, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	page, err := q.s.Identity.Tokens(ctx, cmp.Or(deref(principalID), me.ID), paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"principalId", deref(principalID), model.PrefixPrincipal})
	}
	return (*graph.TokenConnection)(connect[model.Token, graph.TokenEdge](ctx, page)), err
}

// CreatePrincipal resolves the mutation.
func (m mutation) CreatePrincipal(ctx context.Context, in graph.CreatePrincipalInput) (*graph.CreatePrincipalPayload, error) {
	p, err := m.s.Identity.CreatePrincipal(ctx, identity.NewPrincipal{
		Kind: in.Kind, Name: in.Name, DisplayName: given(in.DisplayName), Email: given(in.Email), DomainID: given(in.DomainID),
		TeamIDs: in.TeamIds.Value(), Roles: in.Roles.Value(), Clearance: given(in.Clearance), Region: given(in.Region),
	})
	made, problems, err := answer(ctx, p, err)
	return &graph.CreatePrincipalPayload{Principal: made, UserErrors: problems}, err
}

// UpdatePrincipal resolves the mutation.
func (m mutation) UpdatePrincipal(ctx context.Context, in graph.UpdatePrincipalInput) (*graph.UpdatePrincipalPayload, error) {
	p, err := m.s.Identity.UpdatePrincipal(ctx, identity.PrincipalEdit{
		ID: in.ID, DisplayName: edit(in.DisplayName), Email: edit(in.Email), DomainID: edit(in.DomainID), TeamIDs: editList(in.TeamIds),
		Roles: editList(in.Roles), Clearance: edit(in.Clearance), Region: edit(in.Region), Suspended: edit(in.IsSuspended), ExpectedRevision: expected(in.ExpectedVersion),
	})
	changed, problems, err := answer(ctx, p, err)
	return &graph.UpdatePrincipalPayload{Principal: changed, UserErrors: problems}, err
}

// IssueToken resolves the mutation.
func (m mutation) IssueToken(ctx context.Context, in graph.IssueTokenInput) (*graph.IssueTokenPayload, error) {
	me, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	t, secret, err := m.s.Identity.IssueToken(ctx, identity.NewToken{PrincipalID: cmp.Or(given(in.PrincipalID), me.ID), Name: in.Name, Lifetime: in.Lifetime})
	made, problems, err := answer(ctx, t, err)
	payload := &graph.IssueTokenPayload{Token: made, UserErrors: problems}
	if made != nil {
		payload.Secret = &secret
	}
	return payload, err
}

// InviteToSignIn resolves the mutation.
func (m mutation) InviteToSignIn(ctx context.Context, in graph.InviteToSignInInput) (*graph.InviteToSignInPayload, error) {
	t, secret, err := m.s.Identity.Invite(ctx, in.PrincipalID)
	made, problems, err := answer(ctx, t, err)
	payload := &graph.InviteToSignInPayload{Token: made, UserErrors: problems}
	if made != nil {
		path := identity.InvitationPath + secret
		payload.Path = &path
	}
	return payload, err
}

// RevokeToken resolves the mutation.
func (m mutation) RevokeToken(ctx context.Context, in graph.RevokeTokenInput) (*graph.RevokeTokenPayload, error) {
	t, err := m.s.Identity.RevokeToken(ctx, in.ID)
	revoked, problems, err := answer(ctx, t, err)
	return &graph.RevokeTokenPayload{Token: revoked, UserErrors: problems}, err
}

// Domain resolves a principal's domain.
func (principal) Domain(ctx context.Context, p *model.Principal) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, p.DomainID)
}

// Teams resolves a principal's teams.
func (principal) Teams(ctx context.Context, p *model.Principal) ([]*model.Team, error) {
	return linkToAll[model.Team](ctx, p.TeamIDs)
}

// Principal resolves whose token it is.
func (token) Principal(ctx context.Context, t *model.Token) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, t.PrincipalID)
}

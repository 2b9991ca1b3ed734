package gate

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// MayVote reports whether the actor's word counts towards the approval. Nobody
// votes for what they asked for themselves, whatever roles they hold.
func (g *Gate) MayVote(ctx context.Context, res policy.Resource, a model.Approval) (bool, error) {
	p, err := model.PrincipalFrom(ctx)
	if err != nil || p.ID == res.Requester {
		return false, err
	}
	switch a.Role {
	case RoleProductOwner:
		return res.Owner == p.ID, nil
	case RolePlatformSteward:
		return p.Has(model.RoleSteward), nil
	case RoleDomainSteward:
		domain := a.Domain
		if domain == "" {
			domain = res.Domain
		}
		return g.speaksFor(ctx, p, domain)
	default:
		return false, nil
	}
}

// speaksFor reports whether the principal is a steward of the domain. For one
// that has none the platform's stewards speak, or its requests would never end.
func (g *Gate) speaksFor(ctx context.Context, p model.Principal, domain model.Slug) (bool, error) {
	d, err := store.Domains.First(ctx, g.store, store.Query{Index: "by_name", Where: store.Eq("name", string(domain))})
	if model.Is(err, model.KindNotFound) {
		return false, nil // a policy may name a domain that nobody has made yet
	}
	if err != nil {
		return false, err
	}
	return d.HasSteward(p.ID) || (len(d.StewardIDs) == 0 && p.Has(model.RoleSteward)), nil
}

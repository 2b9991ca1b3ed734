package gate

import (
	"context"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// subject describes a principal as the policies see it, and gives the domains
// that it is a steward of.
func (g *Gate) subject(ctx context.Context, p model.Principal) (s policy.Subject, domains []model.Domain, err error) {
	s = policy.Subject{Type: "person", ID: p.ID, Name: p.Name, Roles: p.Roles, Clearance: p.Clearance, Region: p.Region, Suspended: p.Suspended}
	if p.Kind == model.Service {
		s.Type = "service"
	}
	if s.Domain, err = g.DomainName(ctx, p.DomainID); err != nil {
		return s, nil, err
	}
	if s.Teams, err = g.teams(ctx, p.TeamIDs); err != nil {
		return s, nil, err
	}
	q := store.Query{Index: "by_steward", Where: store.Eq("steward", string(p.ID)), Limit: store.MaxPage}
	for d, err := range store.Domains.All(ctx, g.store, q) {
		if err != nil {
			return s, nil, err
		}
		s.StewardOf, domains = append(s.StewardOf, d.Name), append(domains, d)
	}
	return s, domains, nil
}

// teams names the teams of a principal.
func (g *Gate) teams(ctx context.Context, ids []model.ID) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	teams, err := store.Teams.GetMany(ctx, g.store, ids...)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(teams))
	for i, t := range teams {
		if names[i], err = g.teamName(ctx, t); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// DomainName resolves a domain's id; "" stays "". What belongs to a domain that
// was removed in the same moment belongs to none.
func (g *Gate) DomainName(ctx context.Context, id model.ID) (model.Slug, error) {
	if id == "" {
		return "", nil
	}
	return remember(&g.names, &g.names.domains, id, func() (model.Slug, error) {
		d, err := store.Domains.Get(ctx, g.store, id)
		if model.Is(err, model.KindNotFound) {
			return "", nil
		}
		return d.Name, err
	})
}

// teamName gives the name by which policies know a team. A team's own name is
// unique in its domain only, so the domain stands before it: sales/orders.
func (g *Gate) teamName(ctx context.Context, t model.Team) (string, error) {
	domain, err := g.DomainName(ctx, t.DomainID)
	return string(domain) + "/" + string(t.Name), err
}

// ownerTeam resolves the team that owns a product; "" stays "".
func (g *Gate) ownerTeam(ctx context.Context, id model.ID) (string, error) {
	if id == "" {
		return "", nil
	}
	return remember(&g.names, &g.names.teams, id, func() (string, error) {
		t, err := store.Teams.Get(ctx, g.store, id)
		if model.Is(err, model.KindNotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return g.teamName(ctx, t)
	})
}

// grants lists the live grants of a principal. Expiry is judged here, by the
// clock, so that a late sweep never lengthens a grant.
func (g *Gate) grants(ctx context.Context, holder model.ID, now time.Time) ([]policy.GrantFact, error) {
	active, err := g.granted.Get(ctx, g.store, holder, []store.Kind{store.Grants.Kind()}, func() ([]model.Grant, bool, error) {
		all, err := g.findGrants(ctx, holder)
		return all, len(all) > fewRows, err
	})
	if err != nil {
		return nil, err
	}
	var live []policy.GrantFact
	for i := range active {
		if grant := &active[i]; grant.Live(now) {
			live = append(live, policy.GrantFact{ID: grant.ID, Product: grant.ProductID, Purpose: grant.Purpose, Until: grant.EndsAt})
		}
	}
	return live, nil
}

func (g *Gate) findGrants(ctx context.Context, holder model.ID) (active []model.Grant, err error) {
	q := store.Query{Index: "by_principal", Where: store.And(store.Eq("principal", string(holder)), store.Eq("status", string(model.GrantActive))), Limit: store.MaxPage}
	for grant, err := range store.Grants.All(ctx, g.store, q) {
		if err != nil {
			return nil, err
		}
		active = append(active, grant)
	}
	return active, nil
}

func relevant(grants []policy.GrantFact, res policy.Resource) []policy.GrantFact {
	return slices.DeleteFunc(slices.Clone(grants), func(f policy.GrantFact) bool { return f.Product != res.ID && f.Product != res.Product })
}

func rolesHeld(s policy.Subject, res policy.Resource) []model.ApproverRole {
	var held []model.ApproverRole
	if res.Domain != "" && slices.Contains(s.StewardOf, res.Domain) {
		held = append(held, model.ApproverDomainSteward)
	}
	if res.Owner != "" && res.Owner == s.ID {
		held = append(held, model.ApproverProductOwner)
	}
	if slices.Contains(s.Roles, model.RoleSteward) {
		held = append(held, model.ApproverPlatformSteward)
	}
	return held
}

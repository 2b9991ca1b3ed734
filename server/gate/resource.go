package gate

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Domain describes a domain to the policies. It owns itself.
func (g *Gate) Domain(_ context.Context, d model.Domain) (policy.Resource, error) {
	return policy.Resource{Type: "domain", ID: d.ID, Name: string(d.Name), Domain: d.Name, Described: d.Description != "", HasOwner: len(d.StewardIDs) > 0}, nil
}

// Product describes a data product to the policies.
func (g *Gate) Product(ctx context.Context, p model.DataProduct) (policy.Resource, error) {
	domain, err := g.DomainName(ctx, p.DomainID)
	res := policy.Resource{
		Type: "data_product", ID: p.ID, Name: string(p.Name), Domain: domain, Owner: p.OwnerID, OwnerTeam: string(p.OwnerTeamID),
		Classification: p.Classification, Visibility: p.Visibility, Status: string(p.Status), Tags: p.Tags, Product: p.ID,
		Described: p.Description != "", HasOwner: p.OwnerID != "",
	}
	for _, port := range p.Ports {
		if port.Direction == model.OutputPort && len(port.AssetIDs) > 0 {
			res.Ports++
		}
	}
	return res, err
}

// Asset describes one asset to the policies.
func (g *Gate) Asset(ctx context.Context, a model.Asset) (policy.Resource, error) {
	resources, err := g.Assets(ctx, []model.Asset{a})
	if err != nil {
		return policy.Resource{}, err
	}
	return resources[0], nil
}

// Assets describes assets to the policies. One is exposed when a published
// product that the whole company may discover offers it.
func (g *Gate) Assets(ctx context.Context, assets []model.Asset) ([]policy.Resource, error) {
	exposed, err := g.exposed(ctx, assets)
	if err != nil {
		return nil, err
	}
	resources := make([]policy.Resource, len(assets))
	for i, a := range assets {
		domain, err := g.DomainName(ctx, a.DomainID)
		if err != nil {
			return nil, err
		}
		resources[i] = policy.Resource{Type: "asset", ID: a.ID, Name: a.Name, Domain: domain, Status: string(a.Status),
			Tags: a.Tags, Described: a.Description != "", Exposed: exposed[a.ID]}
	}
	return resources, nil
}

// exposed finds the assets that published products offer: through the assets
// when they are few, through the products when a page of assets asks.
func (g *Gate) exposed(ctx context.Context, assets []model.Asset) (map[model.ID]bool, error) {
	exposed := map[model.ID]bool{}
	var queries []store.Query
	if len(assets) <= 2 {
		for _, a := range assets {
			queries = append(queries, store.Query{Index: "by_asset", Where: store.Eq("asset", string(a.ID)), Limit: store.MaxPage})
		}
	} else {
		for _, status := range []model.ProductStatus{model.Published, model.Deprecated} {
			queries = append(queries, store.Query{Index: "by_status", Where: store.Eq("status", string(status)), Limit: store.MaxPage})
		}
	}
	for _, q := range queries {
		for p, err := range store.Products.All(ctx, g.store, q) {
			if err != nil {
				return nil, err
			}
			if p.Visibility == model.VisibleToAll && (p.Status == model.Published || p.Status == model.Deprecated) {
				for _, id := range p.Assets(model.OutputPort) {
					exposed[id] = true
				}
			}
		}
	}
	return exposed, nil
}

// Request describes an access request to the policies; the owner is the product's.
func (g *Gate) Request(ctx context.Context, r model.AccessRequest) (policy.Resource, error) {
	p, err := store.Products.Get(ctx, g.store, r.ProductID)
	if err != nil {
		return policy.Resource{}, err
	}
	domain, err := g.DomainName(ctx, r.DomainID)
	return policy.Resource{Type: "access_request", ID: r.ID, Name: string(p.Name), Domain: domain, Owner: p.OwnerID, Classification: p.Classification,
		Status: string(r.Status), Requester: r.RequesterID, Product: r.ProductID}, err
}

// Grant describes a grant to the policies; the requester is its holder.
func (g *Gate) Grant(ctx context.Context, gr model.Grant) (policy.Resource, error) {
	p, err := store.Products.Get(ctx, g.store, gr.ProductID)
	if err != nil {
		return policy.Resource{}, err
	}
	domain, err := g.DomainName(ctx, gr.DomainID)
	return policy.Resource{Type: "grant", ID: gr.ID, Name: string(p.Name), Domain: domain, Owner: p.OwnerID, Classification: p.Classification,
		Status: string(gr.Status), Requester: gr.PrincipalID, Product: gr.ProductID}, err
}

// Source describes a source to the policies.
func (g *Gate) Source(ctx context.Context, s model.Source) (policy.Resource, error) {
	domain, err := g.DomainName(ctx, s.DomainID)
	return policy.Resource{Type: "source", ID: s.ID, Name: string(s.Name), Domain: domain}, err
}

// Principal describes a principal to the policies: a resource of the platform that it owns itself.
func (g *Gate) Principal(_ context.Context, p model.Principal) (policy.Resource, error) {
	return policy.Resource{Type: "principal", ID: p.ID, Name: p.Name, Owner: p.ID}, nil
}

// Token describes a token to the policies: its owner is its principal.
func (g *Gate) Token(_ context.Context, t model.Token) (policy.Resource, error) {
	return policy.Resource{Type: "token", ID: t.ID, Name: t.Name, Owner: t.PrincipalID}, nil
}

// Team describes a team to the policies.
func (g *Gate) Team(ctx context.Context, t model.Team) (policy.Resource, error) {
	domain, err := g.DomainName(ctx, t.DomainID)
	return policy.Resource{Type: "team", ID: t.ID, Name: string(t.Name), Domain: domain}, err
}

// Decision describes a row of the decision log to the policies; the requester is who had asked.
func (g *Gate) Decision(_ context.Context, d model.DecisionRecord) (policy.Resource, error) {
	return policy.Resource{Type: "decision", ID: d.ID, Name: string(d.Action), Domain: d.Domain, Requester: d.PrincipalID}, nil
}

// Platform describes something that belongs to no domain, such as the audit feed.
func (g *Gate) Platform(kind, name string) policy.Resource {
	return policy.Resource{Type: kind, Name: name}
}

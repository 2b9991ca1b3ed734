package gate

import (
	"context"
	"maps"
	"slices"

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
	if err != nil {
		return policy.Resource{}, err
	}
	team, err := g.ownerTeam(ctx, p.OwnerTeamID)
	res := policy.Resource{
		Type: "data_product", ID: p.ID, Name: string(p.Name), Domain: domain, Owner: p.OwnerID, OwnerTeam: team,
		Classification: p.Classification, Visibility: p.Visibility, Status: string(p.Status), Tags: p.Tags, Product: p.ID,
		Described: p.Description != "", HasOwner: p.OwnerID != "", Unconsented: len(p.Unconsented),
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

// Assets describes assets to the policies. One is exposed when products offer it
// that the whole company may discover, with the consent of its owner, and no
// product that hides it.
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
		resources[i] = policy.Resource{
			Type: "asset", ID: a.ID, Name: a.Name, Domain: domain, Status: string(a.Status),
			Tags: a.Tags, Described: a.Description != "", Exposed: exposed[a.ID],
		}
	}
	return resources, nil
}

// exposed finds the assets that published products offer: through the assets
// when they are few, through the products when a page of assets asks.
func (g *Gate) exposed(ctx context.Context, assets []model.Asset) (map[model.ID]bool, error) {
	if len(assets) > 2 {
		return g.Exposed(ctx)
	}
	o := offers{}
	for _, a := range assets {
		q := store.Query{Index: "by_asset", Where: store.Eq("asset", string(a.ID)), Limit: store.MaxPage}
		for p, err := range store.Products.All(ctx, g.store, q) {
			if err != nil {
				return nil, err
			}
			if p.MayOffer(a) {
				o.add(p)
			}
		}
	}
	return o, nil
}

// Exposed gives all assets that published products offer to the company. Nobody
// writes into the answer.
func (g *Gate) Exposed(ctx context.Context) (map[model.ID]bool, error) {
	return g.offered.Get(ctx, g.store, "", []store.Kind{store.Products.Kind()}, func() (map[model.ID]bool, bool, error) {
		ids, err := g.findExposed(ctx)
		return ids, len(ids) > fewRows, err
	})
}

// fewRows are not worth keeping: the store keeps what is small by itself, where it can.
const fewRows = 16

func (g *Gate) findExposed(ctx context.Context) (map[model.ID]bool, error) {
	o := offers{}
	for _, status := range []model.ProductStatus{model.Published, model.Deprecated} {
		q := store.Query{Index: "by_status", Where: store.Eq("status", string(status)), Limit: store.MaxPage, Budget: narrowBudget}
		for p, err := range store.Products.All(ctx, g.store, q) {
			if err != nil {
				return nil, err
			}
			o.add(p)
		}
	}
	maps.DeleteFunc(o, func(_ model.ID, toAll bool) bool { return !toAll })
	return o, nil
}

// offers tells of assets on offer whether every product that offers them is
// open to the company. What a product offers without consent is not on offer.
type offers map[model.ID]bool

func (o offers) add(p model.DataProduct) {
	if !p.OnOffer() {
		return
	}
	for _, id := range p.Assets(model.OutputPort) {
		if slices.Contains(p.Unconsented, id) {
			continue
		}
		toAll, known := o[id]
		o[id] = p.Visibility == model.VisibleToAll && (toAll || !known)
	}
}

// Request describes an access request to the policies; the owner is the product's.
func (g *Gate) Request(ctx context.Context, r model.AccessRequest) (policy.Resource, error) {
	return single(g.Requests(ctx, []model.AccessRequest{r}))
}

// Requests describes a page of access requests and reads their products together.
func (g *Gate) Requests(ctx context.Context, requests []model.AccessRequest) ([]policy.Resource, error) {
	resources, err := about(ctx, g, requests, func(r model.AccessRequest) model.ID { return r.ProductID })
	for i, r := range requests {
		if err == nil {
			res := &resources[i]
			res.Type, res.ID, res.Status, res.Requester = "access_request", r.ID, string(r.Status), r.RequesterID
		}
	}
	return resources, err
}

// RequestFor is Request for whoever has the product at hand.
func (g *Gate) RequestFor(ctx context.Context, r model.AccessRequest, p model.DataProduct) (policy.Resource, error) {
	product, err := g.Product(ctx, p)
	res := ofProduct(product)
	res.Type, res.ID, res.Status, res.Requester = "access_request", r.ID, string(r.Status), r.RequesterID
	return res, err
}

// ofProduct is what a request or a grant has of its product.
func ofProduct(p policy.Resource) policy.Resource {
	return policy.Resource{Name: p.Name, Domain: p.Domain, Owner: p.Owner, OwnerTeam: p.OwnerTeam, Classification: p.Classification, Product: p.ID}
}

// Namespace describes a namespace to the policies: it is its owner's.
func (g *Gate) Namespace(ctx context.Context, n model.Namespace) (policy.Resource, error) {
	domain, err := g.DomainName(ctx, n.DomainID)
	return policy.Resource{Type: "namespace", ID: n.ID, Name: n.Label(), Domain: domain}, err
}

// ProposedChange describes a proposed change to the policies; the requester is who
// proposes it, and the name is its kind.
func (g *Gate) ProposedChange(ctx context.Context, c model.ProposedChange) (policy.Resource, error) {
	return single(g.Changes(ctx, []model.ProposedChange{c}))
}

// Changes describes a page of proposed changes and reads their products together.
func (g *Gate) Changes(ctx context.Context, changes []model.ProposedChange) ([]policy.Resource, error) {
	var ids []model.ID
	for _, c := range changes {
		if c.SubjectID.Prefix() == model.PrefixProduct {
			ids = append(ids, c.SubjectID)
		}
	}
	products, err := many(ctx, g, store.Products, ids)
	if err != nil {
		return nil, err
	}
	resources := make([]policy.Resource, len(changes))
	for i, c := range changes {
		res := policy.Resource{}
		if at := slices.IndexFunc(products, func(p model.DataProduct) bool { return p.ID == c.SubjectID }); at >= 0 {
			if res, err = g.Product(ctx, products[at]); err != nil {
				return nil, err
			}
		}
		domain, err := g.DomainName(ctx, c.DomainID)
		if err != nil {
			return nil, err
		}
		resources[i] = policy.Resource{
			Type: "change", ID: c.ID, Name: string(c.Kind), Domain: domain, Owner: res.Owner, OwnerTeam: res.OwnerTeam,
			Classification: res.Classification, Product: res.Product, Status: string(c.Status), Requester: c.ProposerID,
		}
	}
	return resources, nil
}

// Grant describes a grant to the policies; the requester is its holder.
func (g *Gate) Grant(ctx context.Context, gr model.Grant) (policy.Resource, error) {
	return single(g.Grants(ctx, []model.Grant{gr}))
}

// Grants describes a page of grants and reads their products together.
func (g *Gate) Grants(ctx context.Context, grants []model.Grant) ([]policy.Resource, error) {
	resources, err := about(ctx, g, grants, func(gr model.Grant) model.ID { return gr.ProductID })
	for i, gr := range grants {
		if err == nil {
			res := &resources[i]
			res.Type, res.ID, res.Status, res.Requester = "grant", gr.ID, string(gr.Status), gr.PrincipalID
		}
	}
	return resources, err
}

func single(resources []policy.Resource, err error) (policy.Resource, error) {
	if err != nil {
		return policy.Resource{}, err
	}
	return resources[0], nil
}

// about gives what each row has of its product.
func about[T any](ctx context.Context, g *Gate, rows []T, productOf func(T) model.ID) ([]policy.Resource, error) {
	products := map[model.ID]policy.Resource{}
	var ids []model.ID
	for _, row := range rows {
		if id := productOf(row); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	found, err := store.Products.GetMany(ctx, g.store, ids...)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		if products[p.ID], err = g.Product(ctx, p); err != nil {
			return nil, err
		}
	}
	resources := make([]policy.Resource, len(rows))
	for i, row := range rows {
		res, ok := products[productOf(row)]
		if !ok {
			return nil, model.NotFound("data product", productOf(row))
		}
		resources[i] = ofProduct(res)
	}
	return resources, nil
}

// Source describes a source to the policies.
func (g *Gate) Source(ctx context.Context, s model.Source) (policy.Resource, error) {
	domain, err := g.DomainName(ctx, s.DomainID)
	return policy.Resource{Type: "source", ID: s.ID, Name: string(s.Name), Domain: domain}, err
}

// SourceRoles describes roles in sources to the policies: what may be done with
// one is what may be done with its source.
func (g *Gate) SourceRoles(ctx context.Context, roles []model.SourceRole) ([]policy.Resource, error) {
	resources := make([]policy.Resource, len(roles))
	sources := map[model.ID]policy.Resource{} // mostly one
	for i, r := range roles {
		if _, known := sources[r.SourceID]; !known {
			source, err := store.Sources.Get(ctx, g.store, r.SourceID)
			if err != nil {
				return nil, err
			}
			if sources[r.SourceID], err = g.Source(ctx, source); err != nil {
				return nil, err
			}
		}
		resources[i] = sources[r.SourceID]
	}
	return resources, nil
}

// SourceGrants describes grants in sources to the policies: as the grants that
// they are made for, those of a team as grants that nobody holds alone, and what
// is there for no grant that is known as its source.
func (g *Gate) SourceGrants(ctx context.Context, rows []model.SourceGrant) ([]policy.Resource, error) {
	var ids []model.ID
	for _, r := range rows {
		if r.GrantID != "" {
			ids = append(ids, r.GrantID)
		}
	}
	found, err := store.Grants.GetMany(ctx, g.store, slices.Compact(slices.Sorted(slices.Values(ids)))...)
	if err != nil {
		return nil, err
	}
	byID := map[model.ID]model.Grant{}
	for _, grant := range found {
		byID[grant.ID] = grant
	}
	var grants []model.Grant
	var strays []model.SourceRole
	for _, r := range rows {
		grant, there := byID[r.GrantID]
		switch {
		case r.Stray():
			strays = append(strays, model.SourceRole{SourceID: r.SourceID})
			continue
		case r.GrantID == "":
			grant = model.Grant{Meta: model.Meta{ID: r.ID}, ProductID: r.ProductID, Status: model.GrantActive}
		case !there:
			return nil, model.NotFound(store.Grants.Schema().Noun, r.GrantID)
		}
		grants = append(grants, grant)
	}
	return g.inOrder(ctx, rows, grants, strays)
}

// inOrder describes both, in the order of the rows.
func (g *Gate) inOrder(ctx context.Context, rows []model.SourceGrant, grants []model.Grant, strays []model.SourceRole) ([]policy.Resource, error) {
	ofGrants, err := g.Grants(ctx, grants)
	if err != nil {
		return nil, err
	}
	ofStrays, err := g.SourceRoles(ctx, strays)
	if err != nil {
		return nil, err
	}
	resources := make([]policy.Resource, 0, len(rows))
	for _, r := range rows {
		from := &ofGrants
		if r.Stray() {
			from = &ofStrays
		}
		resources = append(resources, (*from)[0])
		*from = (*from)[1:]
	}
	return resources, nil
}

// SourceGrant describes one.
func (g *Gate) SourceGrant(ctx context.Context, r model.SourceGrant) (policy.Resource, error) {
	return single(g.SourceGrants(ctx, []model.SourceGrant{r}))
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

// Decision describes a row of the decision log to the policies; the requester
// is who had asked. A row about something hidden is nobody's own: it would tell
// them of what they were kept from.
func (g *Gate) Decision(_ context.Context, d model.DecisionRecord) (policy.Resource, error) {
	res := policy.Resource{Type: "decision", ID: d.ID, Name: string(d.Action), Domain: d.Domain, Requester: d.PrincipalID}
	if d.Hidden {
		res.Requester = ""
	}
	return res, nil
}

// Platform describes something that belongs to no domain, such as the audit feed.
func (g *Gate) Platform(kind, name string) policy.Resource {
	return policy.Resource{Type: kind, Name: name}
}

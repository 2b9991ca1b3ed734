package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
)

// Domain resolves a domain's owner, which is the domain.
func (domain) Domain(_ context.Context, d *model.Domain) (*model.Domain, error) { return d, nil }

// Parent resolves the domain above.
func (domain) Parent(ctx context.Context, d *model.Domain) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, d.ParentID)
}

// Stewards resolves those who speak for a domain.
func (domain) Stewards(ctx context.Context, d *model.Domain) ([]*model.Principal, error) {
	return linkToAll[model.Principal](ctx, d.StewardIDs)
}

// ViewerCan resolves the viewer's rights in a domain.
func (r domain) ViewerCan(ctx context.Context, d *model.Domain) (*graph.DomainRights, error) {
	can, err := r.s.Mesh.CanDomain(ctx, d.ID, model.ActDomainAdmin, model.ActProductCreate, model.ActSourceAdmin)
	return &graph.DomainRights{Administer: can[model.ActDomainAdmin], CreateProduct: can[model.ActProductCreate], AdministerSources: can[model.ActSourceAdmin]}, err
}

// Domain resolves a team's domain.
func (team) Domain(ctx context.Context, t *model.Team) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, t.DomainID)
}

// Domain resolves a product's domain.
func (product) Domain(ctx context.Context, p *model.DataProduct) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, p.DomainID)
}

// Owner resolves who answers for a product.
func (product) Owner(ctx context.Context, p *model.DataProduct) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, p.OwnerID)
}

// OwnerTeam resolves the team that looks after a product.
func (product) OwnerTeam(ctx context.Context, p *model.DataProduct) (*model.Team, error) {
	return linkTo[model.Team](ctx, p.OwnerTeamID)
}

// productRights are what viewerCan of a product tells.
var productRights = []model.Action{
	model.ActDataRead, model.ActAccessRequest, model.ActProductUpdate, model.ActProductPublish, model.ActProductDeprecat, model.ActProductRetire,
}

// ViewerCan resolves the viewer's rights over a product: those over all products
// of the operation are asked for together.
func (product) ViewerCan(ctx context.Context, p *model.DataProduct) (*graph.DataProductRights, error) {
	can, seen, err := linksFrom(ctx).rights.one(ctx, p.ID)
	if err == nil && !seen {
		err = model.NotFound("data product", p.ID)
	}
	return &graph.DataProductRights{
		Read: can[model.ActDataRead], RequestAccess: can[model.ActAccessRequest], Update: can[model.ActProductUpdate],
		Publish: can[model.ActProductPublish], Deprecate: can[model.ActProductDeprecat], Retire: can[model.ActProductRetire],
	}, err
}

// Assets resolves the assets of a port that the viewer may know of.
func (port) Assets(ctx context.Context, p *model.Port) ([]*model.Asset, error) {
	return linkToAll[model.Asset](ctx, p.AssetIDs)
}

package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
)

// Domain resolves the field domain.
func (q query) Domain(ctx context.Context, id *model.ID, name *model.Slug) (*model.Domain, error) {
	if err := oneOf(id != nil, name != nil); err != nil {
		return nil, err
	}
	if id != nil {
		d, err := q.s.Mesh.Domain(ctx, *id)
		return orNull(ctx, d, err)
	}
	d, err := q.s.Mesh.DomainByName(ctx, *name)
	return orNull(ctx, d, err)
}

// Domains resolves the field domains.
func (q query) Domains(ctx context.Context, filter *graph.DomainFilter, first int, after *string) (*graph.DomainConnection, error) {
	page, err := q.s.Mesh.Domains(ctx, mesh.DomainFilter{ParentID: edit(deref(filter).ParentID)}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.parentId", given(deref(filter).ParentID), model.PrefixDomain})
	}
	return (*graph.DomainConnection)(connect[model.Domain, graph.DomainEdge](ctx, page)), err
}

// Team resolves the field team.
func (q query) Team(ctx context.Context, id model.ID) (*model.Team, error) {
	t, err := q.s.Mesh.Team(ctx, id)
	return orNull(ctx, t, err)
}

// Teams resolves the field teams.
func (q query) Teams(ctx context.Context, domainID model.ID, first int, after *string) (*graph.TeamConnection, error) {
	page, err := q.s.Mesh.Teams(ctx, domainID, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"domainId", domainID, model.PrefixDomain})
	}
	return (*graph.TeamConnection)(connect[model.Team, graph.TeamEdge](ctx, page)), err
}

// DataProduct resolves the field dataProduct.
func (q query) DataProduct(ctx context.Context, id *model.ID, in, name *model.Slug) (*model.DataProduct, error) {
	byName := in != nil && name != nil
	if (id != nil) == (in != nil || name != nil) || id == nil && !byName {
		return nil, model.Invalid("id", "give either the id or both domain and name", "leave the other arguments out")
	}
	if id != nil {
		p, err := q.s.Mesh.Product(ctx, *id)
		return orNull(ctx, p, err)
	}
	p, err := q.s.Mesh.ProductByName(ctx, *in, *name)
	return orNull(ctx, p, err)
}

// DataProducts resolves the field dataProducts.
func (q query) DataProducts(ctx context.Context, filter *graph.DataProductFilter, first int, after *string) (*graph.DataProductConnection, error) {
	f := deref(filter)
	page, err := q.s.Mesh.Products(ctx, mesh.ProductFilter{DomainID: given(f.DomainID), Status: given(f.Status), AssetID: given(f.AssetID)}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.domainId", given(f.DomainID), model.PrefixDomain}, aim{"filter.assetId", given(f.AssetID), model.PrefixAsset})
	}
	return (*graph.DataProductConnection)(connect[model.DataProduct, graph.DataProductEdge](ctx, page)), err
}

// CreateDomain resolves the mutation.
func (m mutation) CreateDomain(ctx context.Context, in graph.CreateDomainInput) (*graph.CreateDomainPayload, error) {
	d, err := m.s.Mesh.CreateDomain(ctx, mesh.NewDomain{
		Name: in.Name, DisplayName: given(in.DisplayName), Description: given(in.Description), ParentID: given(in.ParentID), StewardIDs: in.StewardIds.Value(),
	})
	made, problems, err := answer(ctx, d, err)
	return &graph.CreateDomainPayload{Domain: made, UserErrors: problems}, err
}

// UpdateDomain resolves the mutation.
func (m mutation) UpdateDomain(ctx context.Context, in graph.UpdateDomainInput) (*graph.UpdateDomainPayload, error) {
	d, err := m.s.Mesh.UpdateDomain(ctx, mesh.DomainEdit{
		ID: in.ID, DisplayName: edit(in.DisplayName), Description: edit(in.Description), ParentID: edit(in.ParentID),
		StewardIDs: editList(in.StewardIds), ExpectedRevision: expected(in.ExpectedVersion),
	})
	changed, problems, err := answer(ctx, d, err)
	waiting, err := m.waiting(ctx, in.ID, problems, err)
	return &graph.UpdateDomainPayload{Domain: changed, ProposedChange: waiting, UserErrors: problems}, err
}

// CreateTeam resolves the mutation.
func (m mutation) CreateTeam(ctx context.Context, in graph.CreateTeamInput) (*graph.CreateTeamPayload, error) {
	t, err := m.s.Mesh.CreateTeam(ctx, mesh.NewTeam{Name: in.Name, DisplayName: given(in.DisplayName), DomainID: in.DomainID})
	made, problems, err := answer(ctx, t, err)
	return &graph.CreateTeamPayload{Team: made, UserErrors: problems}, err
}

// CreateDataProduct resolves the mutation.
func (m mutation) CreateDataProduct(ctx context.Context, in graph.CreateDataProductInput) (*graph.CreateDataProductPayload, error) {
	p, err := m.s.Mesh.CreateProduct(ctx, mesh.NewProduct{
		Name: in.Name, DomainID: in.DomainID, DisplayName: given(in.DisplayName), Description: given(in.Description),
		BusinessContext: given(in.BusinessContext), OwnerID: given(in.OwnerID), OwnerTeamID: given(in.OwnerTeamID),
		Classification: given(in.Classification), Visibility: given(in.Visibility), Tags: in.Tags.Value(), Ports: ports(in.Ports.Value()),
	})
	made, problems, err := answer(ctx, p, err)
	return &graph.CreateDataProductPayload{DataProduct: made, UserErrors: problems}, err
}

// UpdateDataProduct resolves the mutation.
func (m mutation) UpdateDataProduct(ctx context.Context, in graph.UpdateDataProductInput) (*graph.UpdateDataProductPayload, error) {
	p, err := m.s.Mesh.UpdateProduct(ctx, mesh.ProductEdit{
		ID: in.ID, DisplayName: edit(in.DisplayName), Description: edit(in.Description), BusinessContext: edit(in.BusinessContext),
		OwnerID: edit(in.OwnerID), OwnerTeamID: edit(in.OwnerTeamID), Classification: edit(in.Classification), Visibility: edit(in.Visibility),
		Tags: editList(in.Tags), Ports: editPorts(in.Ports), ExpectedRevision: expected(in.ExpectedVersion),
	})
	changed, problems, err := answer(ctx, p, err)
	waiting, err := m.waiting(ctx, in.ID, problems, err)
	return &graph.UpdateDataProductPayload{DataProduct: changed, ProposedChange: waiting, UserErrors: problems}, err
}

// PublishDataProduct resolves the mutation.
func (m mutation) PublishDataProduct(ctx context.Context, in graph.PublishDataProductInput) (*graph.PublishDataProductPayload, error) {
	p, err := m.s.Mesh.PublishProduct(ctx, in.ID)
	moved, problems, err := answer(ctx, p, err)
	waiting, err := m.waiting(ctx, in.ID, problems, err)
	return &graph.PublishDataProductPayload{DataProduct: moved, ProposedChange: waiting, UserErrors: problems}, err
}

// DeprecateDataProduct resolves the mutation.
func (m mutation) DeprecateDataProduct(ctx context.Context, in graph.DeprecateDataProductInput) (*graph.DeprecateDataProductPayload, error) {
	p, err := m.s.Mesh.Deprecate(ctx, mesh.Ending{ID: in.ID, SuccessorID: given(in.SuccessorID)})
	moved, problems, err := answer(ctx, p, err)
	return &graph.DeprecateDataProductPayload{DataProduct: moved, UserErrors: problems}, err
}

// RetireDataProduct resolves the mutation.
func (m mutation) RetireDataProduct(ctx context.Context, in graph.RetireDataProductInput) (*graph.RetireDataProductPayload, error) {
	p, err := m.s.Mesh.Retire(ctx, mesh.Ending{ID: in.ID, SuccessorID: given(in.SuccessorID), Reason: given(in.Reason)})
	moved, problems, err := answer(ctx, p, err)
	return &graph.RetireDataProductPayload{DataProduct: moved, UserErrors: problems}, err
}

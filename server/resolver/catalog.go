package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
)

// Asset resolves the field asset.
func (q query) Asset(ctx context.Context, id *model.ID, in, name *string) (*model.Asset, error) {
	byName := in != nil && name != nil
	if (id != nil) == (in != nil || name != nil) || id == nil && !byName {
		return nil, model.Invalid("id", "give either the id or both namespace and name", "leave the other arguments out")
	}
	if id != nil {
		a, err := q.s.Catalog.Asset(ctx, *id)
		return orNull(ctx, a, err)
	}
	a, err := q.s.Catalog.AssetByName(ctx, *in, *name)
	return orNull(ctx, a, err)
}

// Assets resolves the field assets.
func (q query) Assets(ctx context.Context, filter *graph.AssetFilter, first int, after *string) (*graph.AssetConnection, error) {
	f := deref(filter)
	page, err := q.s.Catalog.Assets(ctx, catalog.AssetFilter{
		DomainID: given(f.DomainID), Kind: given(f.Kind), Status: given(f.Status), Namespace: given(f.Namespace),
		Platform: given(f.Platform), NamePrefix: given(f.NamePrefix), ParentID: given(f.ParentID), ProductID: given(f.ProductID),
	}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.domainId", given(f.DomainID), model.PrefixDomain}, aim{"filter.productId", given(f.ProductID), model.PrefixProduct}, aim{"filter.parentId", given(f.ParentID), model.PrefixAsset})
	}
	return (*graph.AssetConnection)(connect[model.Asset, graph.AssetEdge](ctx, page)), err
}

// Search resolves the field search.
func (q query) Search(ctx context.Context, text string, filter *graph.SearchFilter, first int, after *string) (*graph.SearchConnection, error) {
	f := deref(filter)
	wanted := catalog.SearchFilter{DomainID: given(f.DomainID)}
	for _, kind := range f.Kinds.Value() {
		wanted.Kinds = append(wanted.Kinds, catalog.SearchKind(kind))
	}
	page, err := q.s.Catalog.Search(ctx, text, wanted, paging(first, after))
	if err != nil {
		return nil, renamed(err, "text", "query")
	}
	if err := q.aimed(ctx, len(page.Nodes), after, aim{"filter.domainId", given(f.DomainID), model.PrefixDomain}); err != nil {
		return nil, err
	}
	return q.hits(ctx, page)
}

// hits fetches what was found, one call for each kind.
func (q query) hits(ctx context.Context, page catalog.Hits) (*graph.SearchConnection, error) {
	ids := make([]model.ID, len(page.Nodes))
	for i, h := range page.Nodes {
		ids[i] = h.ID
	}
	linksFrom(ctx).expect(ids...)
	c := &graph.SearchConnection{PageInfo: pageInfo(page.Cursors, page.More), IndexedPercent: page.Indexed}
	for i, h := range page.Nodes {
		entity, err := q.Node(ctx, h.ID)
		if err != nil {
			return nil, err
		}
		hit := &graph.SearchHit{Entity: entity, Score: h.Score, Matched: list(h.Matched)}
		c.Nodes = append(c.Nodes, hit)
		c.Edges = append(c.Edges, &graph.SearchEdge{Cursor: page.Cursors[i], Node: hit})
	}
	return c, nil
}

// Domain resolves an asset's domain.
func (asset) Domain(ctx context.Context, a *model.Asset) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, a.DomainID)
}

// Parent resolves what holds an asset.
func (asset) Parent(ctx context.Context, a *model.Asset) (*model.Asset, error) {
	return linkTo[model.Asset](ctx, a.ParentID)
}

// Children resolves what an asset holds.
func (r asset) Children(ctx context.Context, a *model.Asset, first int, after *string) (*graph.AssetConnection, error) {
	page, err := r.s.Catalog.Assets(ctx, catalog.AssetFilter{ParentID: a.ID}, paging(first, after))
	return (*graph.AssetConnection)(connect[model.Asset, graph.AssetEdge](ctx, page)), err
}

// Properties resolves what else the sources say of an asset.
func (asset) Properties(_ context.Context, a *model.Asset) ([]*graph.Property, error) {
	return properties(a.Properties), nil
}

// DescribedBy resolves whose description an asset has.
func (asset) DescribedBy(ctx context.Context, a *model.Asset) (*model.Source, error) {
	return linkTo[model.Source](ctx, a.DescribedBy)
}

// DescribedBy resolves whose description a field has.
func (assetField) DescribedBy(ctx context.Context, f *model.AssetField) (*model.Source, error) {
	return linkTo[model.Source](ctx, f.DescribedBy)
}

// Meta resolves what else the sources say of a field.
func (assetField) Meta(_ context.Context, f *model.AssetField) ([]*graph.Property, error) {
	return properties(f.Meta), nil
}

// Aliases resolves the names of an asset.
func (asset) Aliases(ctx context.Context, a *model.Asset) ([]*model.Alias, error) {
	aliases, _, err := linksFrom(ctx).aliases.one(ctx, a.ID)
	return pointers(aliases), err
}

// QualityRules resolves the tests of an asset.
func (asset) QualityRules(ctx context.Context, a *model.Asset) ([]*model.QualityRule, error) {
	rules, _, err := linksFrom(ctx).rules.one(ctx, a.ID)
	return pointers(rules), err
}

// Arguments resolves what a quality rule is given.
func (qualityRule) Arguments(_ context.Context, r *model.QualityRule) ([]*graph.Property, error) {
	return properties(r.Arguments), nil
}

// Source resolves who tells of a quality rule.
func (qualityRule) Source(ctx context.Context, r *model.QualityRule) (*model.Source, error) {
	return linkTo[model.Source](ctx, r.SourceID)
}

// Source resolves who has seen an asset.
func (sighting) Source(ctx context.Context, s *model.Sighting) (*model.Source, error) {
	return linkTo[model.Source](ctx, s.SourceID)
}

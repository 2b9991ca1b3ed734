package catalog

import (
	"cmp"
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Aliases lists the names that an asset goes by.
func (s *Service) Aliases(ctx context.Context, assetID model.ID) ([]model.Alias, error) {
	byAsset, err := s.AliasesByAsset(ctx, assetID)
	if err != nil {
		return nil, err
	}
	aliases, visible := byAsset[assetID]
	if !visible {
		return nil, model.NotFound("asset", assetID)
	}
	return aliases, nil
}

// AliasesByAsset lists the names of several assets at once. An asset that the
// viewer may not see has no entry.
func (s *Service) AliasesByAsset(ctx context.Context, assetIDs ...model.ID) (map[model.ID][]model.Alias, error) {
	byAsset, err := details(ctx, s, store.Aliases.All, "by_asset", func(a model.Alias) model.ID { return a.AssetID }, assetIDs)
	for id, all := range byAsset {
		aliases := slices.DeleteFunc(all, func(a model.Alias) bool { return a.Scheme == model.SchemeSource })
		byAsset[id] = aliases
		slices.SortFunc(aliases, func(a, b model.Alias) int {
			return cmp.Or(-cmp.Compare(a.Scheme, b.Scheme), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
	}
	return byAsset, err
}

// QualityRules lists the rules that run against an asset, by name.
func (s *Service) QualityRules(ctx context.Context, assetID model.ID) ([]model.QualityRule, error) {
	byAsset, err := s.QualityRulesByAsset(ctx, assetID)
	if err != nil {
		return nil, err
	}
	rules, visible := byAsset[assetID]
	if !visible {
		return nil, model.NotFound("asset", assetID)
	}
	return rules, nil
}

// QualityRulesByAsset lists the rules of several assets at once. An asset that
// the viewer may not see has no entry.
func (s *Service) QualityRulesByAsset(ctx context.Context, assetIDs ...model.ID) (map[model.ID][]model.QualityRule, error) {
	return details(ctx, s, store.QualityRules.All, "by_asset", func(r model.QualityRule) model.ID { return r.AssetID }, assetIDs)
}

// details reads what hangs on the assets that the viewer may see.
func details[T any](ctx context.Context, s *Service, all walk[T], by string, assetOf func(T) model.ID, ids []model.ID) (map[model.ID][]T, error) {
	assets, err := s.AssetsByID(ctx, ids...)
	if err != nil {
		return nil, err
	}
	found := make(map[model.ID][]T, len(assets))
	values := make([]store.Value, len(assets))
	for i, a := range assets {
		found[a.ID], values[i] = nil, string(a.ID)
	}
	for part := range slices.Chunk(values, store.MaxIn) {
		q := store.Query{Index: by, Where: store.In("asset", part...), Limit: store.MaxPage}
		for row, err := range all(ctx, s.store, q) {
			if err != nil {
				return nil, err
			}
			found[assetOf(row)] = append(found[assetOf(row)], row)
		}
	}
	return found, nil
}

// assetsOfProduct lists the assets behind the ports of one product. They are
// few, so they are read and ordered here.
func (s *Service) assetsOfProduct(ctx context.Context, f AssetFilter, p model.Paging) (model.Page[model.Asset], error) {
	var page model.Page[model.Asset]
	if err := p.Validate(); err != nil {
		return page, err
	}
	in := s.gate.Session()
	product, _, err := gate.See(ctx, in, store.Products, f.ProductID, s.gate.Product)
	if err != nil {
		return page, err
	}
	ids := unique(slices.Concat(product.Assets(model.OutputPort), product.Assets(model.InputPort)))
	assets, err := s.assetsByID(ctx, in, ids...)
	if err != nil {
		return page, err
	}
	assets = slices.DeleteFunc(assets, func(a model.Asset) bool { return !f.matches(a) })
	slices.SortFunc(assets, func(a, b model.Asset) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	list := fingerprint("assets", f)
	placeIn := func(a model.Asset) place { return place{list, index.Place{Name: a.Name, ID: a.ID}} }
	seen, err := placeOf(p.After, list)
	if err != nil {
		return page, err
	}
	if seen != nil {
		assets = slices.DeleteFunc(assets, func(a model.Asset) bool { return placeIn(a).Compare(*seen) <= 0 })
	}
	page.More = len(assets) > p.First
	for _, a := range assets[:min(len(assets), p.First)] {
		page.Nodes, page.Cursors = append(page.Nodes, a), append(page.Cursors, placeIn(a).cursor())
	}
	return page, nil
}

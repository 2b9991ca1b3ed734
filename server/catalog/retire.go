package catalog

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Retire takes back what the source had shown in the scope about every asset
// and quality rule that is not in seen, which holds what this run has shown
// there. An asset that no source shows any longer becomes RETIRED; a rule
// exists only as long as its source shows it. Whoever calls has made sure that
// the scope was listed completely.
func (s *Service) Retire(ctx context.Context, source model.Source, scope string, seen map[model.ID]bool) (RetireResult, error) {
	var r RetireResult
	q := store.Query{Where: store.Eq("scope", store.ScopeKey(source.ID, scope)), Limit: store.MaxPage, Index: "by_scope"}
	for a, err := range store.Assets.All(ctx, s.store, q) {
		if err != nil {
			return RetireResult{}, err
		}
		r.Known++
		if !seen[a.ID] {
			r.Writes = append(r.Writes, s.withdraw(a, source.ID, scope, &r))
		}
	}
	for rule, err := range store.QualityRules.All(ctx, s.store, q) {
		if err != nil {
			return RetireResult{}, err
		}
		if !seen[rule.ID] {
			r.Rules++
			r.Writes = append(r.Writes, store.QualityRules.Delete(rule))
		}
	}
	return r, nil
}

func (s *Service) withdraw(a model.Asset, source model.ID, scope string, r *RetireResult) store.Write {
	a.Sightings = slices.DeleteFunc(a.Sightings, func(o model.Sighting) bool { return o.SourceID == source && o.Scope == scope })
	a.Settle(s.now())
	r.Withdrawn++
	if a.Status == model.AssetRetired {
		r.Retired++
	}
	return store.Assets.Put(a)
}

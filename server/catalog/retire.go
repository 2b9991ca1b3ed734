package catalog

import (
	"context"

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
	known := func(id model.ID) bool {
		r.Known++
		return seen[id]
	}
	for a, err := range store.Assets.AllBut(ctx, s.store, q, known) {
		if err != nil {
			return RetireResult{}, err
		}
		r.Writes = append(r.Writes, s.withdraw(a, source.ID, scope, &r))
	}
	for rule, err := range store.QualityRules.AllBut(ctx, s.store, q, func(id model.ID) bool { return seen[id] }) {
		if err != nil {
			return RetireResult{}, err
		}
		r.Rules++
		r.Writes = append(r.Writes, store.QualityRules.Delete(rule))
	}
	return r, nil
}

// Unlist marks what the source has shown in a scope that it lists no longer.
// What is marked already stays as it is.
func (s *Service) Unlist(ctx context.Context, source model.Source, scope string) ([]store.Write, error) {
	var writes []store.Write
	q := store.Query{Where: store.Eq("scope", store.ScopeKey(source.ID, scope)), Limit: store.MaxPage, Index: "by_scope"}
	for a, err := range store.Assets.All(ctx, s.store, q) {
		if err != nil {
			return nil, err
		}
		if a.Unlist(source.ID, scope, s.now()) {
			writes = append(writes, store.Assets.Put(a))
		}
	}
	return writes, nil
}

func (s *Service) withdraw(a model.Asset, source model.ID, scope string, r *RetireResult) store.Write {
	before := a.Status
	a.Withdraw(source, scope, s.now())
	r.Withdrawn++
	switch {
	case a.Status == model.AssetRetired:
		r.Retired++
		r.Gone = append(r.Gone, a.Name)
	case before == model.AssetActive && a.Status == model.AssetUnresolved:
		r.Named = append(r.Named, a.Name)
	}
	return store.Assets.Put(a)
}

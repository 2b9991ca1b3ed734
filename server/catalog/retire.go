package catalog

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

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
		s.withdraw(a, source.ID, scope, &r)
	}
	for rule, err := range store.QualityRules.AllBut(ctx, s.store, q, func(id model.ID) bool { return seen[id] }) {
		if err != nil {
			return RetireResult{}, err
		}
		r.rule(rule)
	}
	return r, nil
}

// TakeBack gives the writes of the result in parts of a bounded size, and reads
// for each what it is about. The rules go first: they are found by their assets.
func (s *Service) TakeBack(ctx context.Context, source model.ID, scope string, r RetireResult) []iter.Seq2[[]store.Write, error] {
	withdraw := func(a model.Asset) (store.Write, bool) {
		a.Withdraw(source, scope, s.now())
		return store.Assets.Put(a), true
	}
	remove := func(rule model.QualityRule) (store.Write, bool) { return store.QualityRules.Delete(rule), true }
	return []iter.Seq2[[]store.Write, error]{
		store.QualityRules.Parts(ctx, s.store, r.RuleIDs, remove), store.Assets.Parts(ctx, s.store, r.AssetIDs, withdraw),
	}
}

// Shown gives those of the named assets that the source has shown in the scope,
// with the names that people know them by. A name that leads nowhere is left out:
// what is not known cannot be gone.
func (s *Service) Shown(ctx context.Context, source model.Source, scope string, refs []Ref) (map[model.ID]string, error) {
	named := map[model.ID]bool{}
	for part := range slices.Chunk(refs, store.MaxIn) {
		if err := s.callEach(ctx, source.ID, part, named); err != nil {
			return nil, err
		}
	}
	shown := map[model.ID]string{}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(named)), store.MaxIn) {
		assets, err := store.Assets.GetMany(ctx, s.store, part...)
		if err != nil {
			return nil, err
		}
		for _, a := range assets {
			if slices.ContainsFunc(a.Sightings, func(o model.Sighting) bool { return o.SourceID == source.ID && o.Scope == scope }) {
				shown[a.ID] = strings.Clone(a.Name)
			}
		}
	}
	return shown, nil
}

// RetireNamed is Retire of some assets alone: those that the source itself says
// are gone, and their tests.
func (s *Service) RetireNamed(ctx context.Context, source model.Source, scope string, named map[model.ID]string) (RetireResult, error) {
	var r RetireResult
	q := store.Query{Where: store.Eq("scope", store.ScopeKey(source.ID, scope)), Limit: store.MaxPage, Index: "by_scope"}
	if len(named) == 0 {
		return r, nil
	}
	known := func(id model.ID) bool {
		r.Known++
		return named[id] == ""
	}
	for a, err := range store.Assets.AllBut(ctx, s.store, q, known) {
		if err != nil {
			return RetireResult{}, err
		}
		s.withdraw(a, source.ID, scope, &r)
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(named)), store.MaxIn) {
		about := store.Query{Index: "by_asset", Where: store.InIDs("asset", part...), Limit: store.MaxPage}
		for rule, err := range store.QualityRules.All(ctx, s.store, about) {
			if err != nil {
				return RetireResult{}, err
			}
			if rule.SourceID == source.ID && rule.Scope == scope {
				r.rule(rule)
			}
		}
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

func (r *RetireResult) rule(rule model.QualityRule) {
	r.Rules++
	r.RuleIDs = append(r.RuleIDs, rule.ID)
}

func (s *Service) withdraw(a model.Asset, source model.ID, scope string, r *RetireResult) {
	before := a.Status
	a.Withdraw(source, scope, s.now())
	r.Withdrawn++
	r.AssetIDs = append(r.AssetIDs, a.ID)
	switch {
	case a.Status == model.AssetRetired:
		r.Retired++
		r.Gone = append(r.Gone, strings.Clone(a.Name))
	case before == model.AssetActive && a.Status == model.AssetUnresolved:
		r.Named = append(r.Named, strings.Clone(a.Name))
	}
}

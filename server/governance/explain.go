package governance

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Explain says why a decision came out as it did, by the rules that decided
// it, even if others are in force by now. It asks nobody whether the actor may
// know: that is the duty of whoever shows it.
func (s *Service) Explain(ctx context.Context, d model.DecisionRecord) (model.Explanation, error) {
	modules, err := s.past(ctx, "", d.Decision.Revisions.Platform)
	if err != nil {
		return model.Explanation{}, err
	}
	if d.Domain != "" {
		own, err := s.past(ctx, d.Domain, d.Decision.Revisions.Domain)
		if err != nil {
			return model.Explanation{}, err
		}
		modules = append(modules, own...)
	}
	if asker := policy.AskerDomain(d.Input); asker != "" {
		theirs, err := s.past(ctx, asker, d.Decision.Revisions.Consent)
		if err != nil {
			return model.Explanation{}, err
		}
		modules = append(modules, theirs...)
	}
	return s.engine.Explain(ctx, d, modules)
}

// past gives the files of a revision that has been in force, the newest of
// those with the hash. There are none for the rules that decide now and for
// those that the server was started with: the engine has them.
func (s *Service) past(ctx context.Context, domain model.Slug, hash string) ([]model.PolicyModule, error) {
	if hash == "" || hash == s.hash(domain) {
		return nil, nil
	}
	state, err := s.stateOf(ctx, domain)
	if err != nil {
		return nil, err
	}
	for _, revision := range slices.Backward(state.Past) {
		found, err := store.PolicyRevisions.GetMany(ctx, s.store, revision)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 && found[0].Hash == hash {
			return found[0].Modules, nil
		}
	}
	return nil, nil
}

package impact

import (
	"cmp"
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/partial"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// rowSteps is how many steps one row of a list takes at most, as far as made-up
// askers and rows tell; 0 where the lists of the domain are filters.
func rowSteps(ctx context.Context, s *decide.Snapshot, domain model.Slug) int {
	domain = cmp.Or(domain, question.AnyDomain)
	most := 0
	for _, q := range personas(domain) {
		q.Action = model.ActMetadataView
		for _, kind := range partial.ListedTypes {
			q.Resource.Type = kind
			if s.View(ctx, q).Of(domain) == nil {
				most = max(most, s.Decide(ctx, q).Steps)
			}
		}
	}
	return most
}

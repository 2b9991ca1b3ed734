package policy

import (
	"cmp"
	"context"

	"github.com/souk-mesh/souk/graph/model"
)

// rowSteps is how many steps one row of a list takes at most, as far as made-up
// askers and rows tell; 0 where the lists of the domain are filters.
func rowSteps(ctx context.Context, s *Snapshot, domain model.Slug) int {
	domain = cmp.Or(domain, anyDomain)
	most := 0
	for _, q := range personas(domain) {
		q.Action = model.ActMetadataView
		for _, kind := range listed {
			q.Resource.Type = kind
			if s.View(ctx, q).Of(domain) == nil {
				most = max(most, s.Decide(ctx, q).Steps)
			}
		}
	}
	return most
}

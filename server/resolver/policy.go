package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
)

// Policies resolves the field policies.
func (q query) Policies(ctx context.Context) ([]*model.PolicyPackage, error) {
	packages, err := q.s.Governance.Policies(ctx)
	return pointers(packages), err
}

// Params resolves what a duty needs to know.
func (obligation) Params(_ context.Context, o *model.Obligation) ([]*graph.Property, error) {
	return properties(o.Params), nil
}

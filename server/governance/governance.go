// Package governance owns what people may know of the policies in force. It
// decides nothing: policy does.
package governance

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
)

// Service answers questions about the policies.
type Service struct {
	gate   *gate.Gate
	engine *policy.Engine
}

// New makes the service.
func New(g *gate.Gate, e *policy.Engine) *Service { return &Service{gate: g, engine: e} }

// Policies lists the packages that the server decides with, the platform's
// first. It returns an error of kind Denied to whoever may not read them.
func (s *Service) Policies(ctx context.Context) ([]model.PolicyPackage, error) {
	if _, err := s.gate.Require(ctx, model.ActPolicyRead, s.gate.Platform("policy", "policies")); err != nil {
		return nil, err
	}
	return s.engine.Snapshot().Packages(), nil
}

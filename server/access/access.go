// Package access owns the way from wanting data to reading it: requests,
// votes and grants. It makes no grant that the policies have not allowed at
// that moment, counts nobody's vote for their own request, and ends what is over.
package access

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service keeps access requests and grants.
type Service struct {
	store store.Store
	gate  *gate.Gate
	now   func() time.Time
}

// New makes the service.
func New(s store.Store, g *gate.Gate, now func() time.Time) *Service {
	return &Service{store: s, gate: g, now: now}
}

// NewRequest asks for access: to what, why and for how long.
type NewRequest struct {
	ProductID model.ID
	Purpose   string
	Duration  time.Duration
}

// RequestFilter narrows a list of requests; empty fields do not.
type RequestFilter struct {
	RequesterID model.ID
	DomainID    model.ID
	ProductID   model.ID
	Status      model.RequestStatus
}

// GrantFilter narrows a list of grants; empty fields do not.
type GrantFilter struct {
	PrincipalID model.ID
	ProductID   model.ID
	DomainID    model.ID
	Status      model.GrantStatus
}

// Can tells what the policies let the actor do with a request.
func (s *Service) Can(ctx context.Context, requestID model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	r, res, err := s.see(ctx, requestID)
	if err != nil {
		return nil, err
	}
	can := make(map[model.Action]model.Outcome, len(actions))
	for _, action := range actions {
		answer, err := s.ask(ctx, action, r, res)
		if err != nil {
			return nil, err
		}
		can[action] = answer.Outcome
	}
	return can, nil
}

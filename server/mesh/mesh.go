// Package mesh owns what people declare: domains, their teams, and the data
// products that they offer to each other. It keeps names unique and the tree
// of domains a tree. It refuses to decide who may do so: the policies do.
package mesh

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/approval"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service keeps domains, teams and data products.
type Service struct {
	store store.Store
	gate  *gate.Gate
	votes *approval.Room
	now   func() time.Time
}

// New makes the service.
func New(s store.Store, g *gate.Gate, now func() time.Time) *Service {
	return &Service{store: s, gate: g, votes: approval.New(s), now: now}
}

// Can tells what the policies let the actor do with a product.
func (s *Service) Can(ctx context.Context, productID model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	p, err := s.Product(ctx, productID)
	if err != nil {
		return nil, err
	}
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return nil, err
	}
	can, err := s.gate.Can(ctx, res, actions...)
	if _, asked := can[model.ActProductRetire]; err != nil || !asked {
		return can, err
	}
	answer, err := s.askEnd(ctx, p, res, model.ActProductRetire)
	can[model.ActProductRetire] = answer.Outcome
	return can, err
}

// CanDomain tells what the policies let the actor do in a domain.
func (s *Service) CanDomain(ctx context.Context, domainID model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	d, err := s.Domain(ctx, domainID)
	if err != nil {
		return nil, err
	}
	res, err := s.gate.Domain(ctx, d)
	if err != nil {
		return nil, err
	}
	return s.gate.Can(ctx, res, actions...)
}

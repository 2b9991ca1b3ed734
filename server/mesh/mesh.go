// Package mesh owns what people declare: domains, their teams, and the data
// products that they offer to each other. It keeps names unique and the tree
// of domains a tree. It refuses to decide who may do so: the policies do.
package mesh

import (
	"context"
	"log/slog"
	"slices"
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
	log   *slog.Logger
}

// New makes the service. What Run cannot do is told to log.
func New(s store.Store, g *gate.Gate, now func() time.Time, log *slog.Logger) *Service {
	return &Service{store: s, gate: g, votes: approval.New(s), now: now, log: log}
}

// Can tells what the policies let the actor do with a product.
func (s *Service) Can(ctx context.Context, productID model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	in := s.gate.Session()
	p, res, err := s.seeProduct(ctx, in, productID)
	if err != nil {
		return nil, err
	}
	published, publish := s.toPublish(p, actions)
	if publish {
		actions = slices.DeleteFunc(slices.Clone(actions), func(a model.Action) bool { return a == model.ActProductPublish })
	}
	can, err := in.Can(ctx, res, actions...)
	if err != nil {
		return nil, err
	}
	if _, asked := can[model.ActProductRetire]; asked {
		answer, err := s.askEnd(ctx, in, p, res, model.ActProductRetire)
		if err != nil {
			return nil, err
		}
		can[model.ActProductRetire] = answer.Outcome
	}
	if publish {
		can[model.ActProductPublish], err = s.canPublish(ctx, in, p, published)
	}
	return can, err
}

// toPublish gives the product as publishing would leave it, when that is asked
// about and it can get there.
func (s *Service) toPublish(p model.DataProduct, actions []model.Action) (model.DataProduct, bool) {
	if !slices.Contains(actions, model.ActProductPublish) {
		return p, false
	}
	err := p.Move(model.Published, model.Instant(s.now()))
	return p, err == nil
}

// canPublish tells what PublishProduct would do: the owners of what the product
// offers have their say, and while a change of it waits nothing else happens.
func (s *Service) canPublish(ctx context.Context, in *gate.Session, was, p model.DataProduct) (model.Outcome, error) {
	j, err := s.judgeProduct(ctx, in, was, p, nil)
	if err != nil || j.outcome == model.Deny {
		return model.Deny, err
	}
	if other, err := s.waiting(ctx, was.ID); err != nil || other != nil {
		return model.Deny, err
	}
	return j.outcome, nil
}

// CanDomain tells what the policies let the actor do in a domain.
func (s *Service) CanDomain(ctx context.Context, domainID model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	in := s.gate.Session()
	_, res, err := s.seeDomain(ctx, in, domainID)
	if err != nil {
		return nil, err
	}
	return in.Can(ctx, res, actions...)
}

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
	"github.com/souk-mesh/souk/server/policy"
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
	can, err := s.can(ctx, in, []model.DataProduct{p}, []policy.Resource{res}, actions)
	if err != nil {
		return nil, err
	}
	return can[0], nil
}

// CanEach is Can for the products of a page, by their ids: for all of them the
// facts of who asks are read once. Those that the actor may not know of are left out.
func (s *Service) CanEach(ctx context.Context, ids []model.ID, actions ...model.Action) (map[model.ID]map[model.Action]model.Outcome, error) {
	in := s.gate.Session()
	products, err := gate.SeeMany(ctx, in, store.Products, gate.Each(s.gate.Product), ids...)
	if err != nil {
		return nil, err
	}
	resources, err := gate.Each(s.gate.Product)(ctx, products)
	if err != nil {
		return nil, err
	}
	rights, err := s.can(ctx, in, products, resources, actions)
	if err != nil {
		return nil, err
	}
	can := make(map[model.ID]map[model.Action]model.Outcome, len(products))
	for i, p := range products {
		can[p.ID] = rights[i]
	}
	return can, nil
}

// can judges products that the actor may know of. Publishing one that is not on
// offer, and retiring one, hang on more than the product: that is looked up only
// where some rule would allow it.
func (s *Service) can(ctx context.Context, in *gate.Session, products []model.DataProduct, resources []policy.Resource, actions []model.Action) ([]map[model.Action]model.Outcome, error) {
	plain := slices.DeleteFunc(slices.Clone(actions), func(a model.Action) bool { return a == model.ActProductPublish || a == model.ActProductRetire })
	can, err := in.Rights(ctx, resources, plain...)
	if err != nil {
		return nil, err
	}
	if err := s.canPublishEach(ctx, in, products, resources, actions, can); err != nil || !slices.Contains(actions, model.ActProductRetire) {
		return can, err
	}
	for i, p := range products {
		if can[i][model.ActProductRetire], err = s.canRetire(ctx, in, p, resources[i]); err != nil {
			return nil, err
		}
	}
	return can, nil
}

// canRetire tells what retiring would come to.
func (s *Service) canRetire(ctx context.Context, in *gate.Session, p model.DataProduct, res policy.Resource) (model.Outcome, error) {
	extra := gate.Extra{Purpose: endOfProduct, Ending: &policy.EndingFact{}}
	if outcome, sure, err := in.Foresee(ctx, model.ActProductRetire, res, extra); err != nil || sure {
		return outcome, err
	}
	fact, err := s.ending(ctx, p)
	if err != nil {
		return "", err
	}
	who, err := model.PrincipalFrom(ctx)
	if err != nil {
		return "", err
	}
	extra.Ending = fact
	d, err := in.Would(ctx, who, model.ActProductRetire, res, extra)
	return d.Outcome, err
}

// canPublishEach adds whether the products could be published: those that can get
// there as publishing would leave them, and the others as they are.
func (s *Service) canPublishEach(ctx context.Context, in *gate.Session, products []model.DataProduct, resources []policy.Resource, actions []model.Action, can []map[model.Action]model.Outcome) error {
	if !slices.Contains(actions, model.ActProductPublish) {
		return nil
	}
	var (
		settled []policy.Resource
		at      []int
	)
	for i, p := range products {
		published, publish := s.toPublish(p, actions)
		if !publish {
			settled, at = append(settled, resources[i]), append(at, i)
			continue
		}
		var err error
		if can[i][model.ActProductPublish], err = s.canPublish(ctx, in, p, published); err != nil {
			return err
		}
	}
	rights, err := in.Rights(ctx, settled, model.ActProductPublish)
	for i, right := range rights {
		can[at[i]][model.ActProductPublish] = right[model.ActProductPublish]
	}
	return err
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
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return "", err
	}
	res.Status = string(was.Status)
	if outcome, sure, err := in.Foresee(ctx, model.ActProductPublish, res, gate.Extra{}); err != nil || sure && outcome == model.Deny {
		return outcome, err
	}
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

// Package access owns the way from wanting data to reading it: requests,
// votes and grants. It makes no grant that the policies have not allowed at
// that moment, counts nobody's vote for their own request, and ends what is over.
package access

import (
	"context"
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/approval"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service keeps access requests and grants.
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

// Can tells what the actor may do with a request: what the policies let them,
// and what is left to do. It is what the mutations ask before they act.
func (s *Service) Can(ctx context.Context, requestID model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	in := s.gate.Session()
	c, err := s.see(ctx, in, requestID)
	if err != nil {
		return nil, err
	}
	can := make(map[model.Action]model.Outcome, len(actions))
	for _, action := range actions {
		answer, err := s.ask(ctx, in, action, c)
		if err != nil {
			return nil, err
		}
		can[action] = answer.Outcome
		if answer.Allowed() && c.open(action) != nil {
			can[action] = model.Deny
		}
	}
	return can, nil
}

// Wanted lists for each of the requests, among those that the actor may see,
// the votes that it lacks at this moment. It counts for all of them at once.
func (s *Service) Wanted(ctx context.Context, ids ...model.ID) (map[model.ID][]model.WantedVote, error) {
	seen, err := store.Requests.GetMany(ctx, s.store, ids...)
	if err != nil {
		return nil, err
	}
	resources, err := s.gate.Requests(ctx, seen)
	if err != nil {
		return nil, err
	}
	matters := make([]approval.Matter, len(seen))
	for i, r := range seen {
		matters[i] = matter(r, resources[i])
	}
	tallies, err := s.votes.Tallies(ctx, matters)
	if err != nil {
		return nil, err
	}
	wanted := make(map[model.ID][]model.WantedVote, len(seen))
	for i, r := range seen {
		if wanted[r.ID] = []model.WantedVote{}; r.Status == model.RequestPending {
			wanted[r.ID] = tallies[i].Wanted
		}
	}
	return wanted, nil
}

// Package identity owns who may ask: principals, the tokens that they prove
// themselves with, and the sessions of the console, which are tokens too. It refuses whatever would lock everybody out, and it
// never keeps a secret, only the hash of one.
package identity

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service keeps principals and tokens.
type Service struct {
	store    store.Store
	gate     *gate.Gate
	sessions Sessions
	now      func() time.Time
	known    store.Kept[signature] // by the hash of the secret
}

// maxKnown is how many of those who have signed in are remembered, about 1 KB each.
const maxKnown = 4096

// New makes the service.
func New(s store.Store, g *gate.Gate, sessions Sessions, now func() time.Time) *Service {
	return &Service{store: s, gate: g, sessions: sessions, now: now, known: store.Kept[signature]{Most: maxKnown}}
}

// NewToken says for whom a token is, what for, and how long it opens. An
// empty PrincipalID means the actor.
type NewToken struct {
	PrincipalID model.ID
	Name        string
	Lifetime    time.Duration
}

// NewPrincipal is a principal to make. Without a DisplayName it goes by its
// Name, and without Roles it is an employee.
type NewPrincipal struct {
	Kind        model.PrincipalKind
	Name        string
	DisplayName string
	Email       string
	DomainID    model.ID
	TeamIDs     []model.ID
	Roles       []model.Role
	Clearance   model.Classification
	Region      string
}

// PrincipalEdit changes a principal; what is nil stays as it is.
type PrincipalEdit struct {
	ID               model.ID
	DisplayName      *string
	Email            *string
	DomainID         *model.ID
	TeamIDs          *[]model.ID
	Roles            *[]model.Role
	Clearance        *model.Classification
	Region           *string
	Suspended        *bool
	ExpectedRevision *model.Revision
}

// Can tells what the policies let the actor do with things that belong to no
// domain: identity.admin, domain.admin, audit.read, policy.read.
func (s *Service) Can(ctx context.Context, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	return s.gate.Session().Can(ctx, s.gate.Platform("platform", "souk"), actions...)
}

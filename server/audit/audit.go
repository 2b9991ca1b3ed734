// Package audit owns the view back: the feed of what was done and the log of
// what was decided. It writes nothing, and shows nobody more than the policies
// let them see.
package audit

import (
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service reads the feed and the log.
type Service struct {
	store store.Store
	gate  *gate.Gate
}

// New makes the service.
func New(s store.Store, g *gate.Gate) *Service { return &Service{store: s, gate: g} }

// EventFilter narrows the feed; empty fields do not.
type EventFilter struct {
	SubjectID model.ID
	ActorID   model.ID
}

// DecisionFilter narrows the log; empty fields do not.
type DecisionFilter struct {
	PrincipalID model.ID
	ResourceID  model.ID
	Domain      model.Slug
	Outcome     model.Outcome
}

// Package audit owns the view back: the feed of what was done and the log of
// what was decided, and why. It changes nothing, and shows nobody more than the
// policies let them see.
package audit

import (
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service reads the feed and the log, and has decisions explained.
type Service struct {
	store store.Store
	gate  *gate.Gate
	log   *decisionlog.Log // nil until ReadFrom
	rules explainer        // nil until ExplainBy
}

// New makes the service.
func New(s store.Store, g *gate.Gate) *Service { return &Service{store: s, gate: g} }

// ReadFrom names the decision log. Without one, decisions are those that the
// store keeps beside the changes.
func (s *Service) ReadFrom(l *decisionlog.Log) { s.log = l }

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
	Action      model.Action
	From, To    time.Time // From <= at < To
}

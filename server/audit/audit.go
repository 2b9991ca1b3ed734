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
	log   *decisionlog.Log
	rules explainer
}

// New makes the service. Without a log, decisions are those that the store keeps
// beside the changes; without rules, which know those of the past, nothing is
// explained.
func New(s store.Store, g *gate.Gate, log *decisionlog.Log, rules explainer) *Service {
	return &Service{store: s, gate: g, log: log, rules: rules}
}

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

package policy

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
)

// Again makes a logged decision once more, from the input as it was logged. It
// reports false where it cannot: the input is gone, or other revisions than
// the snapshot's have decided.
func (s *Snapshot) Again(ctx context.Context, d model.DecisionRecord) (model.Decision, bool) {
	if len(d.Input) == 0 {
		return model.Decision{}, false
	}
	l, err := readLogged(d.Input)
	if err != nil || l.about.Action != d.Action || s.revisions(l.about) != d.Decision.Revisions {
		return model.Decision{}, false
	}
	again := s.onTrial().decideLogged(ctx, l)
	again.ID = d.ID
	return again, true
}

// Made reports whether the policies of the snapshot made the decision.
func (s *Snapshot) Made(d model.DecisionRecord) bool {
	return s.revisions(Question{Action: d.Action, Resource: Resource{Domain: d.Domain}}) == d.Decision.Revisions
}

// PlatformRevision is the content address of the platform's own package.
func (s *Snapshot) PlatformRevision() string { return s.platform.revision }

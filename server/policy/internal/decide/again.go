package decide

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Again makes a logged decision once more, from the input as it was logged. It
// reports false where it cannot: the input is gone, or other revisions than
// the snapshot's have decided.
func (s *Snapshot) Again(ctx context.Context, d model.DecisionRecord) (model.Decision, bool) {
	if len(d.Input) == 0 {
		return model.Decision{}, false
	}
	l, err := question.ReadLogged(d.Input)
	if err != nil || l.About.Action != d.Action || !s.Decided(l.About, d.Decision) {
		return model.Decision{}, false
	}
	again := s.OnTrial().DecideAgain(ctx, l)
	again.ID = d.ID
	return again, true
}

// Made reports whether the policies of the snapshot made the decision.
func (s *Snapshot) Made(d model.DecisionRecord) bool {
	q := question.Question{Action: d.Action, Resource: question.Resource{Domain: d.Domain}}
	if question.RightsByAction[d.Action].Consent && s.hasConsent() {
		q.Subject.Domain = question.AskerDomain(d.Input)
	}
	return s.Decided(q, d.Decision)
}

// hasConsent reports whether any domain has rules of consent. Where none has,
// it does not matter who asked.
func (s *Snapshot) hasConsent() bool {
	for _, p := range s.domains {
		if p.Consent != nil {
			return true
		}
	}
	return false
}

// Decided reports whether the policies of the snapshot gave the answer.
func (s *Snapshot) Decided(q question.Question, d model.Decision) bool {
	return s.revisions(q) == d.Revisions && !IsNameless(d)
}

// IsNameless reports a refusal for want of consent that does not say whose
// revision refused, as old rows of the log do not.
func IsNameless(d model.Decision) bool {
	return d.Revisions.Consent == "" && slices.ContainsFunc(d.Reasons, func(r model.Reason) bool { return r.Code == sandbox.CodeNoConsent })
}

// PlatformRevision is the content address of the platform's own package.
func (s *Snapshot) PlatformRevision() string { return s.platform.Revision }

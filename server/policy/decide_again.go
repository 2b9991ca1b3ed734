package policy

import (
	"context"
	"encoding/json"
	"slices"

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
	if err != nil || l.about.Action != d.Action || !s.decided(l.about, d.Decision) {
		return model.Decision{}, false
	}
	again := s.onTrial().decideLogged(ctx, l)
	again.ID = d.ID
	return again, true
}

// Made reports whether the policies of the snapshot made the decision.
func (s *Snapshot) Made(d model.DecisionRecord) bool {
	q := Question{Action: d.Action, Resource: Resource{Domain: d.Domain}}
	if actions[d.Action].consent && s.hasConsent() {
		q.Subject.Domain = AskerDomain(d.Input)
	}
	return s.decided(q, d.Decision)
}

// hasConsent reports whether any domain has rules of consent. Where none has,
// it does not matter who asked.
func (s *Snapshot) hasConsent() bool {
	for _, u := range s.domains {
		if u.consent != nil {
			return true
		}
	}
	return false
}

// AskerDomain reads from a logged input which domain the asker belongs to. It
// is empty where the asker has none, or where the input is gone.
func AskerDomain(input json.RawMessage) model.Slug {
	var asked struct{ Subject struct{ Domain model.Slug } }
	if json.Unmarshal(input, &asked) != nil {
		return ""
	}
	return asked.Subject.Domain
}

// decided reports whether the policies of the snapshot gave the answer.
func (s *Snapshot) decided(q Question, d model.Decision) bool {
	return s.revisions(q) == d.Revisions && !isNameless(d)
}

// isNameless reports a refusal for want of consent that does not say whose
// revision refused, as old rows of the log do not.
func isNameless(d model.Decision) bool {
	return d.Revisions.Consent == "" && slices.ContainsFunc(d.Reasons, func(r model.Reason) bool { return r.Code == codeNoConsent })
}

// PlatformRevision is the content address of the platform's own package.
func (s *Snapshot) PlatformRevision() string { return s.platform.revision }

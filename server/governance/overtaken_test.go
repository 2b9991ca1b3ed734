package governance_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// crossed is a store in which something else is written just before the change
// of a name.
type crossed struct {
	store.Store

	action string
	once   sync.Once
	first  func()
}

func (s *crossed) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if c.Action == s.action {
		s.once.Do(s.first)
	}
	return s.Store.Apply(ctx, c)
}

// TestOvertaken says what was changed at the same moment, and blames no rules
// that nobody has touched.
func TestOvertaken(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	active := c.activated(c.draft("ana", campaigns(t)))
	p := c.approved(c.assessed(c.draft("ana", ofSales(t))))
	assessed := func() { c.approved(c.assess(p)) }
	discussed := func() { c.remark(p) }
	activeDiscussed := func() { c.remark(active) }
	tried := func() { c.try(p, true) }
	otherRules := func() { c.rollback("ana") }
	for _, w := range []struct {
		name, action, field, message string
		first                        func()
	}{
		{"assessed again", "policy.activate", "id", "the proposal was changed at the same moment", assessed},
		{"commented on", "policy.activate", "id", "the proposal was changed at the same moment", discussed},
		{"a trial", "policy.activate", "domain", "a trial of rules was begun or ended", tried},
		{"the proposal in force", "policy.activate", "domain", "a proposal that has been in force", activeDiscussed},
		{"other rules", "policy.activate", "domain", "other rules of the domain came into force", otherRules},
		{"rollback, the proposal in force", "policy.rollback", "domain", "a proposal that has been in force", activeDiscussed},
		{"rollback, other rules", "policy.rollback", "domain", "other rules of the domain came into force", otherRules},
		{"trial, other rules", "policy.trial.begin", "domain", "other rules of the domain came into force", otherRules},
	} {
		t.Run(w.name, func(t *testing.T) {
			slow := newServer(t, &crossed{Store: c.Store, action: w.action, first: w.first})
			c.Must(slow.Load(t.Context()))
			var err error
			switch w.action {
			case "policy.activate":
				_, err = slow.Activate(c.As("eve"), p.ID)
			case "policy.rollback":
				_, err = slow.Rollback(c.As("ana"), governance.Return{Domain: "sales"})
			default:
				_, err = slow.Shadow(c.As("eve"), p.ID, true)
			}
			servertest.WantField(t, err, model.KindConflict, w.field)
			if !strings.Contains(err.Error(), w.message) {
				t.Errorf("got %v, want that %s", err, w.message)
			}
			c.restore(p, active)
		})
	}
}

// restore brings the domain back to the rules of the proposal, with no trial.
func (c *company) restore(tried, active model.PolicyProposal) {
	c.Helper()
	now, err := c.Standing(c.As("ana"), "sales")
	c.Must(err)
	if now.ShadowOf != "" {
		c.try(tried, false)
	}
	if now.ActiveID != active.RevisionID {
		_, err = c.Rollback(c.As("ana"), governance.Return{Domain: "sales", RevisionID: active.RevisionID})
		c.Must(err)
	}
}

func (c *company) remark(p model.PolicyProposal) {
	c.Helper()
	_, err := c.Comment(c.As("eve"), p.ID, "One more thing.")
	c.Must(err)
}

func (c *company) try(p model.PolicyProposal, on bool) {
	c.Helper()
	_, err := c.Shadow(c.As("eve"), p.ID, on)
	c.Must(err)
}

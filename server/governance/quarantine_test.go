package governance_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestQuarantineOffersTheLastGoodRevision tells the steward of a domain whose
// rules keep failing what to return to, and one call returns there.
func TestQuarantineOffersTheLastGoodRevision(t *testing.T) {
	c := newCompany(t)
	p := c.activated(c.draft("ana", campaigns(t)))
	failing := model.PolicyRevision{Meta: model.Meta{ID: "pol_failing"}, Domain: "sales", Modules: ofSales(t, model.PolicyModule{
		Path: "domains/sales/campaign.rego", Text: strings.Replace(campaign, `input.subject.domain == "marketing"`, `to_number(input.subject.id) == 1`, 1),
	})}
	state, err := store.PolicyStates.Get(t.Context(), c.Store, "pst_sales")
	c.Must(err)
	state.PreviousID, state.ActiveID, state.Past = state.ActiveID, failing.ID, append(state.Past, failing.ID)
	_, err = c.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyRevisions.Put(failing), store.PolicyStates.Put(state)}})
	c.Must(err)
	if now, err := c.Standing(c.As("eve"), "sales"); err != nil || now.QuarantinedUntil != nil || now.Problem != "" {
		t.Fatalf("before: got %+v, %v", now, err)
	}
	for range 5 {
		c.reads(c, "dan", model.Deny)
	}
	if _, err := c.Access.MayRead(c.As("ana"), c.orders.ID, ""); !model.Is(err, model.KindNotFound) {
		t.Errorf("got %v, want everything of the domain closed, even to its steward", err)
	}
	now, err := c.Standing(c.As("eve"), "sales")
	c.Must(err)
	if now.QuarantinedUntil == nil || now.PreviousID != p.RevisionID || !strings.Contains(now.Problem, string(p.RevisionID)) {
		t.Errorf("got %+v, want the last good revision offered", now)
	}
	if other, err := c.Standing(c.As("bo"), "marketing"); err != nil || other.QuarantinedUntil != nil || other.Problem != "" {
		t.Errorf("the neighbour: got %+v, %v", other, err)
	}
	back := c.rollback("eve")
	if back.State.ActiveID != p.RevisionID || back.State.QuarantinedUntil != nil || back.State.Problem != "" {
		t.Errorf("got %+v, want the last good revision", back.State)
	}
	c.reads(c, "ana", model.Allow)
	c.reads(c, "dan", model.Allow)
}

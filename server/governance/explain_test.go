package governance_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// consenting lets people of marketing use the data of others for one purpose.
func consenting(purpose string) policy.Draft {
	return policy.Draft{Domain: "marketing", Modules: []model.PolicyModule{{Path: "domains/marketing/consent.rego", Text: `package souk.domains.marketing

import rego.v2

consent contains {"code": "marketing.yes", "message": "Yes."} if input.context.purpose == "` + purpose + `"
`}}}
}

// TestExplainByTheConsentOfThen finds the rules of the asker's domain that have
// been in force among the past revisions of that domain.
func TestExplainByTheConsentOfThen(t *testing.T) {
	inTurn(t)
	c := newCompany(t)
	_, err := c.Engine.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: campaigns(t)})
	c.Must(err)
	old := consenting("campaign")
	hash, err := c.Engine.Activate(t.Context(), old)
	c.Must(err)
	d, err := c.Access.MayRead(c.As("dan"), c.orders.ID, "campaign")
	c.Must(err)
	row, err := store.Decisions.Get(t.Context(), c.Store, d.ID)
	c.Must(err)
	if !d.Allowed() || row.Decision.Revisions.Consent != hash {
		t.Fatalf("got %s by %+v, want the consent %s", d.Outcome, row.Decision.Revisions, hash)
	}
	past := model.PolicyRevision{Meta: model.Meta{ID: "pol_past"}, Domain: "marketing", Hash: hash, Modules: old.Modules}
	state := model.PolicyState{Meta: model.Meta{ID: "pst_marketing"}, Domain: "marketing", Past: []model.ID{past.ID}}
	_, err = c.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyRevisions.Put(past), store.PolicyStates.Put(state)}})
	c.Must(err)
	_, err = c.Engine.Activate(t.Context(), consenting("audit"))
	c.Must(err)
	c.reads(c, "dan", model.Deny)
	x, err := c.Explain(t.Context(), row)
	c.Must(err)
	if !x.Faithful || x.Outcome != model.Allow {
		t.Errorf("got %s, faithful %v, want it allowed as it was", x.Outcome, x.Faithful)
	}
}

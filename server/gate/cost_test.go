package gate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// slow takes thousands of steps for each row that somebody looks at.
const slow = `package souk.domains.sales

import rego.v2

_letters := ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z"]

_words := {w |
	some a in _letters
	some b in _letters
	some c in _letters
	w := sprintf("%s%s%s%s", [a, b, c, input.resource.name])
}

allow contains {"code": "sales.seen", "message": "m"} if {
	input.action.name == "metadata.view"
	count(_words) > 0
}
`

// TestASlowDomainTakesNobodysList leaves the rows of a domain out whose rules
// take too much for them, says so, and lets the rules rest.
func TestASlowDomainTakesNobodysList(t *testing.T) {
	engine := servertest.Under(t, map[string]string{"domains/sales/slow.rego": slow})
	db := enginetest.SQLite(t)
	c := newCrowd(t, db)
	g := gate.New(db, engine, time.Now, nil)
	var writes []store.Write
	for i := range 130 {
		for _, domain := range []string{"sales", "marketing"} {
			writes = append(writes, store.Products.Put(model.DataProduct{
				Meta: model.Meta{ID: model.ID(fmt.Sprintf("dpr_%s_%d", domain, i))}, DomainID: model.ID("dom_" + domain), Name: model.Slug(fmt.Sprintf("p%d", i)),
				Status: model.Published, Visibility: model.VisibleToAll, Classification: model.Public,
			}))
		}
	}
	c.apply(writes)
	ctx := model.WithPrincipal(t.Context(), stranger)
	list := func() model.Page[model.DataProduct] {
		t.Helper()
		begin := time.Now()
		page, err := gate.List(ctx, g, store.Products, store.Query{Index: "by_name"}, model.Paging{First: 200}, gate.Each(g.Product))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("the list took %v", took)
		}
		return page
	}
	page := list()
	seen := map[model.ID]int{}
	for _, p := range page.Nodes {
		seen[p.DomainID]++
	}
	if seen["dom_marketing"] != 130 || seen["dom_sales"] >= 130 {
		t.Errorf("got %v rows", seen)
	}
	if len(page.LeftOut) != 1 || page.LeftOut[0].Domain != "sales" || page.LeftOut[0].Reason == "" {
		t.Fatalf("got %+v left out", page.LeftOut)
	}
	if until := engine.QuarantinedUntil("sales"); time.Until(until) <= 0 || engine.QuarantineReason("sales") != "they took too much for the rows of one list" {
		t.Logf("this machine is so slow that the time was up before the steps: %v %q", until, engine.QuarantineReason("sales"))
		engine.Snapshot().Overspent("sales")
	}
	if again := list(); len(again.Nodes) != 130 || len(again.LeftOut) != 1 || !again.LeftOut[0].Until.After(time.Now()) {
		t.Errorf("while the rules rest: %d rows, %+v", len(again.Nodes), again.LeftOut)
	}
	if _, err := gate.ListFor(ctx, g, model.ActPolicyRead, store.PolicyProposals, store.Query{Index: "by_created"}, model.Paging{First: 1}, gate.Each(g.Proposal)); err != nil {
		t.Errorf("proposals, on which the domain has no say: %v", err)
	}
	if engine.Snapshot().Overspent("marketing"); engine.QuarantineReason("marketing") == "" {
		t.Error("a domain that lives by the template does not rest")
	}
}

// TestHealthyRulesAreFarFromTheBudget spends on the rules that Souk ships.
func TestHealthyRulesAreFarFromTheBudget(t *testing.T) {
	d := servertest.Shipped(t).Snapshot().Decide(t.Context(), policy.Question{
		Action: model.ActMetadataView, Subject: policy.Subject{Type: "person", ID: "prn_bo", Roles: []model.Role{model.RoleEmployee}},
		Resource: policy.Resource{Type: "data_product", Domain: "sales", Status: "PUBLISHED", Visibility: model.VisibleToAll}, Context: policy.Context{Now: time.Now()},
	})
	if d.Steps == 0 || d.Steps*1000 > policy.MaxListSteps {
		t.Errorf("a row takes %d steps", d.Steps)
	}
}

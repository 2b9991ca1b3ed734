package authzen_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

var request = regexp.MustCompile(`"requestId":"[^"]*"`)

// cost is what an answer has taken.
type cost struct{ reads, decisions int64 }

// asksFor has alice's question put, and gives the answer and what it took.
func (w *world) asksFor(t *testing.T, action, typ, id string) (string, cost) {
	t.Helper()
	body := `{"subject":{"type":"user","id":"alice"},"action":{"name":"` + action + `"},"resource":{"type":"` + typ + `","id":"` + id + `"},"context":{"purpose":"x"}}`
	w.post("gateway", "/access/v1/evaluation", body) // what is remembered for good is read now
	before := cost{w.Store.Reads.Load(), w.Engine.Decided()}
	got := w.post("gateway", "/access/v1/evaluation", body)
	if got.status != http.StatusOK || *got.body.Decision {
		t.Fatalf("%s on %s: got %d %s", action, id, got.status, got.text)
	}
	return request.ReplaceAllString(got.text, ""), cost{w.Store.Reads.Load() - before.reads, w.Engine.Decided() - before.decisions}
}

// alike compares the answers about what is hidden with those about nothing.
func (w *world) alike(t *testing.T, hidden model.ID, decisions int64) {
	t.Helper()
	for _, action := range []string{"metadata.view", "data.read", "access.request", "product.publish", "open"} {
		for _, c := range []struct{ typ, hidden, absent string }{
			{"data_product", "sales/orders", "sales/nothing"},
			{"data_product", string(w.orders.ID), "dpr_00000000000000000000000000"},
			{"asset", "shop.public.salaries", "shop.public.nothing"},
			{"table", "shop.public.salaries", "shop.public.nothing"},
			{"asset", string(hidden), "ast_00000000000000000000000000"},
		} {
			absent, nothing := w.asksFor(t, action, c.typ, c.absent)
			if !strings.Contains(absent, "resource.unknown") || strings.Contains(absent, "decision_id") {
				t.Errorf("%s on nothing: %s", action, absent)
			}
			if got, something := w.asksFor(t, action, c.typ, c.hidden); got != absent || something != nothing || something.decisions != decisions {
				t.Errorf("%s on %s: %s after %+v; on %s: %s after %+v", action, c.hidden, got, something, c.absent, absent, nothing)
			}
		}
	}
}

// TestHiddenAndAbsentUnderAnyRules does the same where no condition expresses
// the rules of the domain that hides them: one decision more, for both.
func TestHiddenAndAbsentUnderAnyRules(t *testing.T) {
	w := newWorld(t)
	_, err := w.Engine.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/rules.rego", Text: `package souk.domains.sales

import rego.v2

allow contains {"code": "seen", "message": "Seen."} if {
	input.action.name == "metadata.view"
	count(input.resource.name) == count(input.subject.name) * 100
}
`}}})
	must(t, err)
	w.alike(t, w.hiddenTable(), 2)
}

// TestHiddenAndAbsentAnswerAlike has alice ask about a draft and a table of
// sales, which she may not know of, and about names that mean nothing. The
// answers are the same to the byte, after as many reads and one decision (that
// the gateway may ask is remembered); what she was kept from is in the log, for
// others.
func TestHiddenAndAbsentAnswerAlike(t *testing.T) {
	w := newWorld(t)
	hidden := w.hiddenTable()
	w.alike(t, hidden, 1)
	page, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["alice"].ID))})
	must(t, err)
	if len(page.Nodes) == 0 {
		t.Error("the log does not know what she was kept from")
	}
	for _, row := range page.Nodes {
		if !row.Hidden || row.ResourceID != w.orders.ID && row.ResourceID != hidden || row.Outcome == model.Allow {
			t.Errorf("a row that she could read: %+v", row)
		}
	}
	seen := w.post("gateway", "/access/v1/evaluation", strings.NewReplacer(`"data.read"`, `"access.request"`).Replace(anaReads))
	if strings.Contains(seen.text, "resource.unknown") {
		t.Errorf("who may know of it hears why not: %s", seen.text)
	}
}

// hiddenTable is one of sales that nobody offers.
func (w *world) hiddenTable() model.ID {
	w.Helper()
	a := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db.acme.example:5432", Name: "shop.public.salaries",
		Kind: model.KindTable, Status: model.AssetActive, DomainID: w.orders.DomainID,
	}
	_, err := w.Store.Apply(w.Context(), store.Change{Action: "test.asset", Subject: a.ID, Writes: []store.Write{store.Assets.Put(a)}})
	w.Must(err)
	return a.ID
}

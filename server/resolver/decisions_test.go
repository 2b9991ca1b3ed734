package resolver_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// The log is narrowed by what was asked and when, and shows what a row is.
func TestDecisionLogOverTheWire(t *testing.T) {
	w := newWorld(t)
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: "sqlite::memory:", Store: w.Store})
	w.Must(err)
	t.Cleanup(func() { w.Must(l.Close()) })
	w.logged(l)
	w.Must(l.Append(t.Context(), model.DecisionRecord{
		Meta: model.Meta{ID: model.NewID(model.PrefixDecision)}, At: model.Now(), Action: model.ActMetadataView, PrincipalID: w.People["cy"].ID,
		Outcome: model.Allow, List: &model.DecisionList{Kind: "asset", Filter: "f", Asked: 9, Shown: 4},
	}))
	w.ok("bo", `mutation($p: ID!) { checkAccess(input: {productId: $p, purpose: "attribution"}) { decision { id } } }`, vars{"p": w.orders.ID})
	const rows = `{ nodes { id action sequence input masked list { kind filter asked shown } } } }`
	lists := w.ok("cy", `{ decisions(first: 9, filter: {action: "metadata.view"}) `+rows, nil)
	for path, want := range map[string]any{"action": "metadata.view", "input": nil, "list.kind": "asset", "list.asked": float64(9), "list.shown": float64(4)} {
		if got := lists.at("decisions.nodes.0." + path); got != want {
			t.Errorf("%s = %v, want %v: %s", path, got, want, lists.text)
		}
	}
	reads := w.ok("cy", `{ decisions(first: 9, filter: {action: "data.read", from: "2020-01-01T00:00:00Z", to: "2100-01-01T00:00:00Z"}) `+rows, nil)
	if n := len(reads.at("decisions.nodes").([]any)); n != 1 || reads.at("decisions.nodes.0.input") == nil || reads.at("decisions.nodes.0.sequence").(float64) < 1 {
		t.Errorf("readings: %s", reads.text)
	}
	for _, f := range []string{`from: "2100-01-01T00:00:00Z"`, `to: "2020-01-01T00:00:00Z"`, `action: "grant.revoke"`} {
		if none := w.ok("cy", `{ decisions(first: 9, filter: {`+f+`}) `+rows, nil); len(none.at("decisions.nodes").([]any)) != 0 {
			t.Errorf("%s: %s", f, none.text)
		}
	}
}

package resolver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestStandards shows what the standards find, and that a product with an open
// error is not published.
func TestStandards(t *testing.T) {
	w := newWorld(t)
	got := w.ok("bo", `query($id: ID!, $domain: ID!) {
		dataProduct(id: $id) { findings { code severity field standard message hint remedy subjectId subject { ... on DataProduct { name } } } scorecard { score checked findings { code } trend { score } } }
		domain(id: $domain) { scorecard { score checked trend(days: 7) { day score } } }
		findings(domainId: $domain, first: 200) { nodes { code subject { id } } pageInfo { hasNextPage } }
	}`, vars{"id": w.orders.ID, "domain": w.Domains["sales"].ID})
	first, _ := got.at("dataProduct.findings.0").(map[string]any)
	if first["code"] != "contract.port_description" || first["severity"] != "WARNING" || first["field"] != "ports.tables" || first["standard"] != "souk.standards" || first["hint"] == "" || first["remedy"] != first["hint"] {
		t.Errorf("got %v", first)
	}
	if diff := cmp.Diff(map[string]any{"name": "orders"}, first["subject"]); diff != "" {
		t.Error(diff)
	}
	for path, want := range map[string]any{
		"dataProduct.scorecard.score": 70.0, "dataProduct.scorecard.checked": 1.0, "domain.scorecard.score": 85.0, "domain.scorecard.checked": 2.0,
		"findings.pageInfo.hasNextPage": false,
	} {
		if got.at(path) != want {
			t.Errorf("%s = %v, want %v", path, got.at(path), want)
		}
	}
	if strings.Contains(got.text, string(w.draft.ID)) {
		t.Errorf("the findings of a draft are shown to a stranger: %s", got.text)
	}

	a, err := store.Assets.Get(t.Context(), w.Store, w.assets[1].ID)
	w.Must(err)
	a.Status = model.AssetRetired
	_, err = w.Store.Apply(t.Context(), store.Change{Actor: "prn_system", Action: "test.retire", Writes: []store.Write{store.Assets.Put(a)}})
	w.Must(err)
	w.ok("ana", `mutation($id: ID!) { deprecateDataProduct(input: { id: $id }) { dataProduct { id } } }`, vars{"id": w.orders.ID})
	refused := w.ask("ana", `mutation($id: ID!) { publishDataProduct(input: { id: $id }) { dataProduct { id } } }`, vars{"id": w.orders.ID})
	if refused.code() != "FORBIDDEN" || !strings.Contains(refused.text, `"publish.standards"`) || !strings.Contains(refused.text, "contract.retired") {
		t.Errorf("got %s", refused.text)
	}
	can := w.ok("ana", `query($id: ID!) { dataProduct(id: $id) { viewerCan { publish } } node(id: $id) { ... on DataProduct { findings { code severity } } } }`, vars{"id": w.orders.ID})
	if can.at("dataProduct.viewerCan.publish") != "DENY" || can.at("node.findings.0.code") != "contract.retired" {
		t.Errorf("got %s", can.text)
	}
}

// TestStandardsRefuse names what does not fit.
func TestStandardsRefuse(t *testing.T) {
	w := newWorld(t)
	for query, code := range map[string]string{
		`{ findings(domainId: "dom_none", first: 1) { nodes { code } } }`:                                         "NOT_FOUND",
		fmt.Sprintf(`{ findings(domainId: %q, first: 0) { nodes { code } } }`, w.Domains["sales"].ID):             "BAD_USER_INPUT",
		fmt.Sprintf(`{ findings(domainId: %q, first: 1, after: "x") { nodes { code } } }`, w.Domains["sales"].ID): "BAD_CURSOR",
		fmt.Sprintf(`{ domain(id: %q) { scorecard { trend(days: 91) { score } } } }`, w.Domains["sales"].ID):      "BAD_USER_INPUT",
		`{ domains(first: 200) { nodes { scorecard { score } } } }`:                                               "COMPLEXITY_LIMIT_EXCEEDED",
	} {
		if got := w.ask("bo", query, nil); got.code() != code {
			t.Errorf("%s: got %s, want %s", query, got.text, code)
		}
	}
}

// TestScorecardsCostBoundedReads looks at the standards of a page together.
func TestScorecardsCostBoundedReads(t *testing.T) {
	w := newWorld(t)
	w.crowd(60)
	w.Must(w.services.Standards.Record(t.Context()))
	for name, rows := range map[string]string{
		"dataProducts": "findings { code subject { id } } scorecard { score findings { code } trend(days: 5) { day } }",
		"assets":       "findings { code subject { id } }",
		"domains":      "scorecard { score findings { code } trend(days: 3) { day } }",
	} {
		t.Run(name, func(t *testing.T) {
			many := 50
			if name == "domains" {
				many = 25 // what the limits let through
			}
			cost := func(n int) int64 {
				before := w.Store.Reads.Load()
				got := w.ok("cy", "query($n: Int!) { "+name+"(first: $n) { nodes { "+rows+" } } }", vars{"n": n})
				if rows, _ := got.at(name + ".nodes").([]any); len(rows) != n {
					t.Fatalf("%d rows, want %d: %.300s", len(rows), n, got.text)
				}
				return w.Store.Reads.Load() - before
			}
			cost(many) // names that never change are remembered
			few, more := cost(5), cost(many)
			t.Logf("5 rows cost %d reads of the store, %d rows %d", few, many, more)
			if more > few+4 {
				t.Errorf("%d rows cost %d reads of the store, 5 rows %d", many, more, few)
			}
		})
	}
}

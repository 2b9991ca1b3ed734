package authzen_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var request = regexp.MustCompile(`"requestId":"[^"]*"`)

// TestHiddenAndAbsentAnswerAlike has alice ask about a draft of sales, which
// she may not know of, and about names that mean nothing. The answers are the
// same to the byte, after as many reads; what she was kept from is in the log,
// for others.
func TestHiddenAndAbsentAnswerAlike(t *testing.T) {
	w := newWorld(t)
	ask := func(action, typ, id string) (string, int64) {
		t.Helper()
		body := `{"subject":{"type":"user","id":"alice"},"action":{"name":"` + action + `"},"resource":{"type":"` + typ + `","id":"` + id + `"},"context":{"purpose":"x"}}`
		w.post("gateway", "/access/v1/evaluation", body) // what is remembered for good is read now
		before := w.reads.Load()
		got := w.post("gateway", "/access/v1/evaluation", body)
		if got.status != http.StatusOK || *got.body.Decision {
			t.Fatalf("%s on %s: got %d %s", action, id, got.status, got.text)
		}
		return request.ReplaceAllString(got.text, ""), w.reads.Load() - before
	}
	for _, action := range []string{"metadata.view", "data.read", "access.request", "product.publish"} {
		absent, reads := ask(action, "data_product", "sales/nothing")
		if !strings.Contains(absent, "resource.unknown") || strings.Contains(absent, "decision_id") {
			t.Errorf("%s on nothing: %s", action, absent)
		}
		if hidden, n := ask(action, "data_product", "sales/orders"); hidden != absent || n != reads {
			t.Errorf("%s on a draft: %s after %d reads; on nothing %s after %d", action, hidden, n, absent, reads)
		}
		byID, reads := ask(action, "data_product", "dpr_00000000000000000000000000")
		if hidden, n := ask(action, "data_product", string(w.orders.ID)); hidden != byID || n != reads {
			t.Errorf("%s on a draft by its id: %s after %d reads; on nothing %s after %d", action, hidden, n, byID, reads)
		}
	}
	page, err := store.Decisions.Find(t.Context(), w.store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.people["alice"].ID))})
	must(t, err)
	if len(page.Nodes) == 0 {
		t.Error("the log does not know what she was kept from")
	}
	for _, row := range page.Nodes {
		if !row.Hidden || row.ResourceID != w.orders.ID || row.Outcome == model.Allow {
			t.Errorf("a row that she could read: %+v", row)
		}
	}
	seen := w.post("gateway", "/access/v1/evaluation", strings.NewReplacer(`"data.read"`, `"access.request"`).Replace(anaReads))
	if strings.Contains(seen.text, "resource.unknown") {
		t.Errorf("who may know of it hears why not: %s", seen.text)
	}
}

package authzen_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

const anaReads = `{"subject":{"type":"user","id":"ana"},"action":{"name":"data.read"},"resource":{"type":"data_product","id":"sales/orders"},"context":{"purpose":"billing"}}`

func codes(got reply) []string {
	var list []string
	reasons, _ := got.body.Context["reasons"].([]any)
	for _, r := range reasons {
		list = append(list, fmt.Sprint(r.(map[string]any)["code"]))
	}
	return list
}

// TestObligationsAreForThoseWhoCarryThem asks for data that may be read only
// where a trace is left.
func TestObligationsAreForThoseWhoCarryThem(t *testing.T) {
	w := newWorld(t)
	for header, want := range map[string]struct {
		status   int
		decision bool
		code     string
	}{
		"":           {http.StatusOK, false, "obligation.unsupported"},
		"none":       {http.StatusOK, false, "obligation.unsupported"},
		"Understood": {http.StatusOK, true, "read.member"},
		"perhaps":    {http.StatusBadRequest, false, ""},
	} {
		got := w.post("gateway", "/access/v1/evaluation", anaReads, "X-Souk-Obligations", header)
		if got.status != want.status {
			t.Errorf("%q: got %d %s", header, got.status, got.text)
			continue
		}
		if want.status == http.StatusOK && (*got.body.Decision != want.decision || !slices.Equal(codes(got), []string{want.code})) {
			t.Errorf("%q: got %s, want %v %s", header, got.text, want.decision, want.code)
		}
	}
	for header, want := range map[string]bool{"none": false, "understood": true} {
		batch := w.post("gateway", "/access/v1/evaluations", strings.Replace(anaReads, "{", `{"evaluations":[{},{}],`, 1), "X-Souk-Obligations", header)
		for _, e := range batch.body.Evaluations {
			if *e.Decision != want {
				t.Errorf("%s: a batch decides %s, want %v", header, batch.text, want)
			}
		}
		for kind, name := range map[string]string{"action": "data.read", "subject": "user ana", "resource": "data_product sales/orders"} {
			found := w.post("gateway", "/access/v1/search/"+kind, anaReads, "X-Souk-Obligations", header)
			if slices.Contains(names(found), name) != want {
				t.Errorf("%s: a search for %s finds %s, want %s in it: %v", header, kind, found.text, name, want)
			}
		}
	}
}

// TestAnswerTellsWhy looks at everything that stands beside a decision.
func TestAnswerTellsWhy(t *testing.T) {
	w := newWorld(t)
	got := w.post("gateway", "/access/v1/evaluation", anaReads, "X-Souk-Obligations", "understood", "X-Request-ID", "req-0123456789")
	context := got.body.Context
	if context["outcome"] != "ALLOW" || !strings.Contains(fmt.Sprint(context["obligations"]), "platform.log") ||
		!strings.Contains(fmt.Sprint(context["revisions"]), "sha256:") {
		t.Errorf("got %s", got.text)
	}
	row, err := store.Decisions.Get(t.Context(), w.Store, model.ID(fmt.Sprint(context["decision_id"])))
	must(t, err)
	if row.PrincipalID != w.People["ana"].ID || row.ResourceID != w.orders.ID || row.Outcome != model.Allow || row.RequestID != "req-0123456789" ||
		!strings.Contains(string(row.Input), `"channel":"authzen"`) {
		t.Errorf("the log keeps %+v", row)
	}
	suspended := strings.Replace(anaReads, "data.read", "access.request", 1)
	if got := w.post("gateway", "/access/v1/evaluation", suspended, "X-Souk-Obligations", "understood"); *got.body.Decision || codes(got)[0] != "product.not_published" {
		t.Errorf("got %s", got.text)
	}
}

// TestNeedsApprovalIsNoPermission shows what approvals an answer names.
func TestNeedsApprovalIsNoPermission(t *testing.T) {
	w := newWorld(t)
	p := w.orders
	p.Status = model.Published
	_, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Products.Put(p)}})
	must(t, err)
	got := w.post("gateway", "/access/v1/evaluation", strings.Replace(anaReads, "data.read", "access.request", 1), "X-Souk-Obligations", "understood")
	if *got.body.Decision || got.body.Context["outcome"] != "NEEDS_APPROVAL" || !strings.Contains(fmt.Sprint(got.body.Context["approvals"]), "domain_steward") {
		t.Errorf("got %s", got.text)
	}
}

// TestWhoMayAsk refuses those who have no right to ask about others.
func TestWhoMayAsk(t *testing.T) {
	w := newWorld(t)
	batch := `{"evaluations":[` + ask(alice, read, one) + `,` + ask(bob, read, one) + `]}`
	for _, c := range []struct {
		who, path, body string
		want            int
	}{
		{"", "evaluation", ask(alice, read, one), http.StatusUnauthorized},
		{"plain", "evaluation", ask(alice, read, one), http.StatusForbidden},
		{"plain", "evaluations", batch, http.StatusForbidden},
		{"plain", "search/subject", ask(alice, read, one), http.StatusForbidden},
		{"plain", "search/resource", ask(alice, read, one), http.StatusForbidden},
		{"plain", "search/action", ask(alice, read, one), http.StatusForbidden},
		{"plain", "evaluation", ask(`{"type":"user","id":"nobody"}`, read, one), http.StatusForbidden},
		{"bob", "evaluation", ask(alice, read, one), http.StatusForbidden},
		{"bob", "evaluation", ask(bob, read, one), http.StatusOK},
		{"bob", "evaluations", batch, http.StatusForbidden},
		{"bob", "search/resource", ask(bob, read, one), http.StatusOK},
		{"bob", "search/subject", ask(bob, read, one), http.StatusForbidden},
		{"gateway", "search/subject", ask(bob, read, one), http.StatusOK},
	} {
		if got := w.post(c.who, "/access/v1/"+c.path, c.body); got.status != c.want {
			t.Errorf("%q %s %s: got %d %s, want %d", c.who, c.path, c.body, got.status, got.text, c.want)
		}
	}
}

// TestTheServerKnowsBetter shows whose word counts where both speak.
func TestTheServerKnowsBetter(t *testing.T) {
	w := newWorld(t)
	lie := ask(alice, write, `{"type":"record","id":"record-2","properties":{"status":"active"}}`)
	if got := w.post("gateway", "/access/v1/evaluation", lie); *got.body.Decision {
		t.Error("a gateway reopened an archived record")
	}
	if got := w.post("vouching", "/access/v1/evaluation", lie); !*got.body.Decision {
		t.Errorf("a trusted gateway is not believed: %s", got.text)
	}
	if got := w.post("vouching", "/access/v1/evaluation", ask(alice, write, twoOld)); *got.body.Decision {
		t.Errorf("agreeing with the server changed the decision: %s", got.text)
	}
}

// TestNobodySpeaksForOurRecords claims every field that the input has of a
// subject and of a resource, and finds none of them believed.
func TestNobodySpeaksForOurRecords(t *testing.T) {
	w := newWorld(t)
	type side map[string]any
	input := func() (in struct {
		Subject, Resource side
		Properties        struct{ Subject, Resource side }
	},
	) {
		w.Helper()
		rows, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["ana"].ID)), Desc: true})
		must(t, err)
		must(t, json.Unmarshal(rows.Nodes[0].Input, &in))
		return in
	}
	const question = `{"subject":{"type":"user","id":"ana","properties":%s},"action":{"name":"data.read"},"resource":{"type":"data_product","id":"sales/orders","properties":%s}}`
	w.post("gateway", "/access/v1/evaluation", fmt.Sprintf(question, "{}", "{}"))
	known := input()
	claimed := func(fields side) string {
		said := side{"said": true}
		for name := range fields {
			said[name] = "claimed"
		}
		raw, err := json.Marshal(said)
		must(t, err)
		return string(raw)
	}
	w.post("gateway", "/access/v1/evaluation", fmt.Sprintf(question, claimed(known.Subject), claimed(known.Resource)))
	got := input().Properties
	if only := (side{"said": true}); !cmp.Equal(got.Subject, only) || !cmp.Equal(got.Resource, only) || len(known.Subject) < 10 {
		t.Errorf("got %v, want what is no field of the input, of %v", got, known)
	}
}

// TestBatchesEndWhereTheirSemanticsSay cuts answers short.
func TestBatchesEndWhereTheirSemanticsSay(t *testing.T) {
	w := newWorld(t)
	body := `{"resource":` + one + `,"options":{"evaluations_semantic":"%s"},"evaluations":[` +
		`{"subject":` + alice + `,"action":` + read + `},{"subject":` + bob + `,"action":` + write + `},{"subject":` + bob + `,"action":` + read + `}]}`
	w.decideAll(t, fmt.Sprintf(body, "execute_all"), true, false, true)
	w.decideAll(t, fmt.Sprintf(body, "deny_on_first_deny"), true, false)
	w.decideAll(t, fmt.Sprintf(body, "permit_on_first_permit"), true)
	many := `{"subject":` + alice + `,"action":` + read + `,"evaluations":[` + strings.Repeat("{},", 500) + `{}]}`
	if got := w.post("gateway", "/access/v1/evaluations", many); got.status != http.StatusBadRequest {
		t.Errorf("501 evaluations: got %d", got.status)
	}
	if got := w.post("gateway", "/access/v1/evaluation", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`); got.status != http.StatusBadRequest {
		t.Errorf("a megabyte: got %d", got.status)
	}
}

// TestTheSameQuestionIsDecidedOnce in a batch, and logged as often as it was asked.
func TestTheSameQuestionIsDecidedOnce(t *testing.T) {
	w := newWorld(t)
	before := w.Engine.Decided()
	got := w.post("gateway", "/access/v1/evaluations", strings.Replace(ask(bob, read, one), "{", `{"evaluations":[`+strings.Repeat("{},", 99)+`{}],`, 1))
	if decided := w.Engine.Decided() - before; len(got.body.Evaluations) != 100 || decided > 2 {
		t.Errorf("%d answers of %d decisions, want 100 of the caller's right and one", len(got.body.Evaluations), decided)
	}
	rows, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["bob"].ID)), Limit: 500})
	must(t, err)
	if len(rows.Nodes) != 100 {
		t.Errorf("%d rows of 100", len(rows.Nodes))
	}
}

// TestSearchesLeaveOneRow sums the decisions of a search up.
func TestSearchesLeaveOneRow(t *testing.T) {
	w := newWorld(t)
	w.post("gateway", "/access/v1/search/subject", ask(alice, read, one))
	rows, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Where: store.Eq("principal", string(w.People["gateway"].ID))})
	must(t, err)
	if len(rows.Nodes) != 1 || rows.Nodes[0].List == nil || rows.Nodes[0].List.Kind != "search.subject" || rows.Nodes[0].List.Shown != 2 || rows.Nodes[0].List.Asked < 3 {
		t.Errorf("got %+v", rows.Nodes)
	}
}

// TestABatchAnswersAsItsItemsDo: what is decided side by side comes out in the
// order of the items, each as by itself and with a row of its own.
func TestABatchAnswersAsItsItemsDo(t *testing.T) {
	w := newWorld(t)
	nobody := `{"type":"user","id":"nobody"}`
	var items []string
	for _, resource := range []string{one, `{"type":"record","id":"record-9"}`, `{"type":"data_product","id":"sales/orders"}`} {
		for _, action := range []string{read, write, `{"name":"product.publish"}`} {
			for _, subject := range []string{alice, bob, nobody, `{"type":"user","id":"ana"}`} {
				items = append(items, ask(subject, action, resource))
			}
		}
	}
	items = append(items, items[3:9]...)           // asked twice, each a decision of its own
	items = append(items, `{"subject":`+alice+`}`) // flawed
	whole := w.post("gateway", "/access/v1/evaluations", `{"evaluations":[`+strings.Join(items, ",")+`]}`)
	if len(whole.body.Evaluations) != len(items) {
		t.Fatalf("%d answers to %d items: %s", len(whole.body.Evaluations), len(items), whole.text)
	}
	allowed, ids := 0, map[any]bool{}
	for i, got := range whole.body.Evaluations[:len(items)-1] {
		alone := w.post("gateway", "/access/v1/evaluation", items[i]).body
		if id := got.Context["decision_id"]; id != nil {
			if ids[id] {
				t.Errorf("item %d has the decision of another: %v", i, id)
			}
			ids[id] = true
		}
		delete(got.Context, "decision_id")
		delete(alone.Context, "decision_id")
		if diff := cmp.Diff(alone.Context, got.Context); *got.Decision != *alone.Decision || diff != "" {
			t.Errorf("%s: by itself %v, in the batch %v (-alone +batch):\n%s", items[i], *alone.Decision, *got.Decision, diff)
		}
		if *got.Decision {
			allowed++
		}
	}
	if allowed == 0 || len(ids) < 5 {
		t.Errorf("%d allowed, %d logged: the batch shows nothing", allowed, len(ids))
	}
	rows, err := store.Decisions.Find(t.Context(), w.Store, store.Query{Index: "by_principal", Limit: 500})
	must(t, err)
	logged := 0
	for _, row := range rows.Nodes {
		if ids[string(row.ID)] {
			logged++
		}
	}
	if logged != len(ids) {
		t.Errorf("%d of the batch's %d decisions are in the log", logged, len(ids))
	}
}

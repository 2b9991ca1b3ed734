package audit_test

import (
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
)

// explaining gives the world somebody who knows the rules.
func (w *world) explaining() {
	w.Helper()
	w.rules = governance.New(governance.Config{Store: w.Store, Gate: w.Gate, Engine: w.Engine, Now: w.Now, Log: slog.New(slog.NewTextHandler(w.Output(), nil))})
	w.Cleanup(w.rules.Close)
	w.serve()
}

// refused gives the decision that kept somebody from the orders.
func (w *world) refused(person string) model.ID {
	w.Helper()
	d, err := w.Access.MayRead(w.As(person), w.orders.ID, "attribution")
	w.Must(err)
	if d.Allowed() {
		w.Fatalf("%s may read the orders", person)
	}
	return d.ID
}

func (w *world) why(person string, id model.ID) model.Explanation {
	w.Helper()
	x, err := w.Explain(w.As(person), id)
	w.Must(err)
	return x
}

// values collects what an explanation shows, by path: "" is hidden.
func values(x model.Explanation) map[string]string {
	shown := map[string]string{}
	note := func(list []model.ComparedValue) {
		for _, v := range list {
			if !v.Missing {
				shown[v.Path] = v.Value
			}
		}
	}
	for _, r := range x.Rules {
		for _, c := range r.Conditions() {
			note(c.Values)
		}
	}
	for _, p := range x.Paths {
		note(p.Changes)
	}
	return shown
}

func TestExplain(t *testing.T) {
	w := newWorld(t)
	w.logged()
	w.explaining()
	w.Person(servertest.Person{Name: "eli", Domain: "marketing", Clearance: model.Internal})
	w.Person(servertest.Person{Name: "otto", Domain: "marketing", Clearance: model.Confidential})
	otto := w.People["otto"].ID
	_, err := w.Mesh.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: w.orders.ID, OwnerID: &otto})
	w.Must(err)
	id, low := w.refused("dan"), w.refused("eli")
	for person, private := range map[string]bool{"dan": true, "ana": false, "otto": false, "root": true} {
		x := w.why(person, id)
		if x.DecisionID != id || x.Outcome != model.Deny || !x.Faithful || len(x.Rules) == 0 || len(x.Paths) == 0 {
			t.Errorf("%s: got %+v", person, x)
		}
		shown := values(x)
		for path, want := range map[string]bool{
			"input.subject.clearance": private, "input.subject.domain": true, "input.subject.steward_of": true,
			"input.resource.classification": true, "input.resource.owner": true, "input.context.purpose": true, "input.facts.grants": true,
		} {
			if value, there := shown[path]; !there || (value != "") != want {
				t.Errorf("%s: %s is %q, there %v, to be seen %v", person, path, value, there, want)
			}
		}
	}
	for person, told := range map[string]bool{"eli": true, "ana": false, "root": true} {
		x := w.why(person, low)
		if got := slices.ContainsFunc(x.Paths, func(p model.LegalPath) bool { return strings.Contains(p.Kind, "raise_clearance") }); got != told {
			t.Errorf("%s is told of a clearance: %v, want %v: %+v", person, got, told, x.Paths)
		}
	}
	if _, err := w.Decision(w.As("otto"), id); !model.Is(err, model.KindNotFound) {
		t.Errorf("the owner reads the row: %v", err)
	}
}

// TestExplainIsADecision keeps the question, whatever the answer, and tells
// those who may not ask no more than that there is nothing.
func TestExplainIsADecision(t *testing.T) {
	for name, logged := range map[string]bool{"in the log": true, "in the store": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if logged {
				w.logged()
			}
			w.explaining()
			id := w.refused("dan")
			w.why("dan", id)
			_, err := w.Explain(w.As("bo"), id)
			_, none := w.Explain(w.As("bo"), "dec_none")
			if !model.Is(err, model.KindNotFound) || strings.ReplaceAll(err.Error(), string(id), "dec_none") != none.Error() {
				t.Errorf("got %v, want what an unknown one gives: %v", err, none)
			}
			for person, want := range map[string]model.Outcome{"dan": model.Allow, "bo": model.Deny} {
				asked := w.decisions("root", audit.DecisionFilter{Action: model.ActDecisionExplain, PrincipalID: w.People[person].ID})
				if len(asked) != 1 || asked[0].Outcome != want || asked[0].ResourceID != id || asked[0].Domain != "sales" {
					t.Errorf("%s: the log has %+v, want one %s", person, asked, want)
				}
			}
			if _, err := w.Explain(t.Context(), id); !model.Is(err, model.KindUnauthenticated) {
				t.Errorf("nobody: got %v", err)
			}
			if _, err := w.Explain(w.As("root"), model.ID(strings.Repeat("x", 65))); !model.Is(err, model.KindNotFound) {
				t.Errorf("a long id: got %v", err)
			}
		})
	}
}

// TestExplainOfWhatIsHiddenByNow shows the one who asked their own side, and
// nothing of a product that they may not know of any more.
func TestExplainOfWhatIsHiddenByNow(t *testing.T) {
	w := newWorld(t)
	w.logged()
	w.explaining()
	id := w.refused("dan")
	hidden := model.VisibleToDomain
	_, err := w.Mesh.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: w.orders.ID, Visibility: &hidden})
	w.Must(err)
	shown := values(w.why("dan", id))
	for path, value := range shown {
		side := strings.Split(path, ".")[1]
		if (value == "") != (side == "resource" || side == "facts") {
			t.Errorf("%s is %q", path, value)
		}
	}
	if shown["input.subject.clearance"] == "" || len(values(w.why("ana", id))) == 0 {
		t.Errorf("got %v", shown)
	}
}

// TestExplainWhatWasNeverThere goes by what the log holds of a product whose
// creation was refused.
func TestExplainWhatWasNeverThere(t *testing.T) {
	w := newWorld(t)
	w.logged()
	w.explaining()
	if _, err := w.Mesh.CreateProduct(w.As("dan"), mesh.NewProduct{Name: "mine", DomainID: w.Domains["sales"].ID}); !model.Is(err, model.KindDenied) {
		t.Fatalf("got %v", err)
	}
	id := w.decisions("dan", audit.DecisionFilter{Action: model.ActProductCreate})[0].ID
	if x := w.why("dan", id); x.Outcome != model.Deny || !x.Faithful {
		t.Errorf("got %+v", x)
	}
	w.why("ana", id)
}

// TestExplainMasked shows nobody what the log keeps as a hash.
func TestExplainMasked(t *testing.T) {
	w := newWorld(t)
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{
		URI: "sqlite::memory:", Store: w.Store, Reads: func(model.DecisionRecord) ([]string, bool) { return []string{"subject.name"}, true },
	})
	w.Must(err)
	t.Cleanup(func() { w.Must(l.Close()) })
	w.LogDecisions(l)
	w.log = l
	w.explaining()
	id := w.refused("dan")
	for _, person := range []string{"dan", "ana", "root"} {
		shown := values(w.why(person, id))
		if value, there := shown["input.resource.owner"]; !there || value != "" || shown["input.resource.classification"] == "" {
			t.Errorf("%s sees %v", person, shown)
		}
	}
}

// TestExplainTooLate says that the input is gone, and lists have none.
func TestExplainTooLate(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: "sqlite::memory:", Store: w.Store, Retention: time.Hour, Now: func() time.Time { return now }})
	w.Must(err)
	t.Cleanup(func() { w.Must(l.Close()) })
	w.LogDecisions(l)
	w.log = l
	w.explaining()
	id := w.refused("dan")
	now = now.Add(2 * time.Hour)
	_, err = l.Erase(t.Context())
	w.Must(err)
	w.events("root", audit.EventFilter{})
	list := w.decisions("root", audit.DecisionFilter{PrincipalID: w.People["root"].ID})[0]
	for person, id := range map[string]model.ID{"dan": id, "root": list.ID} {
		if _, err := w.Explain(w.As(person), id); !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), "holds no input") {
			t.Errorf("%s: got %v, want that the input is gone", person, err)
		}
	}
}

// TestExplainForbidden refuses whoever may read a decision, but may not have
// it explained, openly.
func TestExplainForbidden(t *testing.T) {
	w := newWorld(t)
	text, err := fs.ReadFile(policies.Files, "platform/decision.rego")
	w.Must(err)
	closed := strings.ReplaceAll(string(text), `{"audit.read", "decision.explain"}`, `{"audit.read"}`)
	w.Gate = gate.New(w.Store, servertest.Under(t, map[string]string{"platform/decision.rego": closed}), model.Now, nil)
	w.serve()
	id := w.refused("dan")
	if _, err := w.Explain(w.As("dan"), id); !model.Is(err, model.KindUnavailable) {
		t.Errorf("nobody explains: got %v", err)
	}
	w.explaining()
	if _, err := w.Explain(w.As("dan"), id); !model.Is(err, model.KindDenied) {
		t.Errorf("got %v, want a refusal", err)
	}
	w.why("ana", id)
}

// TestWhoAskedForWhom keeps who asked about somebody else.
func TestWhoAskedForWhom(t *testing.T) {
	w := newWorld(t)
	l := w.logged()
	res, err := w.Gate.Product(t.Context(), w.orders)
	w.Must(err)
	for person, want := range map[string]model.ID{"root": w.People["root"].ID, "dan": ""} {
		answer, err := w.Gate.Session().AskFor(w.As(person), w.People["dan"], model.ActDataRead, res, gate.Extra{})
		w.Must(err)
		w.Must(l.Append(t.Context(), answer.Row))
		got, err := w.Decision(w.As("dan"), answer.ID)
		if err != nil || got.AskedBy != want || got.PrincipalID != w.People["dan"].ID {
			t.Errorf("%s asks: got %+v, %v, want asked by %q", person, got, err, want)
		}
	}
}

// TestInputShowsWhatMayBeSeen gives whoever asked for a hidden product their
// own side of the question and nothing of the product.
func TestInputShowsWhatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	w.logged()
	asked := w.refused("dan") // while the product could be seen
	hidden := model.VisibleToDomain
	_, err := w.Mesh.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: w.orders.ID, Visibility: &hidden})
	w.Must(err)
	if _, err := w.Mesh.Product(w.As("dan"), w.orders.ID); !model.Is(err, model.KindNotFound) {
		t.Fatalf("got %v", err)
	}
	if rows := w.decisions("dan", audit.DecisionFilter{ResourceID: w.orders.ID, Action: model.ActMetadataView}); len(rows) != 0 {
		t.Errorf("a look at what is hidden is among dan's own decisions: %+v", rows)
	}
	row, err := w.Decision(w.As("dan"), asked)
	w.Must(err)
	own := w.decisions("ana", audit.DecisionFilter{PrincipalID: w.People["ana"].ID, ResourceID: w.orders.ID})[0]
	for person, want := range map[string]struct{ resource, person bool }{"dan": {false, true}, "ana": {true, false}, "root": {true, true}} {
		inputs, err := w.Inputs(w.As(person), row, own)
		w.Must(err)
		input := inputs[row.ID]
		if mine := string(inputs[own.ID]); strings.Contains(mine, `"clearance":`) != (person != "dan") {
			t.Errorf("%s sees of ana's question: %s", person, mine)
		}
		for part, shown := range map[string]bool{
			`"classification":`: want.resource, `"name":"orders"`: want.resource, `"clearance":`: want.person, `"name":"dan"`: true, `"name":"data.read"`: true,
		} {
			if got := strings.Contains(string(input), part); got != shown {
				t.Errorf("%s sees %s: got %t, want %t in %s", person, part, got, shown, input)
			}
		}
	}
	row.Input = nil
	if inputs, err := w.Inputs(w.As("dan"), row); len(inputs) != 0 || err != nil {
		t.Errorf("without an input: got %s, %v", inputs, err)
	}
}

package audit_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// logged gives the world a decision log.
func (w *world) logged() *decisionlog.Log {
	w.Helper()
	l, err := decisionlog.Open(w.Context(), decisionlog.Config{URI: "sqlite::memory:", Store: w.Store})
	w.Must(err)
	w.Cleanup(func() { w.Must(l.Close()) })
	w.LogDecisions(l)
	w.log = l
	w.serve()
	return l
}

// The log shows what changes carried, what nobody's change carries, and the
// lists, together and in order.
func TestTheLogIsWhole(t *testing.T) {
	w := newWorld(t)
	before := len(w.decisions("root", audit.DecisionFilter{}))
	l := w.logged()
	w.read("dan")
	w.read("ana")
	events := len(w.events("root", audit.EventFilter{})) // a list
	_, err := w.Mesh.PublishProduct(w.As("bo"), w.orders.ID)
	if err == nil {
		t.Fatal("bo may publish what is sales'")
	}
	got := w.decisions("root", audit.DecisionFilter{}) // the last list is not yet in it
	var lists []model.DecisionList
	for _, d := range got {
		if d.List != nil {
			lists = append(lists, *d.List)
		}
	}
	if want := before + 4; len(got) != want || len(lists) != 1 {
		t.Errorf("got %d decisions with %d lists, want %d with 1", len(got), len(lists), want)
	}
	if len(lists) > 0 && (lists[0].Kind != "event" || lists[0].Asked != events || lists[0].Shown != events || len(lists[0].Filter) != 16) {
		t.Errorf("got %+v of %d events", lists[0], events)
	}
	if !slices.IsSortedFunc(got, func(a, b model.DecisionRecord) int { return int(b.Seq - a.Seq) }) {
		t.Error("the log is not in order")
	}
	var all, paged []model.ID
	for _, d := range w.decisions("root", audit.DecisionFilter{Domain: "sales"}) {
		all = append(all, d.ID)
	}
	for p := (model.Paging{First: 2}); ; {
		page, err := w.Decisions(w.As("root"), audit.DecisionFilter{Domain: "sales"}, p)
		w.Must(err)
		for _, d := range page.Nodes {
			paged = append(paged, d.ID)
		}
		if !page.More {
			break
		}
		p.After = page.Cursors[len(page.Cursors)-1]
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Errorf("pages against the whole (-want +got):\n%s", diff)
	}
	report, err := l.Verify(t.Context(), nil)
	if err != nil || !report.OK() {
		t.Errorf("got %v, %v", report.Problems, err)
	}
}

func TestTheLogIsShownToWhomItConcerns(t *testing.T) {
	w := newWorld(t)
	l := w.logged()
	w.read("dan")
	dan := w.People["dan"].ID
	asked := w.decisions("dan", audit.DecisionFilter{Action: model.ActDataRead})
	if len(asked) != 1 || asked[0].PrincipalID != dan || len(asked[0].Input) == 0 {
		t.Fatalf("dan sees %d decisions, want the one about his own question", len(asked))
	}
	if got := w.decisions("bo", audit.DecisionFilter{ResourceID: w.orders.ID}); len(got) != 0 {
		t.Errorf("bo sees %d decisions about sales", len(got))
	}
	for person, sees := range map[string]bool{"dan": true, "ana": true, "root": true, "bo": false} {
		d, err := w.Decision(w.As(person), asked[0].ID)
		if sees && (err != nil || d.ID != asked[0].ID) {
			t.Errorf("%s: got %+v, %v, want the decision", person, d, err)
		}
		if !sees && !model.Is(err, model.KindNotFound) {
			t.Errorf("%s: got %v, want not found", person, err)
		}
	}
	w.Must(l.Append(t.Context(), model.DecisionRecord{Meta: model.Meta{ID: "dec_end"}, Outcome: model.Allow})) // behind what nobody waits for
	refused := w.decisions("root", audit.DecisionFilter{PrincipalID: w.People["bo"].ID, Outcome: model.Deny})
	if len(refused) != 1 || refused[0].ResourceID != asked[0].ID || refused[0].Action != model.ActAuditRead {
		t.Errorf("got %v, want what bo was not shown", refused)
	}
	at := asked[0].At
	for name, c := range map[string]struct {
		f    audit.DecisionFilter
		want int
	}{
		"from then":    {audit.DecisionFilter{Action: model.ActDataRead, From: at}, 1},
		"until then":   {audit.DecisionFilter{Action: model.ActDataRead, To: at}, 0},
		"other action": {audit.DecisionFilter{Action: model.ActGrantRevoke}, 0},
	} {
		if got := w.decisions("root", c.f); len(got) != c.want {
			t.Errorf("%s: got %d, want %d", name, len(got), c.want)
		}
	}
	for _, id := range []model.ID{"", "dec_\xff", "dec_none"} {
		if _, err := w.Decision(w.As("root"), id); !model.Is(err, model.KindNotFound) {
			t.Errorf("%q: got %v, want not found", id, err)
		}
	}
}

// TestRareDecisionsAreFound behind thousands that are others'.
func TestRareDecisionsAreFound(t *testing.T) {
	w := newWorld(t)
	l := w.logged()
	w.read("dan")
	for i := range 25_000 {
		id := model.ID(fmt.Sprint("dec_noise_", i))
		w.Must(l.Note(t.Context(), model.DecisionRecord{Meta: model.Meta{ID: id}, At: model.Now(), Action: model.ActDataRead, PrincipalID: "prn_x", Domain: "other", Outcome: model.Allow}))
	}
	w.Must(l.Append(t.Context(), model.DecisionRecord{Meta: model.Meta{ID: "dec_end"}, At: model.Now(), PrincipalID: "prn_x", Outcome: model.Allow}))
	for _, person := range []string{"dan", "ana"} {
		got := w.decisions(person, audit.DecisionFilter{Action: model.ActDataRead})
		if len(got) != 1 || got[0].PrincipalID != w.People["dan"].ID {
			t.Errorf("%s: got %d decisions, want the one about dan's question", person, len(got))
		}
	}
	if got := w.decisions("root", audit.DecisionFilter{Domain: "other"}); len(got) != 200 {
		t.Errorf("got %d of the others, want a page of them", len(got))
	}
}

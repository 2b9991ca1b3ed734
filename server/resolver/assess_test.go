package resolver_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/store"
)

// held is a log of decisions that stops in the middle until it is let go.
type held struct {
	row     model.DecisionRecord
	middle  int
	release chan struct{}
}

func (h *held) Count(context.Context, model.Slug, time.Time, int) (int, error) {
	return 2 * h.middle, nil
}

func (h *held) Recent(ctx context.Context, _ model.Slug, _ time.Time, _ int) iter.Seq2[model.DecisionRecord, error] {
	return func(yield func(model.DecisionRecord, error) bool) {
		for i := range 2 * h.middle {
			if i == h.middle {
				select {
				case <-h.release:
				case <-ctx.Done():
					yield(model.DecisionRecord{}, ctx.Err())
					return
				}
			}
			if !yield(h.row, nil) {
				return
			}
		}
	}
}

const watchAssessment = `subscription($id: ID!) { policyAssessment(proposalId: $id) { state done total reportHash message } }`

// TestAssessmentOverTheWire shows how far a long replay is while it runs, ends
// it on demand, and lets another run to its end.
func TestAssessmentOverTheWire(t *testing.T) {
	w := newWorld(t)
	draft := w.watchedDraft()
	log := w.hold(1024)
	begin := func() {
		t.Helper()
		w.ok("ana", `mutation($id: ID!) { assessPolicy(input: {id: $id}) { assessment { state } userErrors { message } } }`, vars{"id": draft})
	}

	begin()
	var last reply
	ended := w.listen("dee", watchAssessment, vars{"id": draft}, func(r reply) {
		if last = r; r.at("policyAssessment.state") != "RUNNING" || r.at("policyAssessment.done") != 1024.0 {
			return
		}
		if total, _ := r.at("policyAssessment.total").(float64); total <= 2048 {
			t.Errorf("half way through the log the grants and the made-up questions are not counted: %s", r.text)
		}
		if got := w.ask("bo", `mutation($id: ID!) { cancelPolicyAssessment(input: {id: $id}) { assessment { state } userErrors { code } } }`, vars{"id": draft}); got.str("cancelPolicyAssessment.userErrors.0.code") != "NOT_FOUND" {
			t.Errorf("somebody of another domain ends it: %s", got.text)
		}
		w.ok("ana", `mutation($id: ID!) { cancelPolicyAssessment(input: {id: $id}) { assessment { state } userErrors { message } } }`, vars{"id": draft})
	})
	if !ended || last.str("policyAssessment.state") != "CANCELLED" || last.str("policyAssessment.message") == "" {
		t.Fatalf("cancelled: %s", last.text)
	}
	if p := w.ok("ana", `query($id: ID!) { policyProposal(id: $id) { status impact { hash } } }`, vars{"id": draft}); p.str("policyProposal.status") != "TESTED" || p.at("policyProposal.impact") != nil {
		t.Errorf("after the end: %s", p.text)
	}

	begin()
	var seen []float64
	ended = w.listen("dee", watchAssessment, vars{"id": draft}, func(r reply) {
		last = r
		done, _ := r.at("policyAssessment.done").(float64)
		if seen = append(seen, done); done == 1024 {
			close(log.release)
		}
	})
	if !ended || last.str("policyAssessment.state") != "DONE" || last.str("policyAssessment.reportHash") == "" || seen[len(seen)-1] <= 2048 || last.at("policyAssessment.total") != seen[len(seen)-1] {
		t.Errorf("let go: %s after %v", last.text, seen)
	}
}

// TestTheNextEventDoesNotReachWhoLostTheRight has the stream of somebody who is
// suspended, and of the steward who is replaced, half way through.
func TestTheNextEventDoesNotReachWhoLostTheRight(t *testing.T) {
	for name, c := range map[string]struct {
		who  string
		lose func(*world)
		code string
	}{
		"a suspended person": {"dee", func(w *world) {
			w.ok("cy", `mutation($id: ID!) { updatePrincipal(input: {id: $id, isSuspended: true}) { principal { id } userErrors { message } } }`, vars{"id": w.People["dee"].ID})
		}, "UNAUTHENTICATED"},
		"a steward replaced": {"dee", func(w *world) {
			_, err := w.Mesh.UpdateDomain(w.System(), mesh.DomainEdit{ID: w.Domains["sales"].ID, StewardIDs: &[]model.ID{w.People["ana"].ID}})
			w.Must(err)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			draft := w.watchedDraft()
			log := w.hold(1024)
			w.ok("ana", `mutation($id: ID!) { assessPolicy(input: {id: $id}) { assessment { state } userErrors { message } } }`, vars{"id": draft})
			var last reply
			lost := false
			w.listen(c.who, watchAssessment, vars{"id": draft}, func(r reply) {
				if last = r; lost || r.at("policyAssessment.done") != 1024.0 {
					return
				}
				lost = true
				c.lose(w)
				close(log.release)
			})
			if !lost || last.at("policyAssessment.state") == "DONE" || last.code() != c.code {
				t.Errorf("the last event: %s", last.text)
			}
		})
	}
}

// watchedDraft is a tested draft that Dee may watch, for she is a steward of
// Sales too.
func (w *world) watchedDraft() string {
	w.Helper()
	_, err := w.Mesh.UpdateDomain(w.System(), mesh.DomainEdit{ID: w.Domains["sales"].ID, StewardIDs: &[]model.ID{w.People["ana"].ID, w.People["dee"].ID}})
	w.Must(err)
	return w.testedDraft()
}

// testedDraft takes a draft of Sales as far as the assessment.
func (w *world) testedDraft() string {
	w.Helper()
	files := []any{}
	for _, m := range templateOf(w, "sales") {
		files = append(files, vars{"path": m.Path, "text": m.Text})
	}
	id := w.ok("ana", `mutation($in: DraftPolicyInput!) { draftPolicy(input: $in) { proposal { id } userErrors { message } } }`,
		vars{"in": vars{"domain": "sales", "title": "The template, our own", "modules": files}}).str("draftPolicy.proposal.id")
	w.ok("ana", `mutation($id: ID!) { checkPolicy(input: {id: $id}) { proposal { status } userErrors { message } } }`, vars{"id": id})
	w.ok("ana", `mutation($id: ID!) { testPolicy(input: {id: $id}) { proposal { status } userErrors { message } } }`, vars{"id": id})
	return id
}

// hold has drafts tried on a log that stops after so many decisions.
func (w *world) hold(middle int) *held {
	w.Helper()
	w.ok("bo", `mutation($p: ID!) { checkAccess(input: {productId: $p, purpose: "attribution"}) { decision { id } } }`, vars{"p": w.orders.ID})
	row, err := store.Decisions.First(w.Context(), w.Store, store.Query{Index: "by_time", Desc: true})
	w.Must(err)
	log := &held{row: row, middle: middle, release: make(chan struct{})}
	w.services.Governance = governance.New(governance.Config{Store: w.Store, Gate: w.Gate, Engine: w.Engine, History: log, Now: model.Now, Log: w.log})
	w.Cleanup(w.services.Governance.Close)
	w.serve()
	return log
}

package audit_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// world is a company under the policies that Souk ships. Ana is steward of
// sales and bo of marketing, dan works in marketing, root runs the platform.
type world struct {
	*servertest.World
	*audit.Service

	log   *decisionlog.Log    // nil for none
	rules *governance.Service // nil for nobody who explains

	orders model.DataProduct // of sales, published
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: servertest.New(t, servertest.Company{
		Domains: []string{"sales", "marketing"},
		People: []servertest.Person{
			{Name: "ana", Domain: "sales", Steward: true, Clearance: model.Confidential},
			{Name: "bo", Domain: "marketing", Steward: true, Clearance: model.Confidential},
			{Name: "dan", Domain: "marketing", Clearance: model.Confidential},
			{Name: "root", Roles: []model.Role{model.RoleAdmin}, Clearance: model.Confidential},
		},
	})}
	w.serve()
	w.orders = w.As("ana").Publish("orders", model.Confidential)
	return w
}

// serve makes the service anew of what the world has by now.
func (w *world) serve() {
	if w.rules == nil {
		w.Service = audit.New(w.Store, w.Gate, w.log, nil)
		return
	}
	w.Service = audit.New(w.Store, w.Gate, w.log, w.rules)
}

func (w *world) read(person string) {
	w.Helper()
	_, err := w.Access.MayRead(w.As(person), w.orders.ID, "attribution")
	w.Must(err)
}

func (w *world) events(person string, f audit.EventFilter) []model.Event {
	w.Helper()
	page, err := w.Events(w.As(person), f, model.Paging{First: 200})
	w.Must(err)
	return page.Nodes
}

func (w *world) decisions(person string, f audit.DecisionFilter) []model.DecisionRecord {
	w.Helper()
	page, err := w.Decisions(w.As(person), f, model.Paging{First: 200})
	w.Must(err)
	return page.Nodes
}

func TestEventsAreShownToWhomTheyConcern(t *testing.T) {
	w := newWorld(t)
	w.read("dan")
	all := w.events("root", audit.EventFilter{})
	if !slices.IsSortedFunc(all, func(a, b model.Event) int { return int(b.Seq - a.Seq) }) || all[len(all)-1].Seq != 1 {
		t.Errorf("the administrator does not see the whole feed, the newest first")
	}
	sales := map[model.ID]bool{w.Domains["sales"].ID: true, w.orders.ID: true, all[len(all)-1].ID: true}
	for _, a := range w.orders.Assets(model.OutputPort) {
		sales[a] = true
	}
	for _, e := range w.events("ana", audit.EventFilter{}) {
		if !sales[e.SubjectID] && e.ActorID != w.People["ana"].ID {
			t.Errorf("ana sees the event %s of %s", e.Action, e.SubjectID)
		}
	}
	if got := w.events("ana", audit.EventFilter{SubjectID: w.orders.ID}); len(got) != 3 || got[0].Action != "data.read.refused" {
		t.Errorf("ana sees %d events of her product, want 3", len(got))
	}
	if got := w.events("dan", audit.EventFilter{}); len(got) != 1 || got[0].ActorID != w.People["dan"].ID {
		t.Errorf("dan sees %v, want his own deed alone", got)
	}
	if got := w.events("bo", audit.EventFilter{ActorID: w.People["dan"].ID}); len(got) != 0 {
		t.Errorf("bo sees %v of another domain", got)
	}
	if got := w.events("root", audit.EventFilter{ActorID: w.People["dan"].ID, SubjectID: w.orders.ID}); len(got) != 1 {
		t.Errorf("by actor and subject: got %d events, want 1", len(got))
	}
}

func TestEventsLieInTheDomainOfTheirSubject(t *testing.T) {
	w := newWorld(t)
	source := model.Source{Meta: model.Meta{ID: model.NewID(model.PrefixSource)}, Name: "shop", DomainID: w.Domains["sales"].ID}
	run := model.Run{Meta: model.Meta{ID: model.NewID(model.PrefixRun)}, SourceID: source.ID}
	team, err := w.Mesh.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "orders", DomainID: w.Domains["sales"].ID})
	w.Must(err)
	request, err := w.Access.Request(w.As("dan"), access.NewRequest{ProductID: w.orders.ID, Purpose: "attribution", Duration: access.MinDuration})
	w.Must(err)
	request, err = w.Access.Approve(w.As("ana"), request.ID, "")
	w.Must(err)
	_, err = w.Access.Revoke(w.As("root"), request.GrantID, "")
	w.Must(err)
	_, err = w.Store.Apply(t.Context(), store.Change{Action: "source.create", Subject: source.ID, Actor: "prn_x", Writes: []store.Write{store.Sources.Put(source)}})
	w.Must(err)
	_, err = w.Store.Apply(t.Context(), store.Change{Action: "run.start", Subject: run.ID, Actor: "prn_x", Writes: []store.Write{store.Runs.Put(run)}})
	w.Must(err)
	proposal := model.PolicyProposal{Meta: model.Meta{ID: model.NewID(model.PrefixProposal)}, Domain: "sales"}
	_, err = w.Store.Apply(t.Context(), store.Change{Action: "policy.draft", Subject: proposal.ID, Actor: "prn_x", Writes: []store.Write{store.PolicyProposals.Put(proposal)}})
	w.Must(err)
	state := model.PolicyState{Meta: model.Meta{ID: model.ID(model.PrefixState) + "_sales"}, Domain: "sales"}
	_, err = w.Store.Apply(t.Context(), store.Change{Action: "policy.rollback", Subject: state.ID, Actor: "prn_x", Writes: []store.Write{store.PolicyStates.Put(state)}})
	w.Must(err)
	for _, id := range append(w.orders.Assets(model.OutputPort), source.ID, run.ID, proposal.ID, state.ID, team.ID, request.ID, request.GrantID, w.orders.ID, w.Domains["sales"].ID) {
		if len(w.events("ana", audit.EventFilter{SubjectID: id})) == 0 {
			t.Errorf("the steward of sales does not see what happened to %s", id)
		}
		if got := w.events("bo", audit.EventFilter{SubjectID: id}); len(got) != 0 {
			t.Errorf("the steward of marketing sees what happened to %s", id)
		}
	}
}

func TestDecisionsAreShownToWhomTheyConcern(t *testing.T) {
	w := newWorld(t)
	w.read("dan")
	w.read("ana")
	dan := w.People["dan"].ID
	if got := w.decisions("dan", audit.DecisionFilter{}); len(got) != 1 || got[0].PrincipalID != dan || got[0].Outcome != model.Deny {
		t.Errorf("dan sees %d decisions, want the one about his own question", len(got))
	}
	if got := w.decisions("bo", audit.DecisionFilter{ResourceID: w.orders.ID}); len(got) != 0 {
		t.Errorf("bo sees %d decisions about sales", len(got))
	}
	for _, d := range w.decisions("ana", audit.DecisionFilter{}) {
		if d.Domain != "sales" && d.PrincipalID != w.People["ana"].ID {
			t.Errorf("ana sees a decision of %q", d.Domain)
		}
	}
	for name, c := range map[string]struct {
		f    audit.DecisionFilter
		want int
	}{
		"principal":           {audit.DecisionFilter{PrincipalID: dan}, 1},
		"resource":            {audit.DecisionFilter{ResourceID: w.orders.ID}, 4},
		"outcome":             {audit.DecisionFilter{Outcome: model.Deny}, 1},
		"domain and outcome":  {audit.DecisionFilter{Domain: "sales", Outcome: model.Deny}, 1},
		"all four":            {audit.DecisionFilter{PrincipalID: dan, ResourceID: w.orders.ID, Domain: "sales", Outcome: model.Deny}, 1},
		"nothing like it":     {audit.DecisionFilter{PrincipalID: dan, Outcome: model.Allow}, 0},
		"a domain not there":  {audit.DecisionFilter{Domain: "nowhere"}, 0},
		"an unknown resource": {audit.DecisionFilter{ResourceID: "dpr_1"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.decisions("root", c.f); len(got) != c.want {
				t.Errorf("got %d decisions, want %d", len(got), c.want)
			}
		})
	}
}

func TestOneDecision(t *testing.T) {
	w := newWorld(t)
	w.read("dan")
	id := w.decisions("dan", audit.DecisionFilter{})[0].ID
	for person, sees := range map[string]bool{"dan": true, "ana": true, "root": true, "bo": false} {
		d, err := w.Decision(w.As(person), id)
		if sees && (err != nil || d.ID != id || len(d.Input) == 0) {
			t.Errorf("%s: got %+v, %v, want the decision with its input", person, d, err)
		}
		if !sees && !model.Is(err, model.KindNotFound) {
			t.Errorf("%s: got %v, want not found", person, err)
		}
	}
	if _, err := w.Decision(t.Context(), id); !model.Is(err, model.KindUnauthenticated) {
		t.Errorf("nobody: got %v, want unauthenticated", err)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.read("dan")
		w.read("ana")
	}
	var all, paged []int64
	for _, e := range w.events("root", audit.EventFilter{}) {
		all = append(all, e.Seq)
	}
	for p := (model.Paging{First: 3}); ; {
		page, err := w.Events(w.As("root"), audit.EventFilter{}, p)
		w.Must(err)
		for _, e := range page.Nodes {
			paged = append(paged, e.Seq)
		}
		if !page.More {
			break
		}
		p.After = page.Cursors[len(page.Cursors)-1]
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Errorf("pages against the whole (-want +got):\n%s", diff)
	}
	page, err := w.Events(w.As("dan"), audit.EventFilter{}, model.Paging{First: 5})
	w.Must(err)
	if len(page.Nodes) != 5 {
		t.Errorf("dan's page has %d rows, want 5 with other people's deeds between them", len(page.Nodes))
	}
	for name, p := range map[string]model.Paging{"none": {First: 0}, "too many": {First: 100_000}, "foreign": {First: 5, After: page.Cursors[0] + "x"}} {
		if _, err := w.Decisions(w.As("root"), audit.DecisionFilter{}, p); !model.Is(err, model.KindInvalid) && !model.Is(err, model.KindBadCursor) {
			t.Errorf("%s: got %v, want bad input", name, err)
		}
	}
}

// What concerns the viewer is found behind thousands of rows that do not.
func TestRareRowsAreFound(t *testing.T) {
	w := newWorld(t)
	w.read("dan")
	for i := range 3000 {
		_, err := w.Store.Apply(t.Context(), store.Change{Action: "test.noise", Subject: model.ID(fmt.Sprint("prn_", i)), Actor: "prn_x"})
		w.Must(err)
	}
	page, err := w.Events(w.As("dan"), audit.EventFilter{}, model.Paging{First: 1})
	w.Must(err)
	if len(page.Nodes) != 1 || page.Nodes[0].ActorID != w.People["dan"].ID {
		t.Errorf("got %v, want dan's own deed", page.Nodes)
	}
}

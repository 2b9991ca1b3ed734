package policy_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
)

// TestRightsAgreeWithDecide holds rights against decisions about each row: for
// made-up rules, askers, rows and facts the two must never differ, and most must
// be known without asking the rules.
func TestRightsAgreeWithDecide(t *testing.T) {
	e := engine(t)
	n := *rounds / 3
	if testing.Short() {
		n /= 5
	}
	rows, known := 0, map[model.Outcome]int{}
	for round := range n {
		r := rand.New(rand.NewPCG(7, uint64(round)))
		for _, domain := range []model.Slug{"sales", "marketing"} {
			modules := policytest.Rights(r, domain, round%3 == 0)
			if _, err := e.Activate(t.Context(), policy.Draft{Domain: domain, Modules: modules}); err != nil {
				t.Fatalf("%v\n%s", err, modules[0].Text)
			}
		}
		for range 8 {
			r2, k := judgeRights(t, r, e.Snapshot())
			rows += r2
			for outcome, times := range k {
				known[outcome] += times
			}
		}
	}
	t.Logf("%d rows, known %v", rows, known)
	if sum := known[model.Deny] + known[model.Allow] + known[model.NeedsApproval]; sum < rows*3/5 || known[model.Allow] < rows/50 || known[model.NeedsApproval] < rows/200 {
		t.Error("the test hardly tests anything")
	}
}

// judgeRights looks at some rows for one asker.
func judgeRights(t *testing.T, r *rand.Rand, s *policy.Snapshot) (rows int, known map[model.Outcome]int) {
	t.Helper()
	kind := []string{"data_product", "asset", "access_request"}[r.IntN(3)]
	action := policytest.RightActions[r.IntN(len(policytest.RightActions))]
	switch r.IntN(4) {
	case 0:
		action = model.ActAccessRequest
	case 1:
		action = policy.Actions()[r.IntN(len(policy.Actions()))]
	}
	q := policy.Question{Action: action, Subject: policytest.Subject(r), Context: policy.Context{Now: policytest.Noon, Purpose: []string{"billing", "", " "}[r.IntN(3)], Channel: "graphql"}}
	q.Resource.Type = kind
	rights, known := s.Rights(t.Context(), q), map[model.Outcome]int{}
	for range 12 {
		q.Resource, q.Facts = policytest.Resource(r, kind, ""), policytest.Facts(r)
		asked := policytest.More(r, q)
		got, sure := rights.Judge(&asked)
		if rows++; !sure {
			continue
		}
		known[got]++
		if want := s.Decide(t.Context(), asked); got != want.Outcome {
			t.Fatalf("the rights say %s, the decision %s %v\n%s", got, want.Outcome, want.Reasons, asked.Input())
		}
	}
	return rows, known
}

// TestShippedRightsNeedNoRules holds the rules that Souk ships to being
// conditions: each of the rights over a page of products is known without them.
func TestShippedRightsNeedNoRules(t *testing.T) {
	s := engine(t).Snapshot()
	for _, action := range policytest.RightActions {
		for _, who := range []policy.Subject{ana, bo, cy} {
			q := ask(who, action, orders)
			if _, sure := s.Rights(t.Context(), q).Judge(&q); !sure {
				t.Errorf("%s of %s: the rules have to be asked", action, who.Name)
			}
		}
	}
}

// TestRightsOfUnknownActions refuses what no policy knows, and answers for one action alone.
func TestRightsOfUnknownActions(t *testing.T) {
	s := engine(t).Snapshot()
	q := ask(ana, "nothing.known", orders)
	if got, sure := s.Rights(t.Context(), q).Judge(&q); !sure || got != model.Deny {
		t.Errorf("got %s, %t", got, sure)
	}
	other := ask(ana, model.ActDataRead, orders)
	if _, sure := s.Rights(t.Context(), q).Judge(&other); sure {
		t.Error("the rights of one action answer for another")
	}
}

// TestFiltersKnowWhatTheyDoNotRead asks row by row where a rule about looking
// reads what no condition does.
func TestFiltersKnowWhatTheyDoNotRead(t *testing.T) {
	e := engine(t)
	if _, err := e.Activate(t.Context(), draft(`deny contains {"code": "d", "message": "m"} if input.resource.unconsented > 0`)); err != nil {
		t.Fatal(err)
	}
	q := ask(bo, model.ActMetadataView, with(orders, func(r *policy.Resource) { r.Unconsented = 1 }))
	if e.Snapshot().Decide(t.Context(), q).Allowed() {
		t.Fatal("the rule is not heard")
	}
	if c, ok := lookAt(t, e, bo, "data_product", "sales"); ok && c.Holds(&q) {
		t.Error("the filter shows what the decision refuses")
	}
}

// TestHolding puts grants into conditions: rows come out as they do where each is
// looked at with the grants on it.
func TestHolding(t *testing.T) {
	e, compared, granted := engine(t), 0, 0
	for round := range 40 {
		r := rand.New(rand.NewPCG(3, uint64(round)))
		modules := policytest.Domain(r, "sales", false)
		if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: modules}); err != nil {
			t.Fatal(err)
		}
		q := policy.Question{Action: model.ActMetadataView, Subject: policytest.Subject(r), Context: policy.Context{Now: policytest.Noon, Channel: "graphql"}}
		q.Resource.Type = "access_request"
		view := e.Snapshot().View(t.Context(), q)
		grants := slices.Concat(policytest.Facts(r).Grants, policytest.Facts(r).Grants, policytest.Facts(r).Grants)
		for range 30 {
			q.Resource, q.Facts = policytest.Resource(r, "access_request", ""), policy.Facts{RolesHeld: policytest.Facts(r).RolesHeld}
			c := view.Of(q.Resource.Domain)
			if c == nil {
				continue
			}
			bound := c.Holding(grants, policytest.Noon)
			got := bound.Holds(&q)
			q.Facts.Grants = slices.DeleteFunc(slices.Clone(grants), func(g policy.GrantFact) bool { return g.Product != q.Resource.ID && g.Product != q.Resource.Product })
			if compared++; len(q.Facts.Grants) > 0 {
				granted++
			}
			if want := c.Holds(&q); got != want {
				t.Fatalf("round %d: with the grants bound %t, beside %t\n%s\n%s", round, got, want, q.Input(), modules[0].Text)
			}
		}
	}
	if compared < 600 || granted < 200 {
		t.Errorf("%d rows, %d with grants: the test hardly tests anything", compared, granted)
	}
}

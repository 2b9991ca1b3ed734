package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
)

// someQuestion is one of few subjects about one of many resources.
func someQuestion(r *rand.Rand) policy.Question {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	actions := policy.Actions()
	q := ask([]policy.Subject{ana, bo}[r.IntN(2)], actions[r.IntN(len(actions))], policy.Resource{
		Type: pick("data_product", "data_product", "asset"), ID: model.ID(fmt.Sprint("dpr_", r.IntN(1000))), Name: pick("orders", "STEWARDS", "returns"), Domain: model.Slug(pick("sales", "sales", "marketing", "")),
		Classification: model.Classification(pick("", "PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")), Visibility: model.Visibility(pick("COMPANY", "DOMAIN")),
		Status: pick("DRAFT", "PUBLISHED", "DEPRECATED", "RETIRED"), Owner: model.ID(pick("", string(ana.ID), string(bo.ID))), Tags: []string{pick("pii", "1")}, Unconsented: r.IntN(2),
	})
	q.Resource.Product = q.Resource.ID
	q.Context.Purpose = pick("", "billing")
	if r.IntN(4) == 0 {
		product := model.ID(pick(string(q.Resource.ID), "dpr_other"))
		q.Facts.Grants = []policy.GrantFact{{ID: "grt_1", Product: product, Purpose: "billing", Until: noon.AddDate(0, 0, r.IntN(3)-1)}}
	}
	if r.IntN(4) == 0 {
		q.Properties.Resource = map[string]any{"region": []any{nil, "eu", "us"}[r.IntN(3)]}
	}
	return q
}

// trickyRules look at what the shipped ones do not, or late.
const trickyRules = `package souk.domains.sales

import data.souk.lib
import rego.v2

allow contains {"code": "name", "message": "It has a good name."} if {
	input.action.name == "data.read"
	input.resource.name == "orders"
}

allow contains {"code": "granted", "message": sprintf("Granted for %s.", [input.resource.product])} if {
	lib.has_grant(input.facts, input.resource, input.context.now)
	input.resource.id != "dpr_7"
}

deny contains {"code": "number", "message": "A number decides."} if {
	to_number(input.resource.tags[0]) == 1
	some grant in input.facts.grants
	grant.product == input.resource.product
	input.resource.name == "STEWARDS"
}

deny contains {"code": "region", "message": "The region is null."} if {
	input.action.name in {"data.read", "metadata.view"}
	input.properties.resource.region == null
}
`

// alike holds many questions, asked among each other, to the answers of the rules,
// the number of steps with them. It gives how often the rules broke.
func alike(t *testing.T, s *policy.Snapshot, n int, question func() policy.Question) (broken int) {
	t.Helper()
	var others policy.Alike
	for range n {
		q := question()
		want := s.Decide(t.Context(), q)
		got, input := s.DecideAlike(t.Context(), q, &others)
		if len(want.Reasons) > 0 && want.Reasons[0].Code == "engine.error" {
			broken++
			got.Steps = want.Steps // the domain may rest after this one
			got.Reasons = slices.Clone(got.Reasons)
			for i := range got.Reasons {
				if got.Reasons[i].Code == "domain.quarantined" {
					got.Reasons[i] = want.Reasons[0]
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s", input, diff)
		}
		if len(want.Reasons) > 0 && want.Reasons[0].Code == "domain.quarantined" {
			return broken
		}
	}
	return broken
}

// TestAlikeAgreesWithDecide asks at random, many questions of which differ in what
// no rule reads, under the shipped rules, under some that look where those do not,
// and under made-up ones.
func TestAlikeAgreesWithDecide(t *testing.T) {
	e, r := engine(t), rand.New(rand.NewPCG(4, 4))
	alike(t, e.Snapshot(), 4_000, func() policy.Question { return someQuestion(r) })
	broken := 0
	for range 60 { // rules that break again and again rest, so each time anew
		e := engine(t)
		tricky := model.PolicyModule{Path: "domains/sales/rules.rego", Text: trickyRules}
		if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{tricky}}); err != nil {
			t.Fatal(err)
		}
		broken += alike(t, e.Snapshot(), 200, func() policy.Question { return someQuestion(r) })
	}
	if broken < 20 {
		t.Errorf("the rules broke %d times: the test hardly tests anything", broken)
	}
	for round := range 40 {
		r := rand.New(rand.NewPCG(9, uint64(round)))
		e := engine(t)
		if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: policytest.Domain(r, "sales", round%2 == 0)}); err != nil {
			t.Fatal(err)
		}
		q := policytest.Question(r)
		alike(t, e.Snapshot(), 200, func() policy.Question {
			if r.IntN(20) == 0 {
				q = policytest.Question(r)
			}
			other := q
			other.Resource.ID, other.Resource.Name = model.ID(fmt.Sprint("dpr_", r.IntN(3))), fmt.Sprint("name", r.IntN(3))
			return other
		})
	}
}

// TestAlikeEvaluatesOnce holds a hundred products that differ in their names alone
// to one evaluation, unless the rules read the name.
func TestAlikeEvaluatesOnce(t *testing.T) {
	e := engine(t)
	q := ask(ana, model.ActDataRead, orders)
	one := testing.AllocsPerRun(10, func() { e.Snapshot().DecideAlike(t.Context(), q, nil) })
	var others policy.Alike
	n := 0
	each := testing.AllocsPerRun(100, func() {
		n++
		q.Resource.ID, q.Resource.Name = model.ID(fmt.Sprint("dpr_", n)), fmt.Sprint("product", n)
		q.Resource.Product = q.Resource.ID
		e.Snapshot().DecideAlike(t.Context(), q, &others)
	})
	if each > one/2 {
		t.Errorf("a question like others takes %.0f allocations, and one alone %.0f", each, one)
	}
}

// TestWhatStandsBehindCounts has a rule whose first expression breaks, whose second
// cannot hold, and whose last decides whether the rule is looked at at all: what the
// last one reads tells questions apart.
func TestWhatStandsBehindCounts(t *testing.T) {
	e := engine(t)
	rules := model.PolicyModule{Path: "domains/sales/rules.rego", Text: `package souk.domains.sales

import rego.v2

deny contains {"code": "behind", "message": "It stands behind."} if {
	to_number(input.resource.tags[0]) == 1
	some grant in input.facts.grants
	grant.purpose == "x"
	input.resource.name == "orders"
}
`}
	if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{rules}}); err != nil {
		t.Fatal(err)
	}
	s := e.Snapshot()
	var others policy.Alike
	codes := map[string]bool{}
	for _, name := range []string{"returns", "orders"} {
		q := ask(bo, model.ActDataRead, orders)
		q.Resource.Name, q.Resource.Tags = name, []string{"pii"}
		got, _ := s.DecideAlike(t.Context(), q, &others)
		want := s.Decide(t.Context(), q)
		codes[want.Reasons[0].Code] = true
		if want.Reasons[0].Code != got.Reasons[0].Code {
			t.Errorf("%s: got %+v, want %+v", name, got.Reasons, want.Reasons)
		}
	}
	if len(codes) != 2 {
		t.Errorf("the rule breaks for both or for neither, so the test tests nothing: %v", codes)
	}
}

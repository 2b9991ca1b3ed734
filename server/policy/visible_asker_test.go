package policy_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
)

// TestVisibleForEveryAsker holds rules that look hard at the asker against the
// decisions: their conditions are made once and bound for each.
func TestVisibleForEveryAsker(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, body := range []string{
		`some team in input.subject.teams; startswith(team, input.resource.name)`,
		`some team in input.subject.teams; some tag in input.resource.tags; contains(team, tag)`,
		`some a in input.subject.teams; some b in input.subject.steward_of; startswith(a, b); b == input.resource.domain`,
		`some team in input.subject.teams; not team == input.resource.owner_team`,
		`not input.resource.owner_team in input.subject.teams`,
		`every team in input.subject.teams { team != input.resource.owner_team }`,
		`every role in input.subject.roles { role == "EMPLOYEE" }`,
		`count(input.subject.steward_of) == input.resource.ports`,
		`count(input.subject.teams) > 1`,
		`input.subject.teams != []`,
		`input.subject.teams == []`,
		`input.subject.teams[0] == input.resource.owner_team`,
		`"sales/web" in input.subject.teams; "EMPLOYEE" in input.subject.roles`,
		`{"EMPLOYEE", "ADMIN"} & {r | some r in input.subject.roles} != set()`,
		`lib.is_cleared(input.subject, input.resource.classification)`,
		`lib.clearance(input.subject.clearance) == lib.rank(input.resource.classification)`,
		`lib.clearance(input.subject.clearance) != lib.rank(input.resource.classification)`,
		`lib.rank(input.resource.classification) < lib.clearance(input.subject.clearance)`,
		`lib.rank(input.resource.classification) == lib.rank(input.resource.status)`,
		`not lib.has_purpose(input.context)`,
		`some grant in input.facts.grants; grant.purpose == input.context.purpose`,
		`input.subject.type == "service"; input.context.channel == "graphql"`,
		`input.context.duration_s > input.resource.ports`,
		`upper(input.subject.region) == "EU"`,
		`not input.subject.suspended`,
		`object.get(input.subject, "region", "") == "eu"`,
		`input.subject.domain != input.resource.domain; input.subject.id < input.resource.owner`,
		`some key, value in input.subject; key == "region"; value == "eu"`,
		`startswith(input.resource.name, input.subject.name)`,
		`x := input.subject.domain; y := input.resource.domain; x == y`,
		`{"sales": "eu", "marketing": "us"}[input.resource.domain] == input.subject.region`,
	} {
		for _, head := range []string{"allow", "deny"} {
			e := engine(t)
			text := fmt.Sprintf("import data.souk.lib\n\n%s contains {\"code\": \"v\", \"message\": \"m\"} if {\n\tlib.rank(\"\") == 1\n\t%s\n}\n", head, body)
			if _, err := e.Activate(t.Context(), draft(text)); err != nil {
				t.Errorf("%s: %v", body, err)
				continue
			}
			for range 12 {
				agree(t, e.Snapshot(), r, body)
			}
		}
	}
}

// TestTwoValuesAreNoFilter asks row by row where a rule might have two values
// at once, which the decision refuses, and only there.
func TestTwoValuesAreNoFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for rules, filter := range map[string]bool{
		"_x := 1 if input.resource.described\n\n_x := 2 if input.resource.exposed":                 false,
		"_x := 1 if input.subject.type == \"person\"\n\n_x := 2 if input.subject.region == \"eu\"": false,
		"_x := n if some n in [1, input.resource.ports]":                                           false,
		"_x := object.get({\"pii\": 1}, t, 2) if some t in input.resource.tags":                    false,
		"_x := _f(input.subject.region)\n\n_f(_) := 1\n\n_f(r) := 2 if r == \"eu\"":                false,
		"_x := _o.a\n\n_o.a := 1\n\n_o[k] := 2 if some k in input.resource.tags":                   false,
		"_x := 1 if input.resource.described\n\n_x := 1 if input.resource.exposed":                 true,
		"_x := _f(input.subject.region)\n\n_f(\"us\") := 1\n\n_f(\"eu\") := 2":                     true,
		"_x := 1 if { some t in input.resource.tags; t == \"pii\" }":                               true,
		"_x := n if { a := input.subject.region; n := object.get({\"eu\": 1}, a, 2) }":             true,
	} {
		for _, head := range []string{"allow", "deny"} {
			e := engine(t)
			if _, err := e.Activate(t.Context(), draft(head+` contains {"code": "v", "message": "m"} if _x == 1`+"\n\n"+rules+"\n")); err != nil {
				t.Errorf("%s: %v", rules, err)
				continue
			}
			if _, ok := lookAt(t, e, bo, "data_product", "sales"); ok != filter {
				t.Errorf("%s: a filter: %t", rules, ok)
			}
			for range 8 {
				agree(t, e.Snapshot(), r, rules)
			}
		}
	}
}

// agree holds the filter of one made-up asker against the decisions over rows.
func agree(t *testing.T, s *policy.Snapshot, r *rand.Rand, body string) {
	t.Helper()
	q := policy.Question{Action: model.ActMetadataView, Subject: policytest.Subject(r), Context: policy.Context{Now: policytest.Noon, Channel: "graphql"}}
	q.Context.Purpose, q.Context.Duration = []string{"", "billing"}[r.IntN(2)], 2*time.Second
	q.Resource.Type = "data_product"
	c := s.View(t.Context(), q).Of("sales")
	for range 24 {
		q.Resource, q.Facts = policytest.Resource(r, "data_product", "sales"), policytest.Facts(r)
		if d := s.Decide(t.Context(), q); c != nil && c.Holds(&q) != d.Allowed() {
			t.Fatalf("%s: the decision is %s %v\n%s\n%+v", body, d.Outcome, d.Reasons, q.Input(), c)
		}
	}
}

package policy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

const testHead = `package souk.domains.sales_test

import data.souk.domains.sales
import rego.v2

ask(action, changes) := object.union({"action": {"name": action}, "subject": {"id": "prn_x", "teams": []}, "resource": {"domain": "sales"}}, changes)

codes(reasons) := {r.code | some r in reasons}

`

// sound is a package whose tests prove it.
var sound = proposal(head+
	rule("allow", "read.team", `input.action.name == "data.read"`, `"sales/web" in input.subject.teams`)+"\n"+
	rule("deny", "read.draft", `input.action.name == "data.read"`, `input.resource.status == "DRAFT"`),
	testHead+`_team := {"subject": {"teams": ["sales/web"]}}

test_the_team_reads if {
	codes(sales.allow) == {"read.team"} with input as ask("data.read", _team)
	codes(sales.deny) == set() with input as ask("data.read", _team)
}

test_nobody_else_does if {
	count(sales.allow) == 0 with input as ask("data.read", {})
	count(sales.allow) == 0 with input as ask("app.read", _team)
}

test_drafts_are_closed if {
	codes(sales.deny) == {"read.draft"} with input as ask("data.read", {"resource": {"status": "DRAFT"}})
	count(sales.deny) == 0 with input as ask("app.read", {"resource": {"status": "DRAFT"}})
}
`)

// withTests gives the sound draft with other tests.
func withTests(tests string) policy.Draft { return proposal(sound.Modules[0].Text, testHead+tests) }

// TestProve lets a draft go on whose tests pass and cover it, in a child as
// well as here.
func TestProve(t *testing.T) {
	for name, e := range map[string]*policy.Engine{"here": engine(t), "child": careful(t)} {
		tests, err := e.Test(t.Context(), sound)
		if err != nil {
			t.Fatal(err)
		}
		want := model.PolicyTests{Passed: 3, Covered: 1}
		if diff := cmp.Diff(want, tests); diff != "" || !tests.OK() {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestProveRefuses names what the tests lack: a failure, an assertion, a line,
// an action, a case of the contract.
func TestProveRefuses(t *testing.T) {
	const (
		allows = "test_reads if codes(sales.allow) == {\"read.team\"} with input as ask(\"data.read\", {\"subject\": {\"teams\": [\"sales/web\"]}})\n\n"
		denies = "test_drafts if codes(sales.deny) == {\"read.draft\"} with input as ask(\"data.read\", {\"resource\": {\"status\": \"DRAFT\"}})\n\n"
	)
	for _, w := range []struct {
		name  string
		draft policy.Draft
		want  []string
		says  string
	}{
		{"a failure", withTests(allows + denies + "test_wrong if count(sales.allow) == 5 with input as ask(\"data.read\", {})\n"), []string{"policy.test_failed rules_test.rego:14"}, "test_wrong"},
		{"an error", withTests(allows + denies + "test_wrong if to_number(\"x\") == count(sales.allow)\n"), []string{"policy.test_failed rules_test.rego:14"}, "to_number"},
		{"put off", withTests(allows + denies + "todo_test_later if count(sales.allow) == 5\n"), []string{"policy.test_skipped rules_test.rego:14"}, "is not run"},
		{"true", withTests(allows + denies + "test_nothing if true\n"), []string{"policy.no_assertion rules_test.rego:14"}, "test_nothing passes whatever the rules say"},
		{"only assigns", withTests(allows + denies + "test_nothing if {\n\tx := sales.allow\n\tprint(x)\n}\n"), []string{"policy.no_assertion rules_test.rego:14"}, ""},
		{"looks elsewhere", withTests(allows + denies + "test_nothing if codes(set()) == set()\n"), []string{"policy.no_assertion rules_test.rego:14"}, ""},
		{"looks through a helper", withTests(allows + denies + "_allowed := codes(sales.allow)\n\ntest_helper if count(_allowed) == 0\n"), nil, ""},
		{"no tests", proposal(sound.Modules[0].Text, ""), []string{"policy.no_tests :0"}, ""},
		{"no denial", withTests(allows), []string{"policy.deny_untested rules.rego:10", "policy.action_untested rules.rego:5"}, "of a rule that denies"},
		{"no allow", withTests(denies), []string{"policy.coverage rules.rego:5", "policy.action_untested rules.rego:5"}, "no test allows data.read"},
		{
			"a suspended admin", proposal(head+rule("allow", "any", `input.action.name == "data.read"`)+"\n"+rule("deny", "revoke", `input.action.name == "grant.revoke"`),
				testHead+`test_all if {
	codes(sales.allow) == {"any"} with input as ask("data.read", {})
	codes(sales.deny) == set() with input as ask("data.read", {})
	codes(sales.allow) == set() with input as ask("app.x", {})
	codes(sales.deny) == {"revoke"} with input as ask("grant.revoke", {})
}
`), []string{"policy.contract rules.rego:9", "policy.action_untested rules.rego:5", "policy.action_untested rules.rego:9"}, "the server may end grants and requests: grant.revoke must be ALLOW, and is DENY",
		},
		{"does not compile", proposal(head+rule("allow", "a", `input.subjct.id == "x"`), "package souk.domains.sales_test\n\nimport rego.v2\n"), []string{"policy.unknown_field rules.rego:6"}, ""},
	} {
		t.Run(w.name, func(t *testing.T) {
			tests, err := engine(t).Test(t.Context(), w.draft)
			if err != nil {
				t.Fatal(err)
			}
			all := slices.Concat(tests.Failures, tests.Uncovered)
			if diff := cmp.Diff(w.want, places(all)); diff != "" {
				t.Errorf("%s\n%+v", diff, all)
			}
			var said strings.Builder
			for _, p := range all {
				said.WriteString(p.Message + "\n")
			}
			if !strings.Contains(said.String(), w.says) || tests.OK() != (w.want == nil) {
				t.Errorf("OK is %v: %s", tests.OK(), said.String())
			}
		})
	}
}

// TestSurvivors finds the conditions that no test notices, and only those.
func TestSurvivors(t *testing.T) {
	lazy := withTests(`test_reads if codes(sales.allow) == {"read.team"} with input as ask("data.read", {"subject": {"teams": ["sales/web"]}})

test_others if codes(sales.allow) == set() with input as ask("data.read", {})

test_drafts if codes(sales.deny) == {"read.draft"} with input as ask("data.read", {"resource": {"status": "DRAFT"}})
`)
	tests, err := engine(t).Test(t.Context(), lazy)
	if err != nil || !tests.OK() {
		t.Fatalf("%+v, %v", tests, err)
	}
	want := []string{"policy.survivor rules.rego:6", "policy.survivor rules.rego:11", "policy.survivor rules.rego:12"}
	if diff := cmp.Diff(want, places(tests.Survivors)); diff != "" {
		t.Errorf("%s\n%+v", diff, tests.Survivors)
	}
	if s := tests.Survivors[0]; !strings.Contains(s.Message, `input.action.name == "data.read"`) || !strings.Contains(s.Message, "left out") || s.Severity != "warning" {
		t.Errorf("%+v", s)
	}
}

// TestChildIsBounded tries drafts whose tests take all the memory or all the
// time, and one whose child is no child at all.
func TestChildIsBounded(t *testing.T) {
	hungry := withTests("test_hungry if {\n\tx := {y | some y in numbers.range(1, 100000000)}\n\tcount(x) > count(sales.allow)\n}\n")
	begin := time.Now()
	tests, err := careful(t).Test(t.Context(), hungry)
	if err != nil || len(tests.Failures) == 0 {
		t.Fatalf("got %+v, %v", tests, err)
	}
	if code := tests.Failures[0].Code; code != "policy.too_expensive" && code != "policy.test_failed" {
		t.Errorf("got %+v", tests.Failures)
	}
	t.Logf("ended after %v: %+v", time.Since(begin), tests.Failures)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := careful(t).Test(ctx, hungry); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v after its time", err)
	}
	for name, command := range map[string][]string{"silent": {"/bin/true"}, "noisy": {"/bin/yes"}, "missing": {"/no/such/file"}} {
		e, err := newEngine(policy.Config{Child: command, Files: policies.Files})
		if err != nil {
			t.Fatal(err)
		}
		tests, err := e.Test(t.Context(), sound)
		if tests.OK() || (err == nil && (len(tests.Failures) != 1 || tests.Failures[0].Code != "policy.too_expensive")) {
			t.Errorf("%s: got %+v, %v", name, tests, err)
		}
	}
}

// TestPlatformKeepsTheContract asks the rules that Souk ships, and a
// platform that forgets a guardrail.
func TestPlatformKeepsTheContract(t *testing.T) {
	d := policy.Draft{}
	for path, text := range shipped(t, "platform") {
		d.Modules = append(d.Modules, model.PolicyModule{Path: path, Text: text})
	}
	tests, err := engine(t).Test(t.Context(), d)
	if err != nil || !tests.OK() {
		t.Errorf("got %+v, %v", tests, err)
	}
	for _, s := range tests.Survivors {
		t.Logf("%s:%d: %s", s.File, s.Line, s.Message)
	}
	for i, m := range d.Modules {
		if m.Path == "platform/subject.rego" {
			d.Modules[i].Text = strings.Replace(m.Text, "input.subject.suspended == true", "input.subject.suspended == false", 1)
		}
	}
	tests, err = engine(t).Test(t.Context(), d)
	if err != nil || !slices.ContainsFunc(tests.Failures, func(p model.PolicyProblem) bool {
		return p.Code == "policy.contract" && strings.Contains(p.Message, "a suspended principal is refused everything: policy.read must be DENY, and is ALLOW")
	}) {
		t.Errorf("got %+v, %v", tests, err)
	}
}

// TestPlatformIsTriedOnEveryDomain tries new guardrails beside the rules of each
// domain, in a child as well as here, and tells where they fall short.
func TestPlatformIsTriedOnEveryDomain(t *testing.T) {
	const rule = "\tinput.action.name == \"request.approve\"\n\tinput.resource.requester == input.subject.id"
	weaker := policy.Draft{}
	for path, text := range shipped(t, "platform") {
		text = strings.Replace(text, rule, rule+"\n\tinput.resource.domain != \"logistics\"", 1)
		weaker.Modules = append(weaker.Modules, model.PolicyModule{Path: path, Text: text})
	}
	for name, e := range map[string]*policy.Engine{"here": engine(t), "child": careful(t)} {
		activate(t, e, "logistics", strings.Replace(open, "input.v == 1", `input.action.name == "request.approve"`, 1))
		if problems, err := e.Breaches(t.Context()); err != nil || len(problems) > 0 {
			t.Errorf("%s: in force: %+v, %v", name, problems, err)
		}
		tests, err := e.Test(t.Context(), weaker)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(tests.Failures, func(p model.PolicyProblem) bool {
			return p.Code == "policy.contract" && p.File == "domains/logistics/rules.rego" && strings.Contains(p.Message, "in the domain logistics, nobody approves what they asked for themselves: request.approve must be DENY, and is ALLOW")
		}) {
			t.Errorf("%s: got %+v", name, tests)
		}
		if _, err := e.Activate(t.Context(), weaker); err != nil {
			t.Fatal(err)
		}
		if problems, err := e.Breaches(t.Context()); err != nil || len(problems) != 1 {
			t.Errorf("%s: after another release: %+v, %v", name, problems, err)
		}
	}
}

package policy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

const rules = "domains/sales/rules.rego"

// proposal is a draft of sales of one file of rules and one of tests.
func proposal(text, tests string) policy.Draft {
	d := policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: rules, Text: text}}}
	if tests != "" {
		d.Modules = append(d.Modules, model.PolicyModule{Path: "domains/sales/rules_test.rego", Text: tests})
	}
	return d
}

const head = "package souk.domains.sales\n\nimport rego.v2\n\n"

func rule(name, code string, conditions ...string) string {
	return fmt.Sprintf("%s contains {\"code\": %q, \"message\": \"m\"} if {\n\t%s\n}\n", name, code, strings.Join(conditions, "\n\t"))
}

// places lists problems as "code line".
func places(problems []model.PolicyProblem) []string {
	var list []string
	for _, p := range problems {
		list = append(list, fmt.Sprintf("%s %s:%d", p.Code, strings.TrimPrefix(p.File, "domains/sales/"), p.Line))
	}
	return list
}

// TestCheckFindsEverything lists all that is wrong with a draft at once, each
// with its code, its line and a remedy.
func TestCheckFindsEverything(t *testing.T) {
	for _, w := range []struct {
		name, text, tests string
		want              []string
		says              string // somewhere
	}{
		{"a misspelt field", head + rule("allow", "a", `input.subjct.id == "x"`), "", []string{"policy.unknown_field rules.rego:6"}, "did you mean input.subject?"},
		{"a misspelt action", head + rule("allow", "a", `input.action.name == "data.raed"`), "", []string{"policy.unknown_word rules.rego:6"}, "did you mean data.read?"},
		{"in a set", head + rule("allow", "a", `input.action.name in {"data.read", "data.write"}`), "", []string{"policy.unknown_word rules.rego:6"}, `"data.write" is no action`},
		{"an application's action", head + rule("allow", "a", `input.action.name == "app.print"`), "", []string{"policy.untested rules.rego:1"}, ""},
		{"a misspelt class", head + rule("allow", "a", `input.action.name == "data.read"`, `not input.resource.classification in {"CONFIDENTAL"}`), "", []string{"policy.unknown_word rules.rego:7"}, "did you mean CONFIDENTIAL?"},
		{"a misspelt role", head + rule("allow", "a", `input.action.name == "data.read"`, `"ADMINS" in input.subject.roles`), "", []string{"policy.unknown_word rules.rego:7"}, "did you mean ADMIN?"},
		{
			"several at once", head + rule("allow", "a", `input.action.name == "look"`) + "\n" + rule("deny", "b", "time.now_ns() > 1", "data.souk.domains.marketing.x"), "",
			[]string{"policy.unknown_word rules.rego:6", "policy.function rules.rego:10", "policy.foreign_reference rules.rego:11"},
			"souk.lib",
		},
		{"old syntax", head + "allow[x] { x := 1 }\n", "", []string{"policy.old_syntax rules.rego:5"}, "this is Rego v0"},
		{"no syntax", head + "allow contains {\n", "package", []string{"policy.syntax rules.rego:6", "policy.syntax rules_test.rego:1"}, ""},
		{"a test that does not compile", head + rule("allow", "a", `input.action.name == "data.read"`), "package souk.domains.sales_test\n\nimport rego.v2\n\ntest_a if nothing.at_all == 1\n", []string{"policy.unsafe_variable rules_test.rego:5"}, ""},
		{"another's package", strings.Replace(head, "sales", "finance", 1), "", []string{"policy.wrong_package rules.rego:1"}, "move the file"},
		{"no code", head + "deny contains {\"message\": \"m\"} if input.action.name == \"data.read\"\n", "", []string{"policy.untested rules.rego:1", "policy.no_code rules.rego:5"}, "has no code"},
		{"not formatted", head + "allow contains {\"code\":\"a\", \"message\": \"m\"} if input.action.name == \"data.read\"\n", "", []string{"policy.untested rules.rego:1", "policy.format rules.rego:5"}, "opa fmt"},
		{"slow", head + rule("deny", "a", `count(input.subject.teams) == 0`, `input.action.name == "data.read"`), "", []string{"policy.untested rules.rego:1", "policy.slow_first_condition rules.rego:6"}, "begin with"},
		{"a field of another action", head + rule("deny", "a", `input.action.name == "data.read"`, "input.context.duration_s > 10"), "", []string{"policy.unknown_field rules.rego:7"}, "is no field of data.read; access.request has it"},
		{"a field below one of another action", head + rule("deny", "a", `input.action.name in {"data.read", "product.update"}`, "input.resource.findings.errors > 0"), "", []string{"policy.unknown_field rules.rego:7"}, "is no field of data.read; product.publish has it"},
		{"a field of one of the actions", head + rule("deny", "a", `input.action.name in {"data.read", "access.request"}`, "input.context.duration_s > 10"), "", []string{"policy.untested rules.rego:1"}, ""},
		{"a filter that is none", head + rule("allow", "a", `input.action.name == "metadata.view"`, `regex.match("^o", input.resource.name)`), "", []string{"policy.untested rules.rego:1", "policy.row_by_row rules.rego:7"}, "Lists ask about every row"},
		{"an untested rule", head + rule("deny", "a", `input.action.name == "data.read"`), "package souk.domains.sales_test\n\nimport data.souk.domains.sales\nimport rego.v2\n\ntest_a if count(sales.deny) == 0\n", []string{"policy.untested rules.rego:5"}, "the code a"},
		{"nothing", "", "", []string{"policy.syntax rules.rego:1"}, "empty module"},
		{"sound", head + rule("deny", "a", `input.action.name == "data.read"`), "package souk.domains.sales_test\n\nimport data.souk.domains.sales\nimport rego.v2\n\ntest_a if \"a\" in {r.code | some r in sales.deny}\n", nil, ""},
	} {
		t.Run(w.name, func(t *testing.T) {
			hash, problems := engine(t).Check(t.Context(), proposal(w.text, w.tests))
			if diff := cmp.Diff(w.want, places(problems)); diff != "" {
				t.Errorf("%s\n%+v", diff, problems)
			}
			failed := slices.ContainsFunc(problems, func(p model.PolicyProblem) bool { return p.Severity == "error" })
			if failed != (hash == "") && !strings.Contains(w.name, "no code") {
				t.Errorf("hash %q beside %+v", hash, problems)
			}
			var said strings.Builder
			for _, p := range problems {
				said.WriteString(p.Message + " " + p.Fix + "\n")
				if p.Fix == "" || p.Message == "" {
					t.Errorf("%+v leaves the author alone", p)
				}
			}
			if !strings.Contains(said.String(), w.says) {
				t.Errorf("got %q, want %q in it", said.String(), w.says)
			}
		})
	}
}

// TestCheckMisplaced refuses files of others, files twice, and nothing at all.
func TestCheckMisplaced(t *testing.T) {
	e := engine(t)
	for name, d := range map[string]policy.Draft{
		"nothing": {Domain: "sales"},
		"another": {Domain: "finance", Modules: proposal(head, "").Modules},
		"twice":   {Domain: "sales", Modules: append(proposal(head, "").Modules, proposal(head, "").Modules...)},
		"nowhere": {Domain: "sales", Modules: []model.PolicyModule{{Path: "rules.rego", Text: head}}},
	} {
		if hash, problems := e.Check(t.Context(), d); hash != "" || len(problems) != 1 || problems[0].Severity != "error" {
			t.Errorf("%s: got %q, %+v", name, hash, problems)
		}
	}
}

// TestCheckInAChild gives the same answer from another process, with the hash
// that the draft is put in force by.
func TestCheckInAChild(t *testing.T) {
	e := careful(t)
	d := proposal(head+rule("deny", "a", `count(input.subject.teams) == 0`), "")
	same := func(d policy.Draft) string {
		t.Helper()
		hash, problems := e.Check(t.Context(), d)
		hashHere, problemsHere := engine(t).Check(t.Context(), d)
		if diff := cmp.Diff(problemsHere, problems); diff != "" || hash != hashHere {
			t.Errorf("%s, %s and %s", diff, hash, hashHere)
		}
		return hash
	}
	hash := same(d)
	platform := policy.Draft{}
	for path, text := range shipped(t, "platform") {
		platform.Modules = append(platform.Modules, model.PolicyModule{Path: path, Text: text})
	}
	withStandards := policy.Draft{Domain: "sales", Modules: append(slices.Clone(d.Modules), model.PolicyModule{Path: "domains/sales/standards/rules.rego", Text: retention})}
	if same(platform) == "" || same(withStandards) == "" || same(proposal(head+"allow contains x if data.souk.platform.deny[x]\n", "")) != "" {
		t.Error("sound drafts have no hash, or an unsound one has")
	}
	if active, err := e.Activate(t.Context(), d); err != nil || active != hash {
		t.Errorf("in force as %s, %v, and checked as %s", active, err, hash)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if hash, problems := e.Check(ctx, d); hash != "" || len(problems) == 0 {
		t.Errorf("gave up as %q %+v", hash, problems)
	}
}

// TestCheckPlatform looks over a draft of the platform's own package.
func TestCheckPlatform(t *testing.T) {
	d := policy.Draft{Modules: []model.PolicyModule{{Path: "platform/rules.rego", Text: "package souk.platform\n\nimport rego.v2\n\n" + rule("allow", "a", `input.action.name == "audit.read"`)}}}
	hash, problems := engine(t).Check(t.Context(), d)
	if hash == "" || !slices.Equal(places(problems), []string{"policy.untested platform/rules.rego:1"}) {
		t.Errorf("got %q %+v", hash, problems)
	}
}

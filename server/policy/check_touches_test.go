package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// TestTouches finds the domains that rules can name, however they name them,
// and none in texts that have nothing to do with who asks.
func TestTouches(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		want       []model.Slug
	}{
		{"compared", `allow contains r if input.subject.domain == "finance"`, []model.Slug{"finance", "sales"}},
		{"in a set", `allow contains r if input.subject.domain in {"finance", "legal"}`, []model.Slug{"finance", "legal", "sales"}},
		{"a team", `allow contains r if "finance/books" in input.subject.teams`, []model.Slug{"finance", "sales"}},
		{"through a variable", "allow contains r if {\n\td := input.subject.domain\n\td == \"finance\"\n}", []model.Slug{"finance", "sales"}},
		{"through a constant", "allow contains r if input.subject.domain in _friends\n\n_friends := {\"finance\"}", []model.Slug{"finance", "sales"}},
		{"through a function", "allow contains r if _friend(input.subject)\n\n_friend(s) if s.domain == \"finance\"", []model.Slug{"finance", "sales"}},
		{"through a reference", "allow contains r if _friends[input.subject.domain]\n\n_friends := {\"finance\": true}", []model.Slug{"finance", "sales"}},
		{"a label", `allow contains r if "finance" in input.resource.tags`, []model.Slug{"sales"}},
		{"a field", `allow contains r if input.subject.clearance == "RESTRICTED"`, []model.Slug{"sales"}},
		{"broken", `allow contains r if {`, []model.Slug{"sales"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rule := strings.ReplaceAll(c.rule, "contains r", `contains {"code": "NAME.some", "message": "Some may."}`)
			got := policy.Touches(module("sales", "package souk.domains.NAME\n\nimport rego.v2\n\n"+rule+"\n"))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestComputes finds every way to mean a domain without writing its name, and
// nothing in texts that are only said or have nothing to do with who asks.
func TestComputes(t *testing.T) {
	for name, c := range map[string]struct {
		rule string
		want bool
	}{
		"written out":          {`allow contains r if input.subject.domain == "finance"`, false},
		"put together":         {`allow contains r if input.subject.domain == concat("", ["fin", "ance"])`, true},
		"printed":              {`allow contains r if input.subject.domain == sprintf("fin%s", ["ance"])`, true},
		"a template":           {"allow contains r if {\n\tx := \"ance\"\n\tinput.subject.domain == $\"fin{x}\"\n}", true},
		"by its beginning":     {`allow contains r if startswith(input.subject.domain, "fin")`, true},
		"a team by its end":    {"allow contains r if {\n\tsome team in input.subject.teams\n\tendswith(team, \"/books\")\n}", true},
		"by the alphabet":      {`allow contains r if input.subject.domain < "g"`, true},
		"through a variable":   {"allow contains r if {\n\td := input.subject.domain\n\tregex.match(\"^fin\", d)\n}", true},
		"through a helper":     {"allow contains r if _friend(input.subject)\n\n_friend(s) if contains(s.domain, \"nanc\")", true},
		"through a constant":   {"allow contains r if input.subject.domain in _friends\n\n_friends := {concat(\"\", [\"fin\", \"ance\"])}", true},
		"a person's name":      {"allow contains r if {\n\tinput.subject.domain != input.resource.domain\n\tendswith(input.subject.name, \"@finance\")\n}", true},
		"a purpose":            {"allow contains r if {\n\tinput.subject.domain == input.resource.domain\n\tlower(input.context.purpose) == \"audit\"\n}", false},
		"a time":               {"allow contains r if {\n\tinput.subject.domain == input.resource.domain\n\tinput.context.now < \"2027\"\n}", false},
		"what is only said":    {"deny contains {\"code\": \"x\", \"message\": m} if {\n\tinput.subject.domain == \"finance\"\n\tm := sprintf(\"No %s.\", [input.subject.domain])\n}", false},
		"nobody is told apart": {`allow contains r if startswith(input.context.purpose, "audit")`, false},
		"how many teams":       {`allow contains r if count(input.subject.teams) > 2`, false},
	} {
		t.Run(name, func(t *testing.T) {
			rule := strings.ReplaceAll(c.rule, "contains r ", `contains {"code": "NAME.some", "message": "Some may."} `)
			got := policy.Computes(module("sales", "package souk.domains.NAME\n\nimport rego.v2\n\n"+rule+"\n"))
			if (len(got) > 0) != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

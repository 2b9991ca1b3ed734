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

package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// TestCheckFindsSlips makes an error of every word that nobody would ever ask
// for or could carry out, and names the nearest right one.
func TestCheckFindsSlips(t *testing.T) {
	e := engine(t)
	const head = "package souk.domains.sales\n\nimport rego.v2\n\n"
	for name, c := range map[string]struct{ rule, code, hint string }{
		"a misspelt entry":      {`alow contains {"code": "x", "message": "m"} if input.action.name == "data.read"`, "policy.unknown_entry", "did you mean allow?"},
		"a misspelt denial":     {`denny contains {"code": "x", "message": "m"} if input.action.name == "data.read"`, "policy.unknown_entry", "did you mean deny?"},
		"a text as a reason":    {`allow contains "yes" if input.action.name == "data.read"`, "policy.member", "write it as"},
		"a number as a reason":  {`deny contains 1 if input.action.name == "data.read"`, "policy.member", "write it as"},
		"a misspelt obligation": {`obligations contains {"id": "m", "type": "maskk", "params": {"field": "x", "with": "hash"}} if input.action.name == "data.read"`, "policy.unknown_word", "did you mean mask?"},
		"a role of nobody":      {`approvals contains {"role": "ceo", "min": 1} if input.action.name == "access.request"`, "policy.unknown_word", "domain_steward"},
		"a misspelt role":       {`approvals contains {"role": "domain_stward", "min": 1} if input.action.name == "access.request"`, "policy.unknown_word", "did you mean domain_steward?"},
		"a helper of one's own": {"_alow contains x if some x in input.resource.tags\n\nallow contains {\"code\": \"x\", \"message\": \"m\"} if \"a\" in _alow", "", ""},
		"a set of another name": {"friends contains x if some x in input.resource.tags\n\nallow contains {\"code\": \"x\", \"message\": \"m\"} if \"a\" in friends", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := e.Check(t.Context(), module("sales", head+c.rule+"\n"))
			i := slices.IndexFunc(problems, func(p model.PolicyProblem) bool { return p.Severity == "error" })
			switch {
			case c.code == "" && i >= 0:
				t.Errorf("got %+v", problems[i])
			case c.code != "" && (i < 0 || problems[i].Code != c.code || problems[i].Line != 5 || !strings.Contains(problems[i].Fix, c.hint)):
				t.Errorf("got %+v", problems)
			}
		})
	}
}

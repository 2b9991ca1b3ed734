package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
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
		"a misspelt mask":       {`obligations contains {"id": "m", "type": "mask", "params": {"field": "x", "with": "hashh"}} if input.action.name == "data.read"`, "policy.unknown_word", "did you mean hash?"},
		"a misspelt parameter":  {`obligations contains {"id": "m", "type": "mask", "params": {"feild": "x", "with": "hash"}} if input.action.name == "data.read"`, "policy.unknown_word", "did you mean field?"},
		"a parameter of none":   {`obligations contains {"id": "m", "type": "no_export", "params": {"note": "x"}} if input.action.name == "data.read"`, "policy.unknown_word", "leave it out"},
		"a misspelt comparison": {`obligations contains {"id": "m", "type": "row_filter", "params": {"field": "x", "op": "eqq", "value": "y"}} if input.action.name == "data.read"`, "policy.unknown_word", "did you mean eq?"},
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

// TestUnknownDomains names the nearest domain; whoever does not know them all
// hears only of slips.
func TestUnknownDomains(t *testing.T) {
	known := []model.Slug{"sales", "marketing"}
	for name, c := range map[string]struct {
		rule       string
		all, slips int
		hint       string
	}{
		"a slip":          {`input.subject.domain == "salez"`, 1, 1, "did you mean sales?"},
		"in a set":        {`input.subject.domain in {"salez", "marketing"}`, 1, 1, "did you mean sales?"},
		"of the stewards": {`"marketin" in input.subject.steward_of`, 1, 1, "did you mean marketing?"},
		"another":         {`input.subject.domain == "volcano"`, 1, 0, "create the domain first"},
		"known":           {`input.subject.domain != "sales"`, 0, 0, ""},
		"no domain":       {`input.context.purpose == "salez"`, 0, 0, ""},
		"a team":          {`"sales/desk" in input.subject.teams`, 0, 0, ""},
		"no team":         {`"notateam" in input.subject.teams`, 1, 1, "DOMAIN/TEAM"},
		"one by one":      {`some team in input.subject.teams; team in ["notateam"]`, 1, 1, "DOMAIN/TEAM"},
		"a steward's":     {`some d in input.subject.steward_of; d == "salez"`, 1, 1, "did you mean sales?"},
		"two fields":      {`some d in input.subject.steward_of; some d in input.subject.teams; d == "salez"`, 0, 0, ""},
		"another's item":  {`some d in input.subject.roles; d == "salez"`, 0, 0, ""},
		"half a team":     {`input.resource.owner_team == "sales/"`, 1, 1, "DOMAIN/TEAM"},
		"nobody's team":   {`input.resource.owner_team == "salez/desk"`, 1, 1, "did you mean sales?"},
		"none":            {`input.subject.domain == ""`, 0, 0, ""},
	} {
		d := module("sales", open+"\n"+rule("deny", "x", c.rule))
		all, slips := policy.UnknownDomains(d, known, false), policy.UnknownDomains(d, known, true)
		if len(all) != c.all || len(slips) != c.slips || c.all > 0 && ((all[0].Severity == "error") != (c.slips > 0) || all[0].Line == 0 || !strings.Contains(all[0].Fix, c.hint)) {
			t.Errorf("%s: got %+v, %+v", name, all, slips)
		}
	}
}

package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// guarded is a domain with a rule of every kind, helpers and constants.
const guarded = `package souk.domains.sales

import rego.v2

_open := {"PUBLIC", "INTERNAL"}

_limit := 100

_friend(subject) if subject.domain in {"finance", "legal"}

_friend(subject) if {
	some team in subject.teams
	startswith(team, "sales/")
}

allow contains {"code": "read.friend", "message": "m"} if {
	input.action.name == "data.read"
	input.resource.classification in _open
	_friend(input.subject)
}

allow contains {"code": "read.small", "message": "m"} if {
	input.action.name == "access.request"
	input.context.duration_s <= _limit
}

visible contains {"code": "see.team", "message": "m"} if {
	input.action.name == "metadata.view"
	input.resource.visibility == "COMPANY"
}

deny contains {"code": "no.service", "message": "m"} if {
	input.subject.type == "service"
	input.action.name == "data.read"
}

obligations contains {"id": "mask", "type": "mask", "params": {"field": "email", "with": "hash"}} if input.action.name == "data.read"

approvals contains {"role": "domain_steward", "min": 1, "exclude_requester": true} if input.action.name == "access.request"
`

// TestLooseningByStructure holds that whatever is not provably narrower counts
// as loosening, though no question that anybody asked or made up shows it, and
// that narrowing does not.
func TestLooseningByStructure(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", guarded)
	read := `input.action.name == "data.read"`
	added := func(conditions ...string) string {
		return guarded + "\n" + rule("allow", "x", append([]string{read}, conditions...)...)
	}
	swap := func(old, new string) string {
		if !strings.Contains(guarded, old) {
			t.Fatalf("the rules have no %q", old)
		}
		return strings.Replace(guarded, old, new, 1)
	}
	for name, c := range map[string]struct {
		text    string
		loosens bool
	}{
		"the same":                        {guarded, false},
		"another order and comments":      {swap("_limit := 100\n", "# Why.\n_limit := 100\n"), false},
		"from a time on":                  {added(`input.context.now > "2027-01-01T00:00:00.000Z"`), true},
		"a purpose put together":          {added(`input.context.purpose == concat("", ["op", "en"])`), true},
		"somebody by the end of the id":   {added(`endswith(input.subject.id, "7f3")`), true},
		"a rule within one in force":      {added(`input.resource.classification == "PUBLIC"`, `_friend(input.subject)`), false},
		"within, and its helper opened":   {added(`input.resource.classification == "PUBLIC"`, `input.subject.domain == "legal"`), false},
		"one class more":                  {swap(`{"PUBLIC", "INTERNAL"}`, `{"PUBLIC", "INTERNAL", "CONFIDENTIAL"}`), true},
		"one class less":                  {swap(`{"PUBLIC", "INTERNAL"}`, `{"PUBLIC"}`), false},
		"a larger number":                 {swap(`_limit := 100`, `_limit := 101`), true},
		"a smaller number":                {swap(`_limit := 100`, `_limit := 99.5`), false},
		"less than instead of at most":    {swap(`<= _limit`, `< _limit`), false},
		"at most, and more":               {swap(`<= _limit`, `< 100.1`), true},
		"another way round":               {swap(`input.context.duration_s <= _limit`, `50 >= input.context.duration_s`), false},
		"a helper has one way more":       {swap("_friend(subject) if {\n", "_friend(subject) if subject.region == \"mars\"\n\n_friend(subject) if {\n"), true},
		"a helper has one condition more": {swap(`startswith(team, "sales/")`, "startswith(team, \"sales/\")\n\tsubject.region == \"eu\""), false},
		"a helper has one condition less": {swap("\n\tstartswith(team, \"sales/\")", "\n\tteam != \"\""), true},
		"a condition less":                {swap("\tinput.resource.classification in _open\n", ""), true},
		"another message":                 {swap(`"read.friend", "message": "m"`, `"read.pal", "message": "Friends read."`), false},
		"more can be seen":                {guarded + "\n" + rule("visible", "v", `input.action.name == "metadata.view"`, `input.resource.visibility == "DOMAIN"`), true},
		"less can be seen":                {swap(`input.resource.visibility == "COMPANY"`, "input.resource.visibility == \"COMPANY\"\n\tinput.subject.region == \"eu\""), false},
		"a denial less":                   {swap(`input.subject.type == "service"`, `input.subject.type == "robot"`), true},
		"a denial seldom":                 {swap("\tinput.subject.type == \"service\"\n", "\tinput.subject.type == \"service\"\n\tinput.subject.region == \"mars\"\n"), true},
		"a denial more often":             {swap("\tinput.subject.type == \"service\"\n", ""), false},
		"a denial more":                   {guarded + "\n" + rule("deny", "d", read), false},
		"a mask that shows more":          {swap(`"with": "hash"`, `"with": "partial"`), true},
		"a mask seldom":                   {swap(`if input.action.name == "data.read"`+"\n\napprovals", "if {\n\tinput.action.name == \"data.read\"\n\tinput.subject.region != \"x\"\n}\n\napprovals"), true},
		"one duty more":                   {guarded + "\nobligations contains {\"id\": \"l\", \"type\": \"log\"} if " + read + "\n", false},
		"no approvals":                    {guarded[:strings.Index(guarded, "approvals")], true},
		"no approvals where nobody may ask": {strings.Replace(guarded[:strings.Index(guarded, "approvals")], `"access.request"
	input.context.duration_s <= _limit`, "\"request.cancel\"\n\tinput.resource.ports < _limit", 1), true},
		"a variable that was another's": {guarded + "\n" + rule("allow", "x", read, `input.resource.classification == "PUBLIC"`,
			`subject := {"teams": ["sales/x"]}`, `some team in subject.teams`, `startswith(team, "sales/")`), true},
		"a negated helper changes": {swap("\tinput.subject.type == \"service\"\n", "\tnot _friend(input.subject)\n"), true},
	} {
		t.Run(name, func(t *testing.T) {
			impact := assess(t, e, module("sales", c.text), nil)
			if impact.Loosens != c.loosens {
				t.Errorf("loosens %v: %+v", impact.Loosens, impact.Loosenings)
			}
			for _, p := range impact.Loosenings {
				if p.Severity != "warning" || p.Code != "policy.loosens" || p.Line == 0 || !strings.HasPrefix(p.File, "domains/sales/") || p.Fix == "" {
					t.Errorf("it says %+v", p)
				}
			}
		})
	}
}

// TestLooseningThroughClosures holds that a variable which only lives inside a
// comprehension keeps its meaning, or the rule counts as another.
func TestLooseningThroughClosures(t *testing.T) {
	e := engine(t)
	count := `count([y | y = input.subject.teams[_]]) == 0`
	activate(t, e, "sales", closing+"\n"+rule("allow", "x", `input.action.name == "data.read"`, count))
	for name, c := range map[string]struct {
		add     string
		loosens bool
	}{
		"the same and more": {`input.subject.region == "eu"`, false},
		"bound outside":     {`y = input.subject.region`, true},
	} {
		text := closing + "\n" + rule("allow", "x", `input.action.name == "data.read"`, count, c.add)
		if impact := assess(t, e, module("sales", text), nil); impact.Loosens != c.loosens {
			t.Errorf("%s: loosens %v, %+v", name, impact.Loosens, impact.Loosenings)
		}
	}
}

// TestLooseningOfConsent knows that consent is only wanted where it is ruled.
func TestLooseningOfConsent(t *testing.T) {
	e := engine(t)
	activate(t, e, "marketing", open)
	if impact := assess(t, e, module("marketing", consenting("billing")), nil); slices.ContainsFunc(impact.Loosenings, func(p model.PolicyProblem) bool { return strings.Contains(p.Message, "consent") }) {
		t.Errorf("the first rules of consent loosen: %+v", impact.Loosenings)
	}
	activate(t, e, "marketing", consenting("billing"))
	if impact := assess(t, e, module("marketing", open), nil); !impact.Loosens {
		t.Error("to want no consent any more does not loosen")
	}
}

// TestTrialAroundTimesAndNumbers asks at, before and after every time and
// number that a rule names, wherever it stands.
func TestTrialAroundTimesAndNumbers(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", closing)
	for name, add := range map[string]string{
		"after a time":           rule("allow", "x", `input.action.name == "data.read"`, `input.context.now > "2027-01-01T00:00:00.000Z"`),
		"after a constant":       "_from := \"2027-01-01T00:00:00.000Z\"\n\n" + rule("allow", "x", `input.action.name == "data.read"`, `input.context.now > _from`),
		"a calculated time":      rule("allow", "x", `input.action.name == "data.read"`, `time.parse_rfc3339_ns(input.context.now) > 1830297600000000000`),
		"between two":            rule("allow", "x", `input.action.name == "data.read"`, `input.context.now >= "2027-01-01T00:00:00.000Z"`, `input.context.now < "2027-01-01T00:00:00.001Z"`),
		"on a day":               rule("allow", "x", `input.action.name == "data.read"`, `startswith(input.context.now, "2031-05-06")`),
		"a number in a constant": "_n := 7\n\n" + rule("allow", "x", `input.action.name == "data.read"`, `input.resource.ports > _n`),
		"half a number":          rule("allow", "x", `input.action.name == "data.read"`, `input.resource.ports > 7.5`),
		"all at once":            rule("allow", "x", `input.action.name == "data.read"`, `input.context.purpose == "audit"`, `input.resource.ports == 7`, `input.resource.classification == "RESTRICTED"`, `input.subject.clearance == "RESTRICTED"`, `input.context.now > "2027-01-01T00:00:00.000Z"`),
	} {
		t.Run(name, func(t *testing.T) {
			impact := assess(t, e, module("sales", closing+"\n"+add), nil)
			if !slices.ContainsFunc(impact.Flips, func(f model.PolicyFlip) bool { return f.Change == "deny_to_allow" && f.Action == model.ActDataRead }) {
				t.Errorf("nobody was asked: %+v", impact.Flips)
			}
		})
	}
}

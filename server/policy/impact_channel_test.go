package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImpactNamesRulesThatReadTheChannel holds that a report names the rules
// whose answers the replay knows for the doors of the past alone, and no other.
func TestImpactNamesRulesThatReadTheChannel(t *testing.T) {
	e := engine(t)
	for name, c := range map[string]struct {
		rules string
		lines []int
	}{
		"none":                  {rule("deny", "d", `input.context.purpose == "x"`), nil},
		"the field":             {rule("deny", "d", `input.action.name == "data.read"`, `input.context.channel == "trino"`), []int{13}},
		"in a helper":           {"_outside(context) if context.channel in {\"trino\", \"opa\"}\n\n" + rule("deny", "d", `_outside(input.context)`), []int{14}},
		"by another name":       {rule("deny", "d", `circumstances := input.context`, `circumstances.channel == "opa"`), []int{12}},
		"a field that is found": {rule("deny", "d", `some field in ["purpose", "channel"]`, `input.context[field] == "x"`), []int{13}},
		"in brackets":           {rule("deny", "d", `names := {"trino": "x"}`, `names[input.context.channel] == "x"`), []int{13}},
		"all of the input":      {rule("deny", "d", `object.get(input, ["context", "channel"], "") == "opa"`), []int{12}},
		"two rules":             {rule("deny", "d", `input.context.channel == "trino"`) + "\n" + rule("deny", "e", `input.context.channel == "opa"`), []int{12, 16}},
		"only said":             {`deny contains {"code": "d", "message": sprintf("not by %s", [input.context.channel])} if input.action.name == "data.read"`, []int{11}},
	} {
		t.Run(name, func(t *testing.T) {
			impact := assess(t, e, module("sales", closing+"\n"+c.rules), nil)
			var lines []int
			for _, p := range impact.ChannelRules {
				if p.Severity != "warning" || p.Code != "policy.reads_channel" || p.File != "domains/sales/rules.rego" || p.Fix == "" {
					t.Errorf("it says %+v", p)
				}
				lines = append(lines, p.Line)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("(-want +got):\n%s%+v", diff, impact.ChannelRules)
			}
		})
	}
}

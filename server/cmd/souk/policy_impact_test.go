package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestImpactInWords sums up the made-up questions unless every one is wanted,
// and never the real ones; one of a thing is one of it.
func TestImpactInWords(t *testing.T) {
	var report impactReport
	err := json.Unmarshal([]byte(`{"replayed": 1, "grants": 1, "generated": 3, "rowSteps": 1, "channelRules": [{"file": "domains/sales/doors.rego", "line": 7, "message": "the rule deny reads input.context.channel"}], "dyingGrantIds": ["grt_1"], "flips": [
		{"change": "deny_to_allow", "action": "data.read", "team": "made up: a stranger", "count": 1},
		{"change": "deny_to_allow", "action": "data.read", "team": "made up: a guest", "count": 1},
		{"change": "allow_to_deny", "action": "data.read", "team": "made up: a service", "count": 1},
		{"change": "allow_to_deny", "action": "data.read", "team": "sales", "classification": "INTERNAL", "count": 1}]}`), &report)
	if err != nil {
		t.Fatal(err)
	}
	tell := func(verbose bool) string {
		var out strings.Builder
		p := &publishing{program: &program{stdout: &out}, verbose: verbose, found: proposal{Impact: &report}}
		p.tellImpact()
		return out.String()
	}
	both := []string{
		"replayed  1 decision, 1 live grant, 3 made-up questions\n", "1 x data.read on internal data by sales would be refused\n",
		"takes 1 step of the rules", "    domains/sales/doors.rego:7: the rule deny reads input.context.channel\n", "    1 live grant would open nothing any more: grt_1\n",
	}
	summed := []string{"    1 made-up question would be refused; --verbose lists them\n", "    2 made-up questions would be allowed; --verbose lists them\n"}
	listed := []string{"1 x data.read by made up: a stranger would be allowed\n", "by made up: a guest", "by made up: a service"}
	for _, c := range []struct {
		verbose         bool
		holds, holdsNot []string
	}{{false, summed, listed}, {true, listed, summed}} {
		got := tell(c.verbose)
		for _, want := range append(c.holds, both...) {
			if !strings.Contains(got, want) {
				t.Errorf("verbose %v: nothing of %q in:\n%s", c.verbose, want, got)
			}
		}
		for _, not := range c.holdsNot {
			if strings.Contains(got, not) {
				t.Errorf("verbose %v: %q in:\n%s", c.verbose, not, got)
			}
		}
	}
}

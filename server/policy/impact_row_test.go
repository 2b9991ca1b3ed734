package policy_test

import (
	"strings"
	"testing"
)

// TestRowSteps reports what one row of a list takes, where no filter can say it.
func TestRowSteps(t *testing.T) {
	e := engine(t)
	if i := assess(t, e, module("sales", closing), nil); i.RowSteps != 0 {
		t.Errorf("a filter takes %d steps a row", i.RowSteps)
	}
	loop := rule("allow", "x", `input.action.name == "metadata.view"`, `count({w | some a in _n; some b in _n; w := sprintf("%d%d%s", [a, b, input.resource.name])}) > 0`)
	numbers := "_n := [1" + strings.Repeat(", 2", 60) + "]\n\n"
	if i := assess(t, e, module("sales", closing+"\n"+numbers+loop), nil); i.RowSteps < 3000 {
		t.Errorf("a loop of 3,700 takes %d steps a row", i.RowSteps)
	}
}

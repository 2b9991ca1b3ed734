package model_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
)

// TestConditions lists a tree as it reads.
func TestConditions(t *testing.T) {
	leaf := func(text string, because ...model.FailedCondition) model.FailedCondition {
		return model.FailedCondition{Text: text, Because: because}
	}
	root := leaf("a", leaf("b", leaf("c")), leaf("d"))
	var got []string
	for _, c := range (model.RuleTrace{Failed: &root}).Conditions() {
		got = append(got, fmt.Sprint(c.Depth, " ", c.Text))
	}
	if diff := cmp.Diff([]string{"0 a", "1 b", "2 c", "1 d"}, got); diff != "" {
		t.Error(diff)
	}
	if got := (model.RuleTrace{Held: true}).Conditions(); got == nil || len(got) != 0 {
		t.Errorf("a rule that held: got %v, want an empty list", got)
	}
}

package granting_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

func TestSettleDoesWhatWasAsked(t *testing.T) {
	plan := func(statements ...string) sdk.GrantPlan {
		return sdk.GrantPlan{Statements: statements, Precondition: "p"}
	}
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		now, after, asked sdk.GrantPlan
		fails             error
		want              sdk.GrantOutcome
		done              bool
	}{
		"done":               {now: plan("a"), asked: plan("a"), want: sdk.GrantDone, done: true},
		"nothing to do":      {now: plan(), asked: plan("a"), want: sdk.GrantAlready},
		"another statement":  {now: plan("a"), asked: plan("a", "b"), want: sdk.GrantChanged},
		"another ground":     {now: plan("a"), asked: sdk.GrantPlan{Statements: []string{"a"}, Precondition: "q"}, want: sdk.GrantChanged},
		"an error":           {now: plan("a"), asked: plan("a"), fails: broken, done: true},
		"a server that nods": {now: plan("a"), after: plan("a"), asked: plan("a"), done: true},
	} {
		done := false
		got, err := granting.Settle(c.asked, func() (sdk.GrantPlan, error) {
			if done {
				return c.after, nil
			}
			return c.now, nil
		}, func([]string) error {
			done = true
			return c.fails
		})
		if got != c.want || done != c.done || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q, %v, done %t", name, got, err, done)
		}
	}
}

func TestAWayIsToldOnce(t *testing.T) {
	var ways []sdk.Way
	for _, way := range []sdk.Way{{Kind: sdk.ByGrant, Fields: []string{"a"}}, {Kind: sdk.ByGrant, Fields: []string{"b"}}, {Kind: sdk.ByPublic, Fields: []string{"a"}}, {Kind: sdk.ByPublic}} {
		ways = granting.AddWay(ways, way)
	}
	if diff := cmp.Diff([]sdk.Way{{Kind: sdk.ByGrant, Fields: []string{"a", "b"}}, {Kind: sdk.ByPublic}}, ways); diff != "" {
		t.Error(diff)
	}
}

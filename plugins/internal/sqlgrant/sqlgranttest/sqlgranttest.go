// Package sqlgranttest tries the granters of SQL databases on real servers. It owns
// the stories that are the same in all of them; who reads what, their tests ask.
package sqlgranttest

import (
	"errors"
	"sync"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// Counter gives rights as a granter does.
type Counter struct {
	T       *testing.T
	Granter sdk.Granter
}

// Plan is that of the request.
func (c Counter) Plan(r sdk.GrantRequest) sdk.GrantPlan {
	c.T.Helper()
	plan, err := c.Granter.PlanGrant(c.T.Context(), r)
	if err != nil {
		c.T.Fatal(err)
	}
	return plan
}

// Settle plans and applies, and wants nothing left to do.
func (c Counter) Settle(r sdk.GrantRequest) sdk.GrantPlan {
	c.T.Helper()
	plan := c.Plan(r)
	c.Apply(r, plan, "")
	if left := c.Plan(r); len(left.Statements) > 0 {
		c.T.Fatalf("after it is applied this is left to do: %v", left.Statements)
	}
	return plan
}

// Apply wants the outcome, or any but a change where it is empty.
func (c Counter) Apply(r sdk.GrantRequest, plan sdk.GrantPlan, want sdk.GrantOutcome) {
	c.T.Helper()
	got, err := c.Granter.ApplyGrant(c.T.Context(), r, plan)
	if err != nil || got != want && want != "" || got == sdk.GrantChanged && want == "" {
		c.T.Fatalf("%v: got %q, %v, want %q", plan.Statements, got, err, want)
	}
}

// Verify is what the grant's role can read.
func (c Counter) Verify(g sdk.Grant) sdk.Effective {
	c.T.Helper()
	found, err := c.Granter.VerifyGrant(c.T.Context(), g)
	if err != nil {
		c.T.Fatal(err)
	}
	return found
}

// Refused wants no plan for the grant, and an error that says what to do.
func (c Counter) Refused(g sdk.Grant, class sdk.Class, field string) {
	c.T.Helper()
	_, err := c.Granter.PlanGrant(c.T.Context(), sdk.GrantRequest{Grant: g})
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != class || e.Field != field || e.Fix == "" {
		c.T.Errorf("%+v: got %v, want %s %s", g, err, class, field)
	}
}

// Overtaken changes the source between a plan and its end, and forges a plan.
func (c Counter) Overtaken(r sdk.GrantRequest, change func()) {
	c.T.Helper()
	plan := c.Plan(r)
	change()
	c.Apply(r, plan, sdk.GrantChanged)
	forged := c.Plan(r)
	forged.Statements = append(forged.Statements, "DROP TABLE orders")
	c.Apply(r, forged, sdk.GrantChanged)
	plan = c.Plan(r)
	c.Apply(r, plan, sdk.GrantDone)
	c.Apply(r, plan, sdk.GrantAlready)
	r.Revoke = true
	c.Settle(r)
}

// Share gives the columns id and note, then note and email, then all of a table,
// and takes them away again: each grant leaves the others alone. It ends with the
// second grant, whose end the caller has to try.
func (c Counter) Share(grant func(id string, fields ...string) sdk.Grant, may func(columns string) bool) sdk.GrantRequest {
	c.T.Helper()
	few, more, all := grant("few", "id", "note"), grant("more", "note", "email"), grant("all")
	c.Settle(sdk.GrantRequest{Grant: few})
	c.Settle(sdk.GrantRequest{Grant: more, Others: []sdk.Grant{few}})
	c.Settle(sdk.GrantRequest{Grant: all, Others: []sdk.Grant{few, more}})
	if !may("*") {
		c.T.Error("the grant of the whole table does not give it")
	}
	c.Settle(sdk.GrantRequest{Grant: few, Revoke: true, Others: []sdk.Grant{more, all}})
	if !may("*") {
		c.T.Error("the end of one grant takes another's columns")
	}
	c.Settle(sdk.GrantRequest{Grant: all, Revoke: true, Others: []sdk.Grant{more}})
	if may("id") || !may("note, email") {
		c.T.Error("what is left is not what the last grant gives")
	}
	return sdk.GrantRequest{Grant: more, Revoke: true}
}

// AtOnce gives and takes all grants twice at the same time.
func (c Counter) AtOnce(grants []sdk.Grant) {
	c.T.Helper()
	var all sync.WaitGroup
	for _, g := range grants {
		all.Go(func() {
			for _, revoke := range []bool{false, true, false, true} {
				if err := c.race(sdk.GrantRequest{Grant: g, Revoke: revoke}); err != nil {
					c.T.Errorf("%s: %v", g.Role, err)
				}
			}
		})
	}
	all.Wait()
}

// race plans and applies until nobody has been faster.
func (c Counter) race(r sdk.GrantRequest) error {
	for range 20 {
		plan, err := c.Granter.PlanGrant(c.T.Context(), r)
		if err != nil {
			return err
		}
		outcome, err := c.Granter.ApplyGrant(c.T.Context(), r, plan)
		if err != nil || outcome != sdk.GrantChanged {
			return err
		}
	}
	return errors.New("somebody was always faster")
}

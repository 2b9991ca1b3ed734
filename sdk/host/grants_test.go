package host_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// TestAPluginWithoutGrants says so, be it of before there were any or not.
func TestAPluginWithoutGrants(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"good", "plain"} { // one of this SDK, and one that has never heard of grants
		p, failure := b.launch(host.Self(name), host.Limits{})
		if failure != nil {
			t.Fatal(failure)
		}
		_, err := p.PlanGrant(t.Context(), host.Access{}, sdk.GrantRequest{Grant: sdk.Grant{ID: "g", Role: "ana", Asset: sdk.NativeID{Name: "t"}}})
		if f := b.failure(err); f.Code != "grants.none" || f.Class != sdk.ClassConfig || f.Fix == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestGrantsOverThePipe change nothing on their way, and hold the plugin to its word.
func TestGrantsOverThePipe(t *testing.T) {
	b := newBench(t)
	p, failure := b.launch(host.Self("lends"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	a := host.Access{Config: json.RawMessage(`{}`), Secrets: map[string]string{"password": canary}}
	grant := sdk.Grant{
		ID: "g1", Asset: sdk.NativeID{Namespace: "test://host", Name: "t"}, StableID: "7", Role: "ana's", Fields: []string{"a", `b"`},
		Masks: []sdk.Mask{{Field: "c", With: "hash"}}, Filters: []sdk.RowFilter{{Field: "d", Op: "in", Value: "x, y"}}, TakeOver: true,
	}
	other := grant
	other.ID = "g2"
	r := sdk.GrantRequest{Grant: grant, Revoke: true, Others: []sdk.Grant{other}}
	plan, err := p.PlanGrant(t.Context(), a, r)
	if err != nil {
		t.Fatal(err)
	}
	var heard sdk.GrantRequest
	if err := json.Unmarshal([]byte(plan.Remarks[0]), &heard); err != nil || cmp.Diff(r, heard) != "" {
		t.Errorf("%v %s", err, cmp.Diff(r, heard))
	}
	if plan.Statements[0] != "give by [secret]" || plan.Precondition != "p" || plan.Reads != grant.Asset {
		t.Errorf("got %+v", plan)
	}
	if got, err := p.ApplyGrant(t.Context(), a, r, plan); got != sdk.GrantChanged || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	r.Others = nil
	if _, err := p.ApplyGrant(t.Context(), a, r, plan); b.failure(err).Code != "protocol" {
		t.Errorf("an outcome that is none: %v", err)
	}
	found, err := p.VerifyGrant(t.Context(), a, grant)
	if want := (sdk.Effective{Given: true, Readable: []string{"a"}, Ways: []sdk.Way{{Kind: sdk.ByInherited, Through: "group", Fields: []string{"a"}, Ours: true}}}); err != nil || cmp.Diff(want, found) != "" {
		t.Errorf("%v %s", err, cmp.Diff(want, found))
	}
	var held []sdk.HeldGrant
	err = p.ListGrants(t.Context(), a, []string{"ana"}, func(h sdk.HeldGrant) error { held = append(held, h); return nil })
	want := sdk.HeldGrant{Asset: grant.Asset, Role: "ana", Fields: []string{"a"}, By: "souk", Ours: true, GrantID: "g1"}
	if f := b.failure(err); f.Code != "secret_in_record" || len(held) != 1 || cmp.Diff(want, held[0]) != "" {
		t.Errorf("%+v %v", f, held)
	}
	grant.Masks[0].With = "rot13"
	if _, err := p.PlanGrant(t.Context(), a, sdk.GrantRequest{Grant: grant}); b.failure(err).Field != "masks" {
		t.Errorf("an unknown mask: %v", err)
	}
}

// lends is a plugin that offers grants, and tells of them what it hears.
type lends struct{ faulty }

func (l lends) ListGrants(_ context.Context, roles []string, emit func(sdk.HeldGrant) error) error {
	h := sdk.HeldGrant{Asset: asset("t").ID, Role: roles[0], Fields: []string{"a"}, By: "souk", Ours: true, GrantID: "g1"}
	if err := emit(h); err != nil {
		return err
	}
	h.By = l.config.Password
	return emit(h)
}

func (l lends) PlanGrant(_ context.Context, r sdk.GrantRequest) (sdk.GrantPlan, error) {
	heard, err := json.Marshal(r)
	return sdk.GrantPlan{Statements: []string{"give by " + l.config.Password}, Precondition: "p", Remarks: []string{string(heard)}, Reads: r.Grant.Asset}, err
}

func (l lends) ApplyGrant(_ context.Context, r sdk.GrantRequest, p sdk.GrantPlan) (sdk.GrantOutcome, error) {
	if len(r.Others) == 0 {
		return "perhaps", nil
	}
	if p.Precondition == "p" && p.Reads == r.Grant.Asset && len(p.Statements) == 1 {
		return sdk.GrantChanged, nil
	}
	return sdk.GrantDone, nil
}

func (l lends) VerifyGrant(context.Context, sdk.Grant) (sdk.Effective, error) {
	return sdk.Effective{Given: true, Readable: []string{"a"}, Ways: []sdk.Way{{Kind: sdk.ByInherited, Through: "group", Fields: []string{"a"}, Ours: true}}}, nil
}

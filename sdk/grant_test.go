package sdk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// TestGrantsAreHeldToTheirForm before a plugin sees them.
func TestGrantsAreHeldToTheirForm(t *testing.T) {
	for name, tt := range map[string]struct {
		field  string
		change func(*sdk.GrantRequest)
	}{
		"good":                   {"", func(*sdk.GrantRequest) {}},
		"a whole asset":          {"", func(r *sdk.GrantRequest) { r.Grant.Fields = nil }},
		"a long name with signs": {"", func(r *sdk.GrantRequest) { r.Grant.Fields = []string{strings.Repeat("é\"';--", 100)} }},
		"no id":                  {"grant.id", func(r *sdk.GrantRequest) { r.Grant.ID = "" }},
		"an id with a quote":     {"grant.id", func(r *sdk.GrantRequest) { r.Grant.ID = `g"1` }},
		"no role":                {"grant", func(r *sdk.GrantRequest) { r.Grant.Role = "" }},
		"no asset":               {"grant", func(r *sdk.GrantRequest) { r.Grant.Asset.Name = "" }},
		"a name that is no text": {"grant", func(r *sdk.GrantRequest) { r.Grant.Fields = []string{"a\xff"} }},
		"a name with a zero":     {"grant", func(r *sdk.GrantRequest) { r.Grant.Role = "a\x00" }},
		"an unknown mask":        {"masks", func(r *sdk.GrantRequest) { r.Grant.Masks[0].With = "rot13" }},
		"a mask of what is read": {"masks", func(r *sdk.GrantRequest) { r.Grant.Masks[0].Field = "a" }},
		"two masks of a field":   {"masks", func(r *sdk.GrantRequest) { r.Grant.Masks = append(r.Grant.Masks, sdk.Mask{Field: "m", With: "null"}) }},
		"a field twice":          {"fields", func(r *sdk.GrantRequest) { r.Grant.Fields = []string{"a", "a"} }},
		"an unknown comparison":  {"filters", func(r *sdk.GrantRequest) { r.Grant.Filters[0].Op = "like" }},
		"itself beside it":       {"others", func(r *sdk.GrantRequest) { r.Others[0].ID = r.Grant.ID }},
		"another role beside it": {"others", func(r *sdk.GrantRequest) { r.Others[0].Role = "bo" }},
	} {
		g := sdk.Grant{
			ID: "grt_1", Asset: sdk.NativeID{Namespace: "n", Name: "t"}, Role: "ana", Fields: []string{"a"},
			Masks: []sdk.Mask{{Field: "m", With: "hash"}}, Filters: []sdk.RowFilter{{Field: "f", Op: "eq", Value: ""}},
		}
		r := sdk.GrantRequest{Grant: g, Others: []sdk.Grant{{ID: "grt_2", Asset: g.Asset, Role: g.Role}}}
		tt.change(&r)
		err := r.Validate()
		if e, _ := errors.AsType[*sdk.Error](err); (tt.field == "") != (err == nil) || e != nil && (e.Field != tt.field || e.Fix == "") {
			t.Errorf("%s: got %v, want one of %q", name, err, tt.field)
		}
	}
}

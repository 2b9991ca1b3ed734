package sqlgrant_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/internal/sqlgrant"
	"github.com/souk-mesh/souk/sdk"
)

func TestWhatAGrantShowsAndKeeps(t *testing.T) {
	quote := func(name string) string { return "[" + name + "]" }
	mask := func(column int, with string) string { return with + string(rune('0'+column)) }
	g := sdk.Grant{Fields: []string{"c", "a"}, Masks: []sdk.Mask{{Field: "b", With: "null"}}}
	list, err := sqlgrant.Shown(g, []string{"a", "b", "c", "d"}, quote, mask)
	if diff := cmp.Diff([]string{"[a]", "null1", "[c]"}, list); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := sqlgrant.Shown(sdk.Grant{Fields: []string{"x"}}, []string{"a"}, quote, mask); err == nil {
		t.Error("a view of nothing")
	}
	kept := sqlgrant.Kept([]sdk.Grant{{Fields: []string{"a"}}, {Fields: []string{"b"}, Masks: g.Masks}, {}})
	if diff := cmp.Diff(map[string]bool{"": true, "a": true}, kept); diff != "" {
		t.Error(diff)
	}
	where, err := sqlgrant.Where([]sdk.RowFilter{{Field: "a", Op: "in", Value: "1, 2"}, {Field: "b", Op: "ne", Value: " x"}}, func(field, sign string, values []string) (string, error) {
		return sqlgrant.Comparison(quote(field), sign, values), nil
	})
	if err != nil || where != " WHERE [a] IN (1, 2) AND [b] <>  x" {
		t.Error(where, err)
	}
}

package model_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

func TestNameParts(t *testing.T) {
	for name, want := range map[string][]string{
		"orders":             {"orders"},
		"shop.public.orders": {"shop", "public", "orders"},
		`shop."app.x".t`:     {"shop", "app.x", "t"},
		`shop.app."x.t"`:     {"shop", "app", "x.t"},
		`"a"".b".t`:          {`a".b`, "t"},
		`say "hi"`:           {`say "hi"`},
		`"""q""".t`:          {`"q"`, "t"},
		`"half.t`:            {`"half`, "t"},
		`"a"b.t`:             {`"a"b`, "t"},
		`a..b`:               {"a", "", "b"},
		`"a".`:               {"a", ""},
		"":                   {""},
	} {
		if got := model.NameParts(name); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// FuzzName: what is joined is cut into the same parts again.
func FuzzName(f *testing.F) {
	f.Add("shop", "app.x", `say "hi"`)
	f.Add(`"`, `."`, `"".`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		parts := slices.DeleteFunc([]string{a, b, c}, func(s string) bool { return s == "" })
		name := model.JoinName(a, b, c)
		if got := model.NameParts(name); len(parts) > 0 && !slices.Equal(got, parts) {
			t.Errorf("%q became %s became %q", parts, name, got)
		}
	})
}

package sdk_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

func TestNamesOfSeveralParts(t *testing.T) {
	for want, parts := range map[string][]string{
		`shop.public.orders`:    {"shop", "public", "orders"},
		`shop."app.x".t`:        {"shop", "app.x", "t"},
		`shop.app."x.t"`:        {"shop", "app", "x.t"},
		`"a.b"`:                 {"a.b"},
		`shop.say "hi"`:         {"shop", `say "hi"`},
		`shop."""hi"" he said"`: {"shop", `"hi" he said`},
		`shop."a"".""b"`:        {"shop", `a"."b`},
		`"."."."`:               {".", "."},
		`größe.É`:               {"größe", "É"},
	} {
		got := sdk.JoinName(parts...)
		if got != want {
			t.Errorf("%q: got %s, want %s", parts, got, want)
		}
		if back := sdk.SplitName(got); !slices.Equal(back, parts) {
			t.Errorf("%s: got %q back, want %q", got, back, parts)
		}
	}
	if got := sdk.JoinName("", "app", "t"); got != "app.t" {
		t.Errorf("an empty part: got %s", got)
	}
}

func TestNamesThatNobodyJoined(t *testing.T) {
	for name, want := range map[string][]string{
		`a.b`: {"a", "b"}, `"a.b`: {`"a`, "b"}, `"a"b.c`: {`"a"b`, "c"}, `a.`: {"a", ""}, ``: {""}, `"`: {`"`}, `a."`: {"a", `"`},
	} {
		if got := sdk.SplitName(name); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestPlainName(t *testing.T) {
	if got := sdk.PlainName("shop", "app.x", "t"); got != "shop.app.x.t" {
		t.Errorf("got %s", got)
	}
	if got := sdk.PlainName("shop", "app", "t"); got != "" {
		t.Errorf("a name that was always like that: got %s", got)
	}
}

// FuzzNames wants two lists of parts never to share a name.
func FuzzNames(f *testing.F) {
	f.Add("app.x", "t", "y")
	f.Add(`"`, `"."`, ".")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		parts := slices.DeleteFunc([]string{a, b, c}, func(p string) bool { return p == "" })
		if len(parts) == 0 {
			return
		}
		if got := sdk.SplitName(sdk.JoinName(parts...)); !slices.Equal(got, parts) {
			t.Errorf("%q is %s, which is %q", parts, sdk.JoinName(parts...), got)
		}
	})
}

func TestJoinName(t *testing.T) {
	for want, parts := range map[string][]string{
		"shop.public.orders": {"shop", "public", "orders"},
		"public.orders":      {"", "public", "orders"},
		`shop."app.x".t`:     {"shop", "app.x", "t"},
		`shop.app."x.t"`:     {"shop", "app", "x.t"},
		`say "hi"`:           {`say "hi"`},
		`"""q""".t`:          {`"q"`, "t"},
		`"a"".b".t`:          {`a".b`, "t"},
		"":                   {"", ""},
	} {
		if got := sdk.JoinName(parts...); got != want {
			t.Errorf("%q: got %s, want %s", parts, got, want)
		}
	}
}

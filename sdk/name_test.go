package sdk_test

import (
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

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

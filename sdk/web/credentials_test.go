package web_test

import (
	"net/http/httptest"
	"testing"

	"github.com/souk-mesh/souk/sdk/web"
)

func TestCredentials(t *testing.T) {
	for _, c := range []struct {
		web.Credentials
		want string
	}{
		{web.Credentials{}, ""},
		{web.Credentials{User: "ana", Password: "secret"}, "Basic YW5hOnNlY3JldA=="},
		{web.Credentials{User: "ana", Token: "long"}, "Bearer long"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		if err := c.Attach(t.Context(), r); err != nil || r.Header.Get("Authorization") != c.want {
			t.Errorf("%v, %q, want %q", err, r.Header.Get("Authorization"), c.want)
		}
	}
}

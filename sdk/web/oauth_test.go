package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

func TestClientCredentials(t *testing.T) {
	for _, inBody := range []bool{false, true} {
		s := serve(t, web.Options{}, func(n int, w http.ResponseWriter, r *http.Request) {
			id, secret, _ := r.BasicAuth()
			if inBody {
				id, secret = r.PostFormValue("client_id"), url.QueryEscape(r.PostFormValue("client_secret"))
			}
			switch {
			case n == 1:
				w.WriteHeader(503)
			case id != "souk" || secret != "canary%2B" || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("scope") != "read":
				w.WriteHeader(400)
			default:
				fmt.Fprint(w, `{"access_token": "t1", "token_type": "Bearer", "expires_in": 3600}`)
			}
		})
		o := web.OAuth{Server: s.Client, ClientID: "souk", ClientSecret: "canary+", InBody: inBody, Form: url.Values{"scope": {"read"}}}
		token, err := o.Get(t.Context())
		if diff := cmp.Diff(web.Token{Value: "t1", Life: time.Hour}, token); err != nil || diff != "" || s.asked.Load() != 2 {
			t.Error(err, diff, s.asked.Load())
		}
	}
}

// TestARefreshTokenRotates: each is good for one use.
func TestARefreshTokenRotates(t *testing.T) {
	valid := 1
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("refresh_token") != fmt.Sprint("canary-", valid) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error": "invalid_grant", "error_description": "Token %s expired"}`, r.PostFormValue("refresh_token"))
			return
		}
		valid++
		fmt.Fprintf(w, `{"access_token": "t%d", "expires_in": "3600", "refresh_token": "canary-%d"}`, valid, valid)
	})
	rotated := 0
	o := web.OAuth{Server: s.Client, ClientID: "souk", RefreshToken: "canary-1", Rotated: func() { rotated++ }}
	for n := range 3 {
		token, err := o.Get(t.Context())
		if err != nil || token.Value != fmt.Sprint("t", n+2) || rotated != n+1 {
			t.Fatal(token, err, rotated)
		}
	}
	valid = 9
	_, err := o.Get(t.Context())
	e := wants(t, err, sdk.ClassAuth, "auth")
	if !strings.HasSuffix(e.Message, ": Token [secret] expired") || strings.Contains(e.Message, "canary") {
		t.Error(e.Message)
	}
}

func TestAnAssertion(t *testing.T) {
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || r.Header.Get("Authorization") != "" {
			w.WriteHeader(400)
			return
		}
		fmt.Fprintf(w, `{"access_token": "for-%s"}`, r.PostFormValue("assertion"))
	})
	n := 0
	o := web.OAuth{Server: s.Client, Assertion: func() (string, error) { n++; return fmt.Sprint("a", n), nil }}
	for _, want := range []string{"for-a1", "for-a2"} {
		if token, err := o.Get(t.Context()); err != nil || token.Value != want {
			t.Error(token, err)
		}
	}
}

func TestAServerOfTokensThatAnswersOtherwise(t *testing.T) {
	for text, code := range map[string]string{`{}`: "http.json", `{"access_token": 7}`: "http.json", `half`: "http.json"} {
		s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
		_, err := (&web.OAuth{Server: s.Client}).Get(t.Context())
		wants(t, err, sdk.ClassUnavailable, code)
	}
	s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	_, err := (&web.OAuth{Server: s.Client, RefreshToken: "canary-1"}).Get(t.Context())
	wants(t, err, sdk.ClassUnavailable, "http.503")
	if s.asked.Load() != 1 {
		t.Error("a refresh token that may be used up is sent again")
	}
}

func TestAPasswordIsExchangedForAToken(t *testing.T) {
	none := errors.New("no token")
	for answer, want := range map[string]string{`{"jwt": "t1", "more": 1}`: "t1", `{"jwt": 1}`: "", `{"token": "t1"}`: "", `[]`: "", `{"jwt": `: ""} {
		s := serve(t, web.Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
			var sent map[string]string
			if json.NewDecoder(r.Body).Decode(&sent) != nil || sent["password"] != "canary" || r.Method != http.MethodPost || r.URL.Path != "/api/login" {
				w.WriteHeader(400)
			}
			fmt.Fprint(w, answer)
		})
		token, err := web.Login{Server: s.Client, Path: "/login", Body: map[string]string{"password": "canary"}, Field: "jwt", None: none}.Get(t.Context())
		if token.Value != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", answer, token.Value, err)
		}
		if strings.HasSuffix(answer, "}") && want == "" && !errors.Is(err, none) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

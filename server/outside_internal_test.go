package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDoorsTurnAwayInTheirOwnForm knocks at every door without a token and with
// one that opens nothing. Only GraphQL answers in GraphQL's form.
func TestDoorsTurnAwayInTheirOwnForm(t *testing.T) {
	cfg := Defaults()
	cfg.Store = "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	s, err := New(t.Context(), cfg, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	h := s.web().Handler()
	for _, door := range []string{
		"POST /access/v1/evaluation", "POST /access/v1/evaluations", "POST /access/v1/search/subject", "POST /v1/data/souk/trino/allow",
		"POST /v1/data/souk/trino/batchColumnMasks", "POST /logs", "GET /bundles/platform.tar.gz", "GET /bundles/key.pem", "POST /graphql",
	} {
		for _, token := range []string{"", "Bearer souk_nothing", "Basic YW5h"} {
			method, path, _ := strings.Cut(door, " ")
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{}"))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-Request-ID", "req-0123456789")
			if token != "" {
				r.Header.Set("Authorization", token)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			var body struct {
				Error  *struct{ Code, Message, RequestID string }
				Errors []any
			}
			must(t, json.Unmarshal(w.Body.Bytes(), &body))
			own := body.Error != nil && body.Error.Code == "UNAUTHENTICATED" && body.Error.Message != "" && body.Error.RequestID == "req-0123456789"
			if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" || own == (path == "/graphql") || len(body.Errors) > 0 != (path == "/graphql") {
				t.Errorf("%s with %q: %d %s", door, token, w.Code, w.Body)
			}
		}
	}
}

// TestTheSearchFileIsSouksOwn: no source reads it, wherever it lies.
func TestTheSearchFileIsSouksOwn(t *testing.T) {
	for _, tc := range []struct{ store, file, want string }{
		{"sqlite:/srv/souk.db", "", "/srv/souk-search"},
		{"sqlite:/srv/souk.db", "none", ""},
		{"sqlite::memory:", "", ""},
		{"sqlite:/srv/souk.db", "/tmp/found", "/tmp/found"},
		{"mongodb://db/souk", "", ""},
		{"mongodb://db/souk", "/tmp/found", "/tmp/found"},
	} {
		cfg := Config{Store: tc.store, SearchFile: tc.file}
		if got := cfg.searchFile(); got != tc.want || got != "" && !slices.Contains(cfg.own(), got+"*") {
			t.Errorf("%s, %q: got %q of %v, want %q", tc.store, tc.file, got, cfg.own(), tc.want)
		}
	}
}

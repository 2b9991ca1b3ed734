package authzen_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzBodies sends whatever comes to every endpoint. The answer is a decision
// or a refusal, and never trouble inside.
func FuzzBodies(f *testing.F) {
	w := newWorld(f)
	for _, body := range append([]string{ask(alice, read, one), ask(boss, write, twoOld), anaReads, `{"evaluations":[{},7]}`, `{"page":{"token":"."}}`}, flawed...) {
		f.Add(body)
	}
	h := w.web.Config.Handler
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"evaluation", "evaluations", "search/subject", "search/resource", "search/action"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/access/v1/"+path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+w.tokens["vouching"])
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != http.StatusOK && rec.Code != http.StatusBadRequest {
				t.Errorf("%s %q: got %d %s", path, body, rec.Code, rec.Body)
			}
		}
	})
}

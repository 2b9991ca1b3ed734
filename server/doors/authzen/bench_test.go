package authzen_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkEvaluation answers one question behind the whole door but the wire.
func BenchmarkEvaluation(b *testing.B) {
	w := newWorld(b)
	bench(b, w, "/access/v1/evaluation", anaReads)
}

// BenchmarkEvaluations answers a hundred at once.
func BenchmarkEvaluations(b *testing.B) {
	w := newWorld(b)
	bench(b, w, "/access/v1/evaluations", strings.Replace(anaReads, "{", `{"evaluations":[`+strings.Repeat("{},", 99)+`{}],`, 1))
}

func bench(b *testing.B, w *world, path, body string) {
	b.Helper()
	h := w.web.Config.Handler
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Souk-Obligations", "understood")
		r.Header.Set("Authorization", "Bearer "+w.tokens["gateway"])
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"decision":true`) {
			b.Fatal(rec.Body.String())
		}
	}
}

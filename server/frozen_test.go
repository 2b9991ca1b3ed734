//go:build unix

package server

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

// TestFrozenMongoDB stops the server of the records in the middle: every door
// answers 503 UNAVAILABLE within the deadline of a query, also where only the
// token has to be looked up, and all goes on when it is back.
func TestFrozenMongoDB(t *testing.T) {
	database := mongodbtest.Start(t, "--replSet", mongodbtest.ReplicaSet)
	must(t, mongodbtest.Initiate(t.Context(), database.Address))
	cfg := Defaults()
	cfg.Store = "mongodb://" + database.Address + "/souk?replicaSet=" + mongodbtest.ReplicaSet
	s, err := New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	defer func() { _ = s.Close() }()
	secret, err := s.Identity.Bootstrap(model.WithPrincipal(t.Context(), model.System()))
	must(t, err)
	door := s.web().Handler()
	ask := func(path, body string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+secret)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		return w.Code, string(text)
	}
	questions := map[string]string{
		"/graphql":              `{"query":"{ viewer { name } }"}`,
		"/access/v1/evaluation": `{"subject":{"type":"user","id":"admin"},"action":{"name":"data.read"},"resource":{"type":"data_product","id":"x"}}`,
	}
	if code, text := ask("/graphql", questions["/graphql"]); code != http.StatusOK {
		t.Fatalf("before: %d %s", code, text)
	}
	database.Freeze(t)
	var work sync.WaitGroup
	for path, body := range questions {
		work.Go(func() {
			begin := time.Now()
			code, text := ask(path, body)
			if code != http.StatusServiceUnavailable || !strings.Contains(text, "UNAVAILABLE") || time.Since(begin) > 12*time.Second {
				t.Errorf("%s: got %d %s after %v", path, code, text, time.Since(begin))
			}
		})
	}
	work.Go(func() {
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("/readyz: got %d", w.Code)
		}
	})
	work.Wait()
	database.Thaw(t)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		code, text := ask("/graphql", questions["/graphql"])
		if code == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("afterwards: %d %s", code, text)
		}
	}
}

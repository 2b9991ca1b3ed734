package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// BenchmarkTraces asks for a list of products and for a decision through the
// whole server, with traces off and with each request traced. The collector
// takes and drops: what a trace costs is what the server does for it.
func BenchmarkTraces(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(collector.Close)
	for name, endpoint := range map[string]string{"off": "", "on": collector.URL} {
		ask := asker(b, endpoint)
		me := shop(ask, 50)
		b.Run("list/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask("/graphql", query(`{ dataProducts(first: 50) { nodes { name classification } } }`), nil)
			}
		})
		decision := fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":"metadata.view"},"resource":{"type":"data_product","id":"sales/p7"}}`, me)
		b.Run("decision/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask("/access/v1/evaluation", decision, nil)
			}
		})
	}
}

// shop makes a domain with products, and gives the name of its steward.
func shop(ask func(path, body string, into any), products int) string {
	var got struct {
		Data struct {
			Viewer       struct{ Principal struct{ ID, Name string } }
			CreateDomain struct{ Domain struct{ ID string } }
		}
	}
	ask("/graphql", query(`{ viewer { principal { id name } } }`), &got)
	me := got.Data.Viewer.Principal
	ask("/graphql", query(`mutation { createDomain(input: {name: "sales"}) { domain { id } } }`), &got)
	domain := got.Data.CreateDomain.Domain.ID
	ask("/graphql", query(fmt.Sprintf(`mutation { updateDomain(input: {id: %q, stewardIds: [%q]}) { domain { id } } }`, domain, me.ID)), nil)
	for i := range products {
		ask("/graphql", query(fmt.Sprintf(`mutation { createDataProduct(input: {name: "p%d", domainId: %q, description: "One of many.", classification: INTERNAL}) { dataProduct { id } } }`, i, domain)), nil)
	}
	return me.Name
}

func query(text string) string {
	body, _ := json.Marshal(map[string]string{"query": text})
	return string(body)
}

// asker gives the way to a server of its own, as its administrator.
func asker(b *testing.B, endpoint string) func(path, body string, into any) {
	b.Helper()
	cfg := Defaults()
	cfg.Store, cfg.TraceEndpoint = "sqlite::memory:", endpoint
	s, err := New(b.Context(), cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	token, err := s.Identity.Bootstrap(model.WithPrincipal(b.Context(), model.System()))
	if err != nil {
		b.Fatal(err)
	}
	web := s.web().Handler()
	return func(path, body string, into any) {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, bytes.NewBufferString(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		web.ServeHTTP(w, r)
		if w.Code != http.StatusOK || bytes.Contains(w.Body.Bytes(), []byte(`"errors"`)) {
			b.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
		if into == nil {
			return
		}
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			b.Fatal(err)
		}
	}
}

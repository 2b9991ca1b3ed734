//go:build unix

package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/server/servertest"
)

// fieldsQuery asks for what a list of tables with their columns shows.
const fieldsQuery = `{assets(first:100){nodes{id name fields{name nativeType isNullable}}}}`

// fieldsAnswer is the answer to it, for the encoder of the standard library.
type fieldsAnswer struct {
	Data struct {
		Assets struct {
			Nodes []struct {
				ID     string `json:"id"`
				Name   string `json:"name"`
				Fields []struct {
					Name       string `json:"name"`
					NativeType string `json:"nativeType"`
					IsNullable bool   `json:"isNullable"`
				} `json:"fields"`
			} `json:"nodes"`
		} `json:"assets"`
	} `json:"data"`
}

// BenchmarkRequestsOfPages asks the whole server for 100 assets with 11 columns
// each, and a handler that knows the answer and has only to encode it: the metric
// x-floor is how many times the processor time of that the server takes.
func BenchmarkRequestsOfPages(b *testing.B) {
	door := benchServer(b, busy()).web().Handler()
	var answer fieldsAnswer
	if err := json.Unmarshal([]byte(askOnce(b, door, servertest.RootToken)), &answer); err != nil {
		b.Fatal(err)
	}
	floor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Query string }
		if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &asked) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})
	least := time.Duration(0)
	b.Run("floor", func(b *testing.B) { least = timed(b, floor, servertest.RootToken) })
	for _, who := range []struct{ name, token string }{{"root", servertest.RootToken}, {"somebody", servertest.SomebodyToken}} {
		b.Run(who.name, func(b *testing.B) {
			took := timed(b, door, who.token)
			if least > 0 {
				b.ReportMetric(float64(took)/float64(least), "x-floor")
			}
		})
	}
}

// timed is the processor time of one request.
func timed(b *testing.B, door http.Handler, token string) time.Duration {
	b.Helper()
	begun := cpu()
	measure(b, door, token, fieldsQuery)
	return (cpu() - begun) / time.Duration(b.N)
}

func askOnce(b *testing.B, door http.Handler, token string) string {
	b.Helper()
	body, _ := json.Marshal(map[string]string{"query": fieldsQuery})
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w.Body.String()
}

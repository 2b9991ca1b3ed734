//go:build unix

package server

import (
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/servertest"
)

var benchMongoDB = flag.Bool("bench.mongodb", false, "measure on MongoDB, which counts with what this process does alone")

var benchAssets = flag.Int("bench.assets", 5_000, "how many assets the store of the benchmarks has; its products and people are the same")

// rights are all six of a product.
const rights = "read requestAccess update publish deprecate retire"

// benched are requests as clients make them.
func benched() map[string]string {
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = `"` + string(servertest.AssetID(i*7)) + `"`
	}
	return map[string]string{
		"viewer":      `{viewer{principal{name}}}`,
		"node":        `{node(id:"dpr_0001_0001"){id ... on DataProduct{name}}}`,
		"products20":  `{dataProducts(first:20){nodes{id name status}}}`,
		"products200": `{dataProducts(first:200){nodes{id name status}}}`,
		"rights100":   `{dataProducts(first:100){nodes{id viewerCan{` + rights + `}}}}`,
		"rights200":   `{dataProducts(first:200){nodes{id viewerCan{` + rights + `}}}}`,
		"ids100":      `{nodes(ids:[` + strings.Join(ids, ",") + `]){id}}`,
		"page100":     `{assets(first:100){nodes{id}}}`,
		"checkAccess": `mutation{checkAccess(input:{productId:"dpr_0001_0001",purpose:"attribute revenue"}){decision{outcome}}}`,
	}
}

// BenchmarkRequests asks the whole server in process, by the handler that
// listens, and counts the processor time of the process, the garbage collector's
// with it: on a machine that others work on, too, it is comparable within one run.
func BenchmarkRequests(b *testing.B) {
	s := benchServer(b, busy())
	door := s.web().Handler()
	for name, query := range benched() {
		for who, token := range map[string]string{"root": servertest.RootToken, "somebody": servertest.SomebodyToken, "holder": servertest.HolderToken} {
			b.Run(name+"/"+who, func(b *testing.B) { measure(b, door, token, query) })
		}
	}
}

func busy() servertest.Scale {
	scale := servertest.Busy()
	scale.Assets = *benchAssets
	return scale
}

// benchServer is a server over a store of the scale in a file.
func benchServer(b *testing.B, scale servertest.Scale) *Server {
	b.Helper()
	cfg := Defaults()
	if cfg.Store = "sqlite:" + filepath.Join(b.TempDir(), "souk.db"); *benchMongoDB {
		cfg.Store, _ = mongodbtest.Database(b)
	}
	s, err := New(b.Context(), cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	scale.Fill(b, s.store)
	return s
}

func measure(b *testing.B, door http.Handler, token, query string) {
	b.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	ask := func() string {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w.Body.String()
	}
	if answer := ask(); strings.Contains(answer, `"errors"`) {
		b.Fatal(answer[:min(len(answer), 300)])
	}
	b.ReportAllocs()
	begun := cpu()
	for b.Loop() {
		ask()
	}
	b.ReportMetric(float64(cpu()-begun)/float64(time.Millisecond)/float64(b.N), "cpu-ms/op")
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

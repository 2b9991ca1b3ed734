package policy_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// folder is a folder of policies in which so many domains have rules of
// their own, as many as the template has.
func folder(tb testing.TB, domains int) fstest.MapFS {
	tb.Helper()
	files := fstest.MapFS{}
	for name, text := range shipped(tb, "template") {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		for i := range domains {
			domain := fmt.Sprint("d", i)
			own := strings.Replace(text, "package souk.template", "package souk.domains."+domain, 1)
			files["domains/"+domain+"/"+strings.TrimPrefix(name, "template/")] = &fstest.MapFile{Data: []byte(own)}
		}
	}
	return files
}

func engineOf(tb testing.TB, files fs.FS) *policy.Engine {
	tb.Helper()
	e, err := policy.New(policy.Config{Files: files})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// atHome is a question about a product of the first domain.
func atHome() policy.Question {
	q := ask(bo, model.ActDataRead, with(orders, func(r *policy.Resource) { r.Domain = "d0" }))
	q.Facts.Grants = []policy.GrantFact{{ID: "grt_1", Product: orders.ID, Purpose: "x", Until: noon.Add(time.Hour)}}
	return q
}

// TestScaleCostsNothing decides as cheaply among many domains as among few,
// and within the allocations that a decision may take.
func TestScaleCostsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a hundred domains")
	}
	var cost [2]float64
	for i, domains := range []int{2, 100} {
		s, q := engineOf(t, folder(t, domains)).Snapshot(), atHome()
		if d := s.Decide(t.Context(), q); !d.Allowed() {
			t.Fatal(d)
		}
		cost[i] = testing.AllocsPerRun(100, func() { s.Decide(t.Context(), q) })
	}
	if cost[1] > 1.1*cost[0] || cost[1] > 300 {
		t.Errorf("a decision takes %.0f allocations among 2 domains, and %.0f among 100", cost[0], cost[1])
	}
}

// BenchmarkScale is a decision among few domains and among many. Beside the
// mean it tells what most decisions take.
func BenchmarkScale(b *testing.B) {
	for _, domains := range []int{10, 500} {
		b.Run(fmt.Sprint(domains), func(b *testing.B) {
			s, q := engineOf(b, folder(b, domains)).Snapshot(), atHome()
			took := make([]time.Duration, 0, 100_000)
			b.ReportAllocs()
			for b.Loop() {
				begin := time.Now()
				s.Decide(b.Context(), q)
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-us")
		})
	}
}

// BenchmarkColdStart compiles the rules of fifty domains, as a server does that
// starts.
func BenchmarkColdStart(b *testing.B) {
	files := folder(b, 50)
	for b.Loop() {
		engineOf(b, files)
	}
}

package policy_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
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

// TestKnownPackagesAreNotCompiledAgain makes an engine beside another, for a
// small part of the work, that decides by its own text where the two differ.
func TestKnownPackagesAreNotCompiledAgain(t *testing.T) {
	known := engine(t)
	made := func(cfg policy.Config) float64 {
		return testing.AllocsPerRun(1, func() {
			if _, err := policy.New(cfg); err != nil {
				t.Fatal(err)
			}
		})
	}
	alone, beside := made(policy.Config{Files: policies.Files}), made(policy.Config{Files: policies.Files, Known: known})
	if beside > alone/20 {
		t.Errorf("an engine takes %.0f allocations, and %.0f beside one with the same policies", alone, beside)
	}
	activate(t, known, "sales", open)
	q := ask(bo, model.ActDataRead, orders)
	for _, pkg := range []string{"template", "domains/sales"} {
		text := fmt.Sprintf("package souk.%s\n\nimport rego.v2\n\ndeny contains {\"code\": \"shut\", \"message\": \"Shut.\"} if input.v == 1\n", strings.ReplaceAll(pkg, "/", "."))
		e, err := policy.New(policy.Config{Files: fstest.MapFS{pkg + "/rules.rego": {Data: []byte(text)}}, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		if d := e.Snapshot().Decide(t.Context(), q); d.Allowed() {
			t.Errorf("another %s: allowed by %v", pkg, codes(d))
		}
	}
	library := fstest.MapFS{"lib/rules.rego": {Data: []byte("package souk.lib\n\nimport rego.v2\n")}}
	if _, err := policy.New(policy.Config{Files: library, Known: known}); !model.Is(err, model.KindInvalid) {
		t.Errorf("another library: got %v, want the rules compiled with it, which lack its functions", err)
	}
	if d := known.Snapshot().Decide(t.Context(), q); !d.Allowed() {
		t.Errorf("the other engine: got %v", codes(d))
	}
}

// BenchmarkScale is a decision among few domains and among many. Beside the
// mean it tells what most decisions take.
func BenchmarkScale(b *testing.B) {
	for _, domains := range []int{10, 500} {
		b.Run(strconv.Itoa(domains), func(b *testing.B) {
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
		if _, err := policy.New(policy.Config{Files: files}); err != nil {
			b.Fatal(err)
		}
	}
}

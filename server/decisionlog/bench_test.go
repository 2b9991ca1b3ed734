package decisionlog_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// BenchmarkAppend writes durable rows from 256 clients, each of which waits for
// its answer before it asks again.
func BenchmarkAppend(b *testing.B) {
	for name, uri := range map[string]func(testing.TB) string{"sqlite": sqliteURI, "mongodb": mongoURI} {
		b.Run(name, func(b *testing.B) {
			const clients = 256
			l := open(b, decisionlog.Config{URI: uri(b)})
			var next atomic.Int64
			var mu sync.Mutex
			var took []time.Duration
			var work sync.WaitGroup
			b.ResetTimer()
			for range clients {
				work.Go(func() {
					var own []time.Duration
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						d := asked(int(n), model.Now())
						start := time.Now()
						if err := l.Append(b.Context(), d); err != nil {
							b.Error(err)
						}
						own = append(own, time.Since(start))
					}
					mu.Lock()
					defer mu.Unlock()
					took = append(took, own...)
				})
			}
			work.Wait()
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		})
	}
}

// BenchmarkNote is what a request pays for the row of a decision: the writer
// works beside it. The rows come in bursts, as requests do, and between them
// the writer catches up.
func BenchmarkNote(b *testing.B) {
	const burst = 1000
	l := open(b, decisionlog.Config{URI: sqliteURI(b), Relaxed: true})
	records := make([]model.DecisionRecord, burst)
	for n := 0; n < b.N; n += burst {
		b.StopTimer()
		for i := range records {
			records[i] = asked(i, model.Now())
		}
		if err := l.Append(b.Context(), asked(n, model.Now())); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for _, d := range records[:min(burst, b.N-n)] {
			if err := l.Note(b.Context(), d); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	l := open(b, decisionlog.Config{URI: sqliteURI(b)})
	fill(b, l, 49_999, model.Now())
	for b.Loop() {
		mustVerify(b, l, 50_000)
	}
	b.ReportMetric(float64(b.N)*50_000/b.Elapsed().Seconds(), "rows/s")
}

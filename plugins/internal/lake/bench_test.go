package lake_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

// million is a bucket of n keys that is made up page by page.
type million struct {
	shelf
	n    int
	key  func(i int) string
	heap uint64 // the most that was in use after a page
}

func (m *million) List(_ context.Context, _ string, page func([]lake.Object) error) error {
	var stats runtime.MemStats
	objects := make([]lake.Object, 1000)
	for i := 0; i < m.n; i += len(objects) {
		for j := range objects {
			objects[j] = lake.Object{Key: m.key(i + j), Size: 1 << 20, Modified: time.Unix(int64(i+j), 0)}
		}
		if err := page(objects); err != nil {
			return err
		}
		if i%(m.n/10) == 0 {
			runtime.GC()
			runtime.ReadMemStats(&stats)
			m.heap = max(m.heap, stats.HeapAlloc)
		}
	}
	return nil
}

// counter is a sink that counts.
type counter struct {
	memory
	n int
}

func (c *counter) Emit(sdk.Record) error { c.n++; return nil }

// Each shape holds another thing at once: partitions, folders, names.
var millions = []struct {
	name string
	key  func(i int) string
	want func(n int) int // datasets
}{
	{"partitions", func(i int) string {
		return fmt.Sprintf("warehouse/table%03d/day=%04d/part-%05d-8a7fc2f5-6a2b-4a3e-9f0e-0d6c1a2b3c4d-c000.snappy.parquet", i/10_000, i%10_000/10, i%10)
	}, func(n int) int { return n / 10_000 }},
	{"one_folder", func(i int) string {
		return fmt.Sprintf("events/%032x.json.gz", uint64(i)*0x9E3779B9+0xABCDEF0000000000)
	}, func(int) int { return 1 }},
	{"folders", func(i int) string { return fmt.Sprintf("tenants/t%06d/orders.csv", i) }, func(n int) int { return n }},
	{"odd_names", func(i int) string {
		return fmt.Sprintf("in/%c%c%c%c.csv", 'a'+i/68_921%41, 'a'+i/1681%41, 'a'+i/41%41, 'a'+i%41)
	}, func(int) int { return 1001 }},
}

// BenchmarkMillionKeys lists buckets of a million keys, which are made up page by page.
//
// Bad input: a million keys.
func BenchmarkMillionKeys(b *testing.B) {
	for _, test := range millions {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				s, m := &million{n: 1_000_000, key: test.key}, &counter{}
				scope := scopeOf(s)
				scope.ByteOrder = false // the hardest way
				if err := lake.Harvest(b.Context(), scope, lake.Options{SkipHeads: true}, m); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(m.n), "datasets")
				b.ReportMetric(float64(s.heap)/(1<<20), "MiB-heap")
			}
		})
	}
}

// The memory of a listing does not grow with its length.
//
// Bad input: a million keys.
func TestLongListingsFitIntoMemory(t *testing.T) {
	for _, test := range millions {
		s, m := &million{n: 100_000, key: test.key}, &counter{}
		scope := scopeOf(s)
		scope.ByteOrder = false // which holds more
		if err := lake.Harvest(t.Context(), scope, lake.Options{SkipHeads: true}, m); err != nil {
			t.Fatal(test.name, err)
		}
		if want := test.want(s.n); m.n != want {
			t.Errorf("%s: %d datasets, and %d are right", test.name, m.n, want)
		}
		if s.heap > 64<<20 {
			t.Errorf("%s: %d MiB are held", test.name, s.heap>>20)
		}
	}
}

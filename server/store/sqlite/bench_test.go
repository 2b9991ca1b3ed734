package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// townSize is how many assets the benchmarks that read have.
const townSize = 100_000

// towns are the stores of those benchmarks, by the columns that an asset has:
// 8 make a document of 2 KB, and 20 one of 4 KB.
var towns = map[int]*sqlite.DB{}

func openTown(b *testing.B, columns int) *sqlite.DB {
	b.Helper()
	if towns[columns] == nil {
		db, err := sqlite.Open(b.Context(), filepath.Join(benchFolder, fmt.Sprint(columns, ".db")))
		if err != nil {
			b.Fatal(err)
		}
		towns[columns] = db
		for i := 0; i < townSize; i += 1000 {
			observe(b, db, i, 1000, columns)
		}
	}
	return towns[columns]
}

// observe writes n assets as a harvest does, in one change.
func observe(b *testing.B, db *sqlite.DB, from, n, columns int) {
	b.Helper()
	c := store.Change{Action: "test.observe"}
	for i := from; i < from+n; i++ {
		c.Writes = append(c.Writes, store.Assets.Put(harvested(i, columns)))
	}
	if _, err := db.Apply(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}

func townID(n int) model.ID { return model.ID(fmt.Sprintf("ast_%07d", n*7919%10_000_000)) }

// harvested is a table as one source sees it.
func harvested(n, columns int) model.Asset {
	domain := model.ID(fmt.Sprintf("dom_%02d", n%20))
	seen := model.Sighting{
		SourceID: "src_1", Scope: fmt.Sprintf("schema_%02d", n%50), Rank: model.RankHolder, DomainID: domain, Kind: model.KindTable,
		ShortName: fmt.Sprintf("table_%06d", n), Description: "Orders as the shop takes them, one row for each line.", Tags: []string{"gold", "finance", "daily"},
	}
	for i := range columns {
		seen.Fields = append(seen.Fields, model.AssetField{Name: fmt.Sprintf("column_%02d", i), Position: i + 1, NativeType: "varchar(120)", Description: "what it says"})
	}
	a := model.Asset{
		Meta: model.Meta{ID: townID(n)}, Namespace: "postgres://db.acme.example:5432", Name: fmt.Sprintf("shop.schema_%02d.table_%06d", n%50, n),
		Platform: "postgres", DomainID: domain, Sightings: []model.Sighting{seen},
	}
	a.Settle(model.Now())
	return a
}

// measure runs do until the benchmark is content and reports percentiles.
func measure(b *testing.B, do func()) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		do()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-us")
}

// sizes runs a benchmark on both towns.
func sizes(b *testing.B, do func(b *testing.B, db *sqlite.DB)) {
	b.Helper()
	for _, columns := range []int{8, 20} {
		db := openTown(b, columns)
		b.Run(fmt.Sprintf("%d columns", columns), func(b *testing.B) { do(b, db) })
	}
}

func BenchmarkGet(b *testing.B) {
	sizes(b, func(b *testing.B, db *sqlite.DB) {
		b.Helper()
		measure(b, func() {
			if _, err := store.Assets.Get(b.Context(), db, townID(rand.IntN(townSize))); err != nil {
				b.Fatal(err)
			}
		})
	})
}

func BenchmarkPage(b *testing.B) { sizes(b, benchmarkPage) }

func benchmarkPage(b *testing.B, db *sqlite.DB) {
	b.Helper()
	somewhere := func(q store.Query) store.Query {
		page, err := store.Assets.Find(b.Context(), db, q)
		if err != nil {
			b.Fatal(err)
		}
		q.After = page.Cursors[len(page.Cursors)-1]
		return q
	}
	by := func(index string, where store.Filter) store.Query { return store.Query{Index: index, Where: where} }
	deep := by("by_name", store.Filter{})
	deep.Limit = 1000
	for range 50 {
		deep = somewhere(deep)
	}
	deep.Limit = 50
	for _, c := range []struct {
		name  string
		query store.Query
	}{
		{"by name", by("by_name", store.Filter{})},
		{"of a domain", by("by_domain", store.Eq("domain", "dom_07"))},
		{"next of a domain", somewhere(by("by_domain", store.Eq("domain", "dom_07")))},
		{"a thousand deep", deep},
		{"of a scope", by("by_scope", store.Eq("scope", store.ScopeKey("src_1", "schema_07")))},
		{"residual", by("by_namespace", store.And(store.Eq("namespace", "postgres://db.acme.example:5432"), store.Eq("domain", "dom_10")))},
	} {
		b.Run(c.name, func(b *testing.B) {
			measure(b, func() {
				page, err := store.Assets.Find(b.Context(), db, c.query)
				if err != nil || len(page.Nodes) != 50 {
					b.Fatal(len(page.Nodes), err)
				}
			})
		})
	}
}

func BenchmarkApply(b *testing.B) {
	db := openTown(b, 8)
	measure(b, func() {
		a, err := store.Assets.Get(b.Context(), db, townID(rand.IntN(townSize)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := db.Apply(b.Context(), store.Change{Action: "test.touch", Writes: []store.Write{store.Assets.Put(a)}}); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkApplyTogether(b *testing.B) {
	db := openTown(b, 8)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p := model.Principal{Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}}
			if _, err := db.Apply(b.Context(), store.Change{Action: "test.put", Writes: []store.Write{store.Principals.Put(p)}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "souk.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	n := 0
	for b.Loop() {
		observe(b, db, n, 500, 20)
		n += 500
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "assets/s")
}

func BenchmarkOpenMemory(b *testing.B) {
	for b.Loop() {
		db, err := sqlite.Open(b.Context(), ":memory:")
		if err != nil {
			b.Fatal(err)
		}
		_ = db.Close()
	}
}

package mongo_test

import (
	"fmt"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
)

// BenchmarkApply is one small change with its event, from one writer and from
// many, who share transactions.
func BenchmarkApply(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			where, _ := mongodbtest.Database(b)
			db := openAt(b, where)
			b.SetParallelism(writers)
			b.ResetTimer()
			if writers == 1 {
				for range b.N {
					applyOne(b, db)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					applyOne(b, db)
				}
			})
		})
	}
}

func applyOne(b *testing.B, db store.Store) {
	b.Helper()
	if _, err := db.Apply(b.Context(), change()); err != nil {
		b.Error(err)
	}
}

// BenchmarkAssets reads among 20,000 assets and loads them.
func BenchmarkAssets(b *testing.B) {
	const assets, each = 20_000, 500
	where, _ := mongodbtest.Database(b)
	db := openAt(b, where)
	made := 0
	batch := func() {
		c := store.Change{Action: "bench.load"}
		for range each {
			a := model.Asset{Meta: model.Meta{ID: model.ID(fmt.Sprintf("ast_%06d", made))}, Name: fmt.Sprintf("table_%06d", made), Namespace: "postgres://bench", Kind: "TABLE"}
			c.Writes = append(c.Writes, store.Assets.Put(a))
			made++
		}
		if _, err := db.Apply(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	for made < assets {
		batch()
	}
	b.Run("get", func(b *testing.B) {
		for i := range b.N {
			if _, err := store.Assets.Get(b.Context(), db, model.ID(fmt.Sprintf("ast_%06d", i*7919%assets))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("page of 50", func(b *testing.B) {
		q := store.Query{Index: "by_namespace", Where: store.Eq("namespace", "postgres://bench")}
		for range b.N {
			page, err := store.Assets.Find(b.Context(), db, q)
			if err != nil || len(page.Nodes) != store.DefaultPage {
				b.Fatalf("%d assets, %v", len(page.Nodes), err)
			}
			if q.After = page.Cursors[len(page.Cursors)-1]; !page.More {
				q.After = ""
			}
		}
	})
	b.Run("load 500", func(b *testing.B) {
		for range b.N {
			batch()
		}
	})
}

package catalog_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// many makes tables with twenty described fields each.
func many(from, n int) []catalog.Seen {
	seen := make([]catalog.Seen, n)
	for i := range seen {
		s := table(server, fmt.Sprintf("shop.schema%d.table_%06d", i%7, from+i))
		s.Sighting.Description = fmt.Sprintf("What the shop knows of its customers and orders, part %d.", i)
		s.Sighting.Fields = nil
		for f := range 20 {
			s.Sighting.Fields = append(s.Sighting.Fields, model.AssetField{
				Name: fmt.Sprintf("field_%02d", f), Position: f + 1, NativeType: "character varying(64)", Nullable: f > 0, Description: "One fact of the row.",
			})
		}
		seen[i] = s
	}
	return seen
}

// BenchmarkHarvest observes and writes tables in batches of 500, first new
// ones and then the same again.
func BenchmarkHarvest(b *testing.B) {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "souk.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	w := newWorldOn(b, db)
	w.keepOwners = true
	w.assign(server, "", sales)
	next := 0
	for _, again := range []bool{false, true} {
		b.Run(fmt.Sprintf("again=%v", again), func(b *testing.B) {
			tables := 0
			for b.Loop() {
				if again {
					next -= 500
				}
				w.shows(source("db", sales), many(next, 500)...)
				next, tables = next+500, tables+500
			}
			b.ReportMetric(float64(tables)/b.Elapsed().Seconds(), "tables/s")
		})
	}
}

// BenchmarkSearch searches 10,000 assets.
func BenchmarkSearch(b *testing.B) {
	w := newWorld(b)
	for i := range 20 {
		w.shows(source("db", sales), many(i*500, 500)...)
	}
	for _, text := range []string{"table_000777", "customers orders", "field_07", "tab"} {
		for _, viewer := range []string{"ana", "bo"} {
			b.Run(text+"/"+viewer, func(b *testing.B) {
				for b.Loop() {
					if _, err := w.catalog.Search(w.as(viewer), text, catalog.SearchFilter{}, model.Paging{First: 20}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkAsset reads one of 10,000 assets with its decision.
func BenchmarkAsset(b *testing.B) {
	w := newWorld(b)
	for i := range 20 {
		w.shows(source("db", sales), many(i*500, 500)...)
	}
	page, err := store.Assets.Find(b.Context(), w.store, store.Query{Index: "by_name", Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := w.catalog.Asset(w.as("ana"), page.Nodes[0].ID); err != nil {
			b.Fatal(err)
		}
	}
}

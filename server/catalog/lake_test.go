package catalog_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
)

const glue = "arn:aws:glue:eu-west-1:123456789012"

// catalogued is how a catalogue of a lake shows a table: by its own name, and by
// that of the folder in which its data lies.
func catalogued(name, bucket, folder string) catalog.Seen {
	s := table(glue, name)
	if folder != "" {
		s.Aliases = []catalog.Name{{Scheme: model.SchemeOpenLineage, Namespace: bucket, Name: folder}}
	}
	return s
}

// TestTableAndItsFolder: what a store of objects shows in a folder and the table
// that a catalogue shows there are one asset, whoever is harvested first. A
// second table on the same folder is another.
func TestTableAndItsFolder(t *testing.T) {
	const bucket = "s3://souk-lake"
	lake, catalogue := source("lake", sales), source("catalogue", sales)
	for name, sources := range map[string][]model.Source{"the store first": {lake, catalogue, lake}, "the catalogue first": {catalogue, lake, catalogue}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.give(bucket, "", sales)
			for _, s := range sources {
				if s.ID == lake.ID {
					w.shows(s, table(bucket, "raw/orders"), table(bucket, "raw/other"))
				} else {
					w.shows(s, catalogued("table/sales/orders", bucket, "raw/orders"), catalogued("table/sales/again", bucket, ""))
				}
			}
			assets := w.assets()
			if len(assets) != 3 {
				t.Fatalf("got %d assets, want the table in its folder, the other folder and the other table", len(assets))
			}
			both := slices.IndexFunc(assets, func(a model.Asset) bool { return len(a.Sightings) == 2 })
			if both < 0 {
				t.Fatal("no asset is shown by both")
			}
			for _, ref := range []catalog.Ref{{Namespace: bucket, Name: "raw/orders"}, {Namespace: glue, Name: "table/sales/orders"}} {
				if a, err := w.catalog.AssetByName(w.as("ana"), ref.Namespace, ref.Name); err != nil || a.ID != assets[both].ID {
					t.Errorf("%s %s leads to %s, %v", ref.Namespace, ref.Name, a.ID, err)
				}
			}
		})
	}
}

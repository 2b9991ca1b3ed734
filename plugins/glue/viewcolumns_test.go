package glue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/glue"
	"github.com/souk-mesh/souk/sdk"
)

// TestColumnsOfViews follows them through the SQL of Spark, over tables that are
// listed after the view, and says what it does not know.
func TestColumnsOfViews(t *testing.T) {
	columns := func(names ...string) object {
		var all []object
		for _, name := range names {
			all = append(all, object{"Name": name, "Type": "string"})
		}
		return object{"Columns": all}
	}
	f := newFake()
	f.lists["GetTables/a"] = []object{
		{"Name": "v", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "SELECT t.*, md5(`mail`) h FROM spark_catalog.a.z_table T JOIN a.other USING (id)", "StorageDescriptor": columns("id", "name", "h")},
		{"Name": "w", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": "SELECT id, nothing FROM z_table", "StorageDescriptor": columns("id", "x")},
		{"Name": "z_table", "StorageDescriptor": columns("id", "name")},
		{"Name": "other", "StorageDescriptor": columns("id", "mail")},
	}
	m, err := harvest(t, f.start(t), func(c *glue.Config) { c.Jobs = "skip" })
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]sdk.FieldEdge{}
	for _, e := range m.edges {
		got[e.From.Name+" "+e.To.Name] = e.Fields
	}
	want := map[string][]sdk.FieldEdge{
		"table/a/z_table table/a/v": {{From: "id", To: "id", Transform: "IDENTITY"}, {From: "name", To: "name", Transform: "IDENTITY"}},
		"table/a/other table/a/v":   {{From: "mail", To: "h", Transform: "MASKED"}},
		"table/a/z_table table/a/w": {{From: "id", To: "id", Transform: "IDENTITY"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(m.notes["glue.columns_unknown"]) != 1 {
		t.Error(diff, m.notes)
	}
}

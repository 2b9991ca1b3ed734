package glue_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/glue"
)

// TestNames holds names of every kind, each of which has to come back as it is.
//
// Bad input: names, not UTF-8.
func TestNames(t *testing.T) {
	names := []string{`a "quoted" one`, "it's", "with.dot", "🐪", strings.Repeat("ñ", 1000), "Case", "case", `back\slash`, "new\nline"}
	f := newFake()
	var tables []object
	for _, name := range names {
		tables = append(tables, object{"Name": name, "StorageDescriptor": object{"Columns": []object{{"Name": name, "Type": "int"}, {"Name": "half \xff", "Type": "int"}}}})
	}
	f.lists["GetTables/a"] = tables
	m, err := harvest(t, f.start(t), func(c *glue.Config) { c.Jobs = "skip" })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		a := m.assets["table/a/"+name]
		if a == nil || a.ShortName != name || a.Fields[0].Name != name || a.Fields[1].Name != "half \uFFFD" {
			t.Errorf("%q: %+v", name, a)
		}
	}
}

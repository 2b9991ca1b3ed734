package dremio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// TestNames holds names of every kind, each of which has to come back as it is.
//
// Bad input: names.
func TestNames(t *testing.T) {
	names := []string{`a "quoted" one`, "it's", "with.dot", "a/b", "🐪", strings.Repeat("ñ", 1000), "Case", "case", `back\slash`, "new\nline", " "}
	f := newFake()
	var children []object
	for i, name := range names {
		id := fmt.Sprint("n", i)
		children = append(children, object{"id": id, "path": []string{"lake", "bucket", name}, "type": "DATASET"})
		f.things[id] = object{"type": "PHYSICAL_DATASET", "path": []string{"lake", "bucket", name}, "fields": []object{{"name": name, "type": object{"name": "INTEGER"}}}}
	}
	f.things["lake"]["children"] = children
	m, err := harvest(t, f, object{"details": false})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		a := m.assets[sdk.JoinName("lake", "bucket", name)]
		if a == nil || a.ShortName != name || len(a.Fields) != 1 || a.Fields[0].Name != name {
			t.Errorf("%q: %+v", name, a)
		}
	}
}

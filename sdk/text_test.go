package sdk_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// names are the texts of each record that EachText leaves as they are: by them
// records lead to one another, or the server knows the words.
var names = []string{
	"Asset.ID.Namespace", "Asset.ID.Name", "Asset.Scope", "Asset.Kind", "Asset.ShortName",
	"Asset.Aliases[].Scheme", "Asset.Aliases[].Namespace", "Asset.Aliases[].Name",
	"Asset.Fields[].Name", "Asset.Fields[].Meta key", "Asset.Properties key",
	"Asset.ForeignKeys[].Name", "Asset.ForeignKeys[].Fields[]", "Asset.ForeignKeys[].ToName", "Asset.ForeignKeys[].ToFields[]",
	"Asset.Parent.Namespace", "Asset.Parent.Name", "Asset.Constraints[].Name", "Asset.Constraints[].Kind", "Asset.Constraints[].Fields[]",
	"Asset.Indexes[].Name", "Asset.Indexes[].Fields[]", "Asset.Indexes[].Method", "Asset.DefinitionLanguage", "Asset.Freshness.Field",
	"Asset.StableID", "Asset.Runs[].ID", "Asset.Runs[].State", "Edge.Fields[].From", "Edge.Fields[].To", "Quality.Arguments key",
	"Edge.From.Namespace", "Edge.From.Name", "Edge.To.Namespace", "Edge.To.Name", "Edge.Scope", "Edge.Kind", "Edge.Method",
	"Quality.Asset.Namespace", "Quality.Asset.Name", "Quality.Scope", "Quality.Key", "Quality.Field", "Quality.Severity", "Quality.Result.Status",
}

// TestEveryTextIsDecidedOn walks the records field by field: a text that
// nobody has called a name is one that EachText must hand over.
func TestEveryTextIsDecidedOn(t *testing.T) {
	seen := map[string]bool{}
	for _, record := range []sdk.Record{&sdk.Asset{}, &sdk.Edge{}, &sdk.Quality{}} {
		value := reflect.ValueOf(record).Elem()
		fill(value)
		sdk.EachText(record, func(text string) string { return text + "!" })
		texts(value, value.Type().Name(), func(path, text string) {
			seen[path] = true
			switch named := slices.Contains(names, path); {
			case text == "x" && !named:
				t.Errorf("%s is not handed over: add it to EachText, or to the names of this test if it is one", path)
			case text != "x" && named:
				t.Errorf("%s is handed over and stands among the names: decide", path)
			}
		})
	}
	for _, name := range names {
		if !seen[name] {
			t.Errorf("there is no %s any more", name)
		}
	}
	if len(seen) < 40 {
		t.Errorf("the walk has seen %d texts alone: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	}
}

// fill makes every text x, and every list and map one entry long.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	default: // holds no text
	}
}

// texts calls found with every text below the value and its path.
func texts(v reflect.Value, path string, found func(path, text string)) {
	switch v.Kind() {
	case reflect.String:
		found(path, v.String())
	case reflect.Pointer:
		texts(v.Elem(), path, found)
	case reflect.Slice:
		for i := range v.Len() {
			texts(v.Index(i), path+"[]", found)
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			texts(entry.Key(), path+" key", found)
			texts(entry.Value(), path, found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				texts(v.Field(i), path+"."+f.Name, found)
			}
		}
	default: // holds no text
	}
}

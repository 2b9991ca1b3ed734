package form

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/souk-mesh/souk/graph/model"
)

// The marks in a plugin's schema that tell the server what a field is.
const (
	MarkHost  = "x-host"  // names where the plugin connects
	MarkAdmin = "x-admin" // only administrators set it
	MarkPath  = "x-path"  // names a file or folder of the server
)

// marked reports whether the schema of a field has the mark. An address is a
// host without a mark of its own.
func marked(shape map[string]any, mark string) bool {
	return shape[mark] == true || mark == MarkHost && shape["format"] == "uri"
}

// Each calls do with every text of the configuration whose field has the mark,
// in lists and objects too.
func (f *Form) Each(config []byte, mark string, do func(path, value string) error) error {
	return f.walk(config, func(path string, shape map[string]any, value any) error {
		text, ok := value.(string)
		if !ok || !marked(shape, mark) {
			return nil
		}
		return do(path, text)
	})
}

// Administered reports the first field that only administrators set and that
// the configuration sets to another value than its default.
func (f *Form) Administered(config []byte) *model.Error {
	err := f.walk(config, func(path string, shape map[string]any, value any) error {
		usual, stated := shape["default"]
		if shape[MarkAdmin] != true || reflect.DeepEqual(usual, value) || !stated && isZero(value) {
			return nil
		}
		return Wrong(path, "is for administrators to set", "leave it out, or let an administrator set the source up")
	})
	e, _ := err.(*model.Error) //nolint:errorlint // made just above
	return e
}

// isZero reports a value that says nothing: false, "", 0, null and what is empty.
func isZero(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		return v == "0"
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// walk goes through the configuration beside its schema, in the order of the names.
func (f *Form) walk(config []byte, do func(path string, shape map[string]any, value any) error) error {
	if len(bytes.TrimSpace(config)) == 0 {
		return nil
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		return Wrong("", "is no JSON", "write one JSON object")
	}
	return walk("", f.shape, document, do)
}

func walk(path string, shape map[string]any, value any, do func(string, map[string]any, any) error) error {
	if shape == nil {
		return nil
	}
	if path != "" {
		if err := do(path, shape, value); err != nil {
			return err
		}
	}
	switch v := value.(type) {
	case map[string]any:
		properties, _ := shape["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner, ok := properties[name].(map[string]any)
			if !ok {
				inner, _ = shape["additionalProperties"].(map[string]any)
			}
			if err := walk(Below(path, name), inherit(shape, inner), v[name], do); err != nil {
				return err
			}
		}
	case []any:
		items, _ := shape["items"].(map[string]any)
		for i, item := range v {
			if err := walk(Below(path, strconv.Itoa(i)), inherit(shape, items), item, do); err != nil {
				return err
			}
		}
	}
	return nil
}

// inherit lets the marks of a list or an object hold for what is in it.
func inherit(outer, inner map[string]any) map[string]any {
	for _, mark := range []string{MarkHost, MarkPath} {
		if outer[mark] == true && inner != nil && inner[mark] == nil {
			inner = maps.Clone(inner)
			inner[mark] = true
		}
	}
	return inner
}

// Below is the path of what is called so within the path.
func Below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

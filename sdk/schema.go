package sdk

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shape is one node of a JSON Schema, made from a Go type and its tags.
type shape struct {
	Schema      string            `json:"$schema,omitempty"`
	Title       string            `json:"title,omitempty"`
	Type        string            `json:"type"`
	Description string            `json:"description,omitempty"`
	Format      string            `json:"format,omitempty"`
	Hint        string            `json:"x-format,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	MinLength   int               `json:"minLength,omitempty"`
	Minimum     *int              `json:"minimum,omitempty"`
	Enum        []string          `json:"enum,omitempty"`
	Default     json.RawMessage   `json:"default,omitempty"`
	Items       *shape            `json:"items,omitempty"`
	Properties  map[string]*shape `json:"properties,omitempty"`
	Required    []string          `json:"required,omitempty"`
	Additional  any               `json:"additionalProperties,omitempty"` // false, or the shape of a map's values
	WriteOnly   bool              `json:"writeOnly,omitempty"`
	Secret      bool              `json:"x-secret,omitempty"`
	Needed      bool              `json:"x-required,omitempty"` // a secret that must be given
	Admin       bool              `json:"x-admin,omitempty"`    // only an administrator may give it another value than its default
	Path        bool              `json:"x-path,omitempty"`     // names a file or folder of the server, opened through Env.Files
	Host        bool              `json:"x-host,omitempty"`     // names the system to which the secrets go
	Order       int               `json:"x-order,omitempty"`    // place in a form, from 1
}

// durationPattern is what time.ParseDuration takes, but for the sign.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

func shapeOf(t reflect.Type) *shape {
	if t == reflect.TypeFor[time.Duration]() || t == reflect.TypeFor[time.Time]() {
		panic(fmt.Sprintf("a configuration field cannot be a %s: make it a string with format:\"duration\" or a date in text", t))
	}
	zero := 0
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.String:
		return &shape{Type: "string"}
	case reflect.Bool:
		return &shape{Type: "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &shape{Type: "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &shape{Type: "integer", Minimum: &zero}
	case reflect.Float32, reflect.Float64:
		return &shape{Type: "number"}
	case reflect.Slice, reflect.Array:
		return &shape{Type: "array", Items: shapeOf(t.Elem())}
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return &shape{Type: "object", Additional: shapeOf(t.Elem())}
		}
	case reflect.Struct:
		s := &shape{Type: "object", Properties: map[string]*shape{}, Additional: false}
		s.addFields(t)
		return s
	default:
	}
	panic(fmt.Sprintf("a configuration field cannot be a %s", t))
}

func (s *shape) addFields(t reflect.Type) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		if f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct {
			s.addFields(f.Type)
			continue
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		s.addField(name, f, strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"))
	}
}

func (s *shape) addField(name string, f reflect.StructField, optional bool) {
	p := shapeOf(f.Type)
	s.Properties[name] = p
	p.Order = len(s.Properties)
	p.Description = f.Tag.Get("doc")
	if list := f.Tag.Get("enum"); list != "" {
		p.Enum = strings.Split(list, ",")
	}
	if text, has := f.Tag.Lookup("default"); has {
		p.Default = p.defaultOf(name, text)
		optional = true
	}
	p.setFormat(name, f.Tag.Get("format"))
	p.Admin = p.mark(name, "admin", f.Tag)
	p.Host = p.mark(name, "host", f.Tag)
	optional = optional || (p.Properties != nil && len(p.Required) == 0)
	switch {
	case p.Secret:
		p.Needed = !optional
	case !optional:
		if p.Admin {
			panic("configuration field " + name + ": what only an administrator may set needs a default or omitempty")
		}
		s.Required = append(s.Required, name)
		if p.Type == "string" && p.Pattern == "" && p.Enum == nil {
			p.MinLength = 1
		}
	}
}

func (s *shape) setFormat(name, format string) {
	switch format {
	case "":
		return
	case "secret":
		s.WriteOnly, s.Secret = true, true
	case "url":
		s.Format = "uri"
	case "file":
		s.Path = true
	case "duration":
		// JSON Schema's own "duration" is the ISO 8601 one, so this is a pattern.
		s.Hint, s.Pattern = "duration", durationPattern
	default:
		panic(fmt.Sprintf("configuration field %s: there is no format %q; there are secret, url, file and duration", name, format))
	}
	if s.Type != "string" {
		panic(fmt.Sprintf("configuration field %s: format %q is for a string", name, format))
	}
}

// mark reads a tag that is "true" or absent. What an administrator decides must
// have a value for everybody else, so it is optional; a secret travels apart
// and cannot be one.
func (s *shape) mark(name, tag string, tags reflect.StructTag) bool {
	switch value, has := tags.Lookup(tag); {
	case !has:
		return false
	case value != "true" || s.Secret:
		panic(fmt.Sprintf(`configuration field %s: the tag %s is written %s:"true", and not on a secret`, name, tag, tag))
	}
	return true
}

// defaultOf reads a default as the author writes it: a list is separated by commas.
func (s *shape) defaultOf(name, text string) json.RawMessage {
	switch s.Type {
	case "string":
		return json.RawMessage(strconv.Quote(text))
	case "array":
		list, _ := json.Marshal(strings.Split(text, ","))
		return list
	}
	if !json.Valid([]byte(text)) {
		panic(fmt.Sprintf("configuration field %s: the default %q is no %s", name, text, s.Type))
	}
	return json.RawMessage(text)
}

// secretPaths lists the secrets in and under the shape. A secret has one path,
// so a list or a map cannot hold one.
func (s *shape) secretPaths(prefix string) []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		if p.Secret {
			paths = append(paths, prefix+name)
		}
		paths = append(paths, p.secretPaths(prefix+name+".")...)
	}
	values, _ := s.Additional.(*shape)
	for _, inner := range []*shape{s.Items, values} {
		if inner != nil && (inner.Secret || len(inner.secretPaths("")) > 0) {
			panic(fmt.Sprintf("configuration field %s: a secret cannot stand in a list or a map", prefix))
		}
	}
	return paths
}

package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/document"
)

// avro reads one schema by https://avro.apache.org/docs/1.12.0/specification/.
// It takes names that are not allowed there, since registries hold them.
type avro struct {
	types map[string]*object // by full name
	spans map[string]string  // the namespace in which each was declared
	open  map[string]bool    // being read, so that a type within itself ends
	*budget
}

func readAvro(text string, imports map[string]string) (*content, error) {
	a := &avro{types: map[string]*object{}, spans: map[string]string{}, open: map[string]bool{}, budget: newBudget()}
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if v, err := parseJSON(imports[name]); err == nil {
			a.declare(v, "", 0)
		}
	}
	v, err := parseJSON(text)
	if err != nil {
		if bare := strings.TrimSpace(text); bare != "" && !strings.ContainsAny(bare, " \n{}[]") {
			v = bare // some registries keep the name of a primitive type without its quotes
		} else {
			return nil, err
		}
	}
	a.declare(v, "", 0)
	c := &content{language: "avro", root: field("")}
	if o, ok := v.(*object); ok {
		c.name, _ = fullName(o.text("name"), o.text("namespace"), "")
		c.description = o.text("doc")
	}
	a.read(c.root, v, "", 0)
	return c, nil
}

// fullName gives the name with its namespace, and the namespace for what stands within.
func fullName(name, namespace, outer string) (full, inner string) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name, name[:i]
	}
	if namespace == "" {
		namespace = outer
	}
	if namespace == "" || name == "" {
		return name, namespace
	}
	return namespace + "." + name, namespace
}

// declare notes the named types of a schema.
func (a *avro) declare(v any, outer string, depth int) {
	if depth > maxNesting {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			a.declare(one, outer, depth+1)
		}
	case *object:
		inner := outer
		if kind := v.text("type"); kind == "record" || kind == "error" || kind == "enum" || kind == "fixed" {
			var full string
			full, inner = fullName(v.text("name"), v.text("namespace"), outer)
			if a.types[full] == nil {
				a.types[full], a.spans[full] = v, outer
			}
		}
		for _, f := range v.list("fields") {
			if o, ok := f.(*object); ok {
				a.declare(o.get("type"), inner, depth+1)
			}
		}
		for _, key := range []string{"type", "items", "values"} {
			a.declare(v.get(key), inner, depth+1)
		}
	}
}

// read fills a field with what a type says.
func (a *avro) read(f *document.Field, v any, outer string, depth int) {
	switch v := v.(type) {
	case string:
		a.named(f, v, outer, depth)
	case []any:
		a.union(f, v, outer, depth)
	case *object:
		a.complex(f, v, outer, depth)
	default:
		f.NativeType = "unknown"
	}
}

var avroPrimitives = []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}

func (a *avro) named(f *document.Field, name, outer string, depth int) {
	if slices.Contains(avroPrimitives, name) {
		f.NativeType = name
		return
	}
	full, _ := fullName(name, "", outer)
	declared := a.types[full]
	if declared == nil {
		full, declared = name, a.types[name]
	}
	if declared == nil {
		f.NativeType = name // of a schema that is not referred to
		return
	}
	a.complex(f, declared, a.spans[full], depth)
}

// union takes null as nullable, and the rest side by side.
func (a *avro) union(f *document.Field, types []any, outer string, depth int) {
	var names []string
	for _, t := range types {
		if t == "null" {
			f.Nullable = true
			continue
		}
		one := field("")
		a.read(one, t, outer, depth)
		names = append(names, one.NativeType)
		f.Fields = append(f.Fields, one.Fields...)
		f.Values = append(f.Values, one.Values...)
	}
	f.NativeType = strings.Join(names, " | ")
	if len(names) == 0 {
		f.NativeType = "null"
	}
	f.Fields = onceEach(f.Fields)
}

// onceEach keeps the first of the fields with one name: kinds of record in one
// union often share some.
func onceEach(fields []*document.Field) []*document.Field {
	seen := map[string]bool{}
	return slices.DeleteFunc(fields, func(f *document.Field) bool {
		had := seen[f.Name]
		seen[f.Name] = true
		return had
	})
}

func (a *avro) complex(f *document.Field, o *object, outer string, depth int) {
	switch kind := o.get("type").(type) {
	case string:
		switch kind {
		case "record", "error":
			a.record(f, o, outer, depth)
		case "enum":
			f.NativeType, f.Values = "enum", textsOf(o.list("symbols"))
		case "array", "map":
			inner := field("")
			a.read(inner, o.get(map[string]string{"array": "items", "map": "values"}[kind]), outer, depth)
			f.NativeType, f.Fields = kind+"<"+inner.NativeType+">", inner.Fields
		case "fixed":
			f.NativeType = fmt.Sprintf("fixed(%v)", o.get("size"))
		default:
			a.named(f, kind, outer, depth)
		}
	default:
		a.read(f, kind, outer, depth)
	}
	if logical := o.text("logicalType"); logical != "" {
		if logical == "decimal" {
			scale := o.get("scale")
			if scale == nil {
				scale = 0
			}
			logical = fmt.Sprintf("decimal(%v,%v)", o.get("precision"), scale)
		}
		f.NativeType += " " + logical
	}
}

func (a *avro) record(f *document.Field, o *object, outer string, depth int) {
	full, inner := fullName(o.text("name"), o.text("namespace"), outer)
	f.NativeType = "record"
	if a.open[full] || depth >= maxDepth {
		return
	}
	a.open[full] = true
	defer delete(a.open, full)
	for i, one := range o.list("fields") {
		declared, ok := one.(*object)
		if !ok || !a.spend() {
			continue
		}
		below := field(declared.text("name"))
		if below.Name == "" {
			below.Name = fmt.Sprintf("field %d", i+1)
		}
		a.read(below, declared.get("type"), inner, depth+1)
		below.Description = declared.text("doc")
		below.Tags = tagsOf(declared)
		if preset, has := declared.values["default"]; has && preset != nil {
			below.Default = compact(preset)
		}
		f.Fields = append(f.Fields, below)
	}
	f.Fields = onceEach(f.Fields)
}

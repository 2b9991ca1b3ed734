package kafka

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/document"
)

// jsonSchema reads one schema, of any of the drafts. It follows references within
// the schema and to those that it imports, and never one to another place.
type jsonSchema struct {
	imports map[string]*object
	open    map[*object]bool
	*budget
}

func readJSONSchema(text string, imports map[string]string) (*content, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	root, ok := v.(*object)
	if !ok {
		if _, isBool := v.(bool); isBool {
			return &content{language: "json-schema", root: field("")}, nil
		}
		return nil, errors.New("the schema is no JSON Schema")
	}
	j := &jsonSchema{imports: map[string]*object{}, open: map[*object]bool{}, budget: newBudget()}
	for name, other := range imports {
		if v, err := parseJSON(other); err == nil {
			j.imports[name], _ = v.(*object)
		}
	}
	c := &content{language: "json-schema", name: root.text("title"), description: root.text("description"), root: field("")}
	j.read(c.root, root, root, 0)
	return c, nil
}

// read fills a field with what a schema says; base is the document in which
// references are looked for.
func (j *jsonSchema) read(f *document.Field, s, base *object, depth int) {
	if s == nil || j.open[s] || depth >= maxDepth {
		return
	}
	j.open[s] = true
	defer delete(j.open, s)
	if ref := s.text("$ref"); ref != "" {
		if target, home := j.find(ref, base); target != nil {
			j.read(f, target, home, depth)
		}
	}
	if d := s.text("description"); d != "" {
		f.Description = d
	}
	f.Tags = append(f.Tags, tagsOf(s)...)
	if preset := s.get("default"); preset != nil {
		f.Default = compact(preset)
	}
	j.types(f, s)
	j.properties(f, s, base, depth)
	j.items(f, s, base, depth)
	j.combined(f, s, base, depth)
}

func (j *jsonSchema) types(f *document.Field, s *object) {
	types := []string{}
	if one := s.text("type"); one != "" {
		types = append(types, one)
	}
	types = append(types, textsOf(s.list("type"))...)
	if len(s.list("enum")) > 0 {
		f.Values = textsOf(s.list("enum"))
		f.Nullable = f.Nullable || slices.Contains(s.list("enum"), nil)
		if _, text := s.list("enum")[0].(string); text && len(types) == 0 {
			types = append(types, "string")
		}
	}
	if constant := s.get("const"); constant != nil {
		f.Values = textsOf([]any{constant})
	}
	for _, t := range types {
		if t == "null" {
			f.Nullable = true
			continue
		}
		if format := s.text("format"); format != "" {
			t += " " + format
		}
		addType(f, t)
	}
}

func (j *jsonSchema) properties(f *document.Field, s, base *object, depth int) {
	properties := s.object("properties")
	if properties == nil {
		return
	}
	required := textsOf(s.list("required"))
	for _, name := range properties.keys {
		if !j.spend() {
			return
		}
		below := field(name)
		if one := properties.object(name); one != nil {
			j.read(below, one, base, depth+1)
		}
		if !slices.Contains(required, name) {
			below.Nullable = true
		}
		f.Fields = append(f.Fields, below)
	}
	f.Fields = onceEach(f.Fields)
	if f.NativeType == "" {
		f.NativeType = "object"
	}
}

// items reads what an array holds, and what stands under any other key.
func (j *jsonSchema) items(f *document.Field, s, base *object, depth int) {
	kinds := s.list("items")
	if one := s.object("items"); one != nil {
		kinds = append(kinds, one)
	}
	inner := field("")
	for _, k := range append(kinds, s.list("prefixItems")...) {
		if o, ok := k.(*object); ok {
			j.read(inner, o, base, depth)
		}
	}
	f.Fields = onceEach(append(f.Fields, inner.Fields...))
	if inner.NativeType != "" && slices.Contains(strings.Split(f.NativeType, " | "), "array") {
		f.NativeType = strings.Replace(f.NativeType, "array", "array<"+inner.NativeType+">", 1)
	}
	if more := s.object("additionalProperties"); more != nil && s.object("properties") == nil {
		value := field("")
		j.read(value, more, base, depth)
		f.NativeType, f.Fields = "map<"+value.NativeType+">", onceEach(append(f.Fields, value.Fields...))
	}
}

// combined takes what several schemas say together, or one of them instead of
// another: what only one of several alternatives has may be missing.
func (j *jsonSchema) combined(f *document.Field, s, base *object, depth int) {
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		for _, one := range s.list(word) {
			o, ok := one.(*object)
			if !ok {
				continue
			}
			part := field("")
			j.read(part, o, base, depth)
			for _, below := range part.Fields {
				below.Nullable = below.Nullable || word != "allOf"
			}
			f.Fields = onceEach(append(f.Fields, part.Fields...))
			f.Values = append(f.Values, part.Values...)
			f.Nullable = f.Nullable || part.Nullable && word != "allOf"
			if f.Description == "" {
				f.Description = part.Description
			}
			for t := range strings.SplitSeq(part.NativeType, " | ") {
				addType(f, t)
			}
		}
	}
}

// find follows a reference: #/definitions/Name, an import's name, or both.
func (j *jsonSchema) find(ref string, base *object) (target, home *object) {
	name, pointer, _ := strings.Cut(ref, "#")
	if home = base; name != "" {
		if home = j.imports[name]; home == nil {
			return nil, nil
		}
	}
	var at any = home
	for part := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if part == "" {
			continue
		}
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch here := at.(type) {
		case *object:
			at = here.get(part)
		case []any:
			var n int
			if _, err := fmt.Sscan(part, &n); err != nil || n < 0 || n >= len(here) {
				return nil, nil
			}
			at = here[n]
		default:
			return nil, nil
		}
	}
	target, _ = at.(*object)
	return target, home
}

package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/document"
	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// maxDepth is how deep fields are followed.
const maxDepth = 12

// content is what a schema says of a message.
type content struct {
	language    string // avro, json-schema or protobuf
	name        string // of the record, with its namespace
	description string
	root        *document.Field // its own name is not used
}

// contentOf reads a schema with those that it imports, by their names.
func contentOf(kind, text string, imports map[string]string) (*content, error) {
	switch strings.ToUpper(kind) {
	case "", "AVRO":
		return readAvro(text, imports)
	case "JSON":
		return readJSONSchema(text, imports)
	case "PROTOBUF":
		return readProtobuf(text, imports)
	}
	return nil, fmt.Errorf("schemas of the type %.40s are not known here", kind)
}

// budget bounds the fields of one schema: types that are used again and again
// at each level would make any number of them.
type budget struct{ left int }

func newBudget() *budget { return &budget{left: harvestv1.MaxFields + 1} }

func (b *budget) spend() bool {
	b.left--
	return b.left >= 0
}

// object is a JSON object that keeps the order of its keys.
type object struct {
	keys   []string
	values map[string]any
}

func (o *object) get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

func (o *object) text(key string) string {
	s, _ := o.get(key).(string)
	return s
}

func (o *object) object(key string) *object {
	inner, _ := o.get(key).(*object)
	return inner
}

func (o *object) list(key string) []any {
	l, _ := o.get(key).([]any)
	return l
}

// parseJSON reads one value, with objects as *object.
func parseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, errors.New("the schema is no JSON")
	}
	if d.More() {
		return nil, errors.New("the schema has something behind its end")
	}
	return v, nil
}

const maxNesting = 200

func parseValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, opens := t.(json.Delim)
	switch {
	case !opens:
		return t, nil
	case depth > maxNesting:
		return nil, errors.New("too deep")
	case delim == '{':
		return parseObject(d, depth)
	}
	list := []any{}
	for d.More() {
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err = d.Token()
	return list, err
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	o := &object{values: map[string]any{}}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprint(key)
		if _, has := o.values[name]; !has {
			o.keys = append(o.keys, name)
		}
		o.values[name] = v
	}
	_, err := d.Token()
	return o, err
}

// compact is a value as JSON, for defaults.
func compact(v any) string {
	b, err := json.Marshal(unordered(v))
	if err != nil {
		return ""
	}
	return string(b)
}

func unordered(v any) any {
	switch v := v.(type) {
	case *object:
		m := map[string]any{}
		for k, inner := range maps.All(v.values) {
			m[k] = unordered(inner)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i := range v {
			l[i] = unordered(v[i])
		}
		return l
	}
	return v
}

func textsOf(list []any) []string {
	var all []string
	for _, v := range list {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case nil:
		default:
			all = append(all, compact(v))
		}
	}
	return all
}

// tagsOf are the tags that Confluent's catalog writes into schemas.
func tagsOf(o *object) []string {
	var tags []string
	for _, t := range o.list("confluent:tags") {
		if s, ok := t.(string); ok && s != "" {
			tags = append(tags, s)
		}
	}
	return tags
}

func field(name string) *document.Field { return &document.Field{Field: sdk.Field{Name: name}} }

// addType adds a type to those that a field may be of.
func addType(f *document.Field, t string) {
	switch {
	case t == "" || slices.Contains(strings.Split(f.NativeType, " | "), t):
	case f.NativeType == "":
		f.NativeType = t
	default:
		f.NativeType += " | " + t
	}
}

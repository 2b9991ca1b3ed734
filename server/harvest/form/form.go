// Package form judges configurations by a plugin's schema. It owns what a schema
// says of its fields, the marks that tell the server what a field is, and the
// sentences for people whose configuration does not fit. It refuses to open, to
// connect or to ask anybody: it knows the text alone, and repeats no value of it.
package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/vault"
)

// maxConfig bounds a configuration. It is typed by people.
const maxConfig = 256 << 10

// Form is a plugin's schema, ready to judge configurations. It works on the
// schema as it travels, so that bundled and foreign plugins are judged alike.
type Form struct {
	schema  *jsonschema.Schema
	shape   map[string]any // the schema as a document, for remedies
	Secrets []string       // the fields that hold one, by their dotted paths
}

// nowhere loads nothing: a foreign plugin's schema shall not read files.
type nowhere struct{}

// Load refuses.
func (nowhere) Load(string) (any, error) {
	return nil, errors.New("a schema refers to nothing outside of itself")
}

// New makes the form of a schema whose fields at the dotted paths hold secrets.
func New(schema json.RawMessage, secrets []string) (*Form, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(nowhere{})
	if err := c.AddResource("config.json", document); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	compiled, err := c.Compile("config.json")
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	shape, _ := document.(map[string]any)
	return &Form{schema: compiled, shape: shape, Secrets: secrets}, nil
}

// Judge gives the configuration as it is kept, or the first thing that is wrong
// with it, as an error that names the field below config. No message
// repeats a value: a person may have put a secret where it does not belong.
func (f *Form) Judge(config json.RawMessage) (json.RawMessage, error) {
	if len(bytes.TrimSpace(config)) == 0 {
		config = json.RawMessage("{}")
	}
	if len(config) > maxConfig {
		return nil, Wrong("", "is larger than 256 KiB", "put large inputs into files and name these")
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		return nil, Wrong("", "is no JSON", "write one JSON object")
	}
	for _, path := range f.Secrets {
		if _, found := within(document, path); found {
			return nil, Wrong(path, "is a secret and stands in the configuration", "take it out, change the secret, and give secrets."+path+" as env:NAME or file:PATH")
		}
	}
	if err := f.schema.Validate(document); err != nil {
		return nil, f.explain(err)
	}
	var kept bytes.Buffer
	if err := json.Compact(&kept, config); err != nil {
		return nil, Wrong("", "is no JSON", "write one JSON object")
	}
	return kept.Bytes(), nil
}

// JudgeSecrets reports the first reference that cannot work, by its field below
// secrets.
func (f *Form) JudgeSecrets(refs map[string]model.SecretRef, v vault.Vault) error {
	for _, field := range slices.Sorted(maps.Keys(refs)) {
		if !slices.Contains(f.Secrets, field) {
			return model.Invalid("secrets."+Clip(field, 100), "is no secret of this plugin", f.knownSecrets())
		}
		if err := v.Accepts(refs[field]); err != nil {
			e, _ := errors.AsType[*model.Error](err)
			return model.Invalid("secrets."+field, e.Message, e.Hint)
		}
	}
	for _, field := range f.Secrets {
		if _, given := refs[field]; !given && f.at(field)["x-required"] == true {
			return model.Invalid("secrets."+field, "is missing", "give it as env:NAME or file:PATH")
		}
	}
	return nil
}

func (f *Form) knownSecrets() string {
	if len(f.Secrets) == 0 {
		return "take it out: this plugin takes no secret"
	}
	return "give one of " + strings.Join(f.Secrets, ", ")
}

// Wrong says what is wrong with a field of the configuration, by its path.
func Wrong(path, what, hint string) *model.Error {
	field := "config"
	if path != "" {
		field += "." + Clip(path, 200)
	}
	return model.Invalid(field, what, hint)
}

func within(document any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		object, ok := document.(map[string]any)
		if !ok {
			return nil, false
		}
		if document, ok = object[name]; !ok {
			return nil, false
		}
	}
	return document, true
}

// explain turns the first error of the validator, by place, into a sentence.
func (f *Form) explain(err error) error {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return Wrong("", "does not fit the plugin's schema", "compare it with the schema")
	}
	for len(invalid.Causes) > 0 {
		invalid = slices.MinFunc(invalid.Causes, func(a, b *jsonschema.ValidationError) int {
			return slices.Compare(a.InstanceLocation, b.InstanceLocation)
		})
	}
	path := strings.Join(invalid.InstanceLocation, ".")
	below := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch k := invalid.ErrorKind.(type) {
	case *kind.Required:
		return Wrong(below(k.Missing[0]), "is missing", f.remedy(below(k.Missing[0])))
	case *kind.AdditionalProperties:
		return Wrong(below(k.Properties[0]), "is not known", "write one of "+strings.Join(f.fieldsOf(path), ", "))
	case *kind.Type:
		return Wrong(path, fmt.Sprintf("is of the type %s and must be of the type %s", k.Got, strings.Join(k.Want, " or ")), f.remedy(path))
	case *kind.MinLength:
		return Wrong(path, "is too short", f.remedy(path))
	case *kind.Enum:
		return Wrong(path, "is none of the values that are allowed", f.remedy(path))
	case *kind.Format:
		return Wrong(path, "is no valid "+k.Want, f.remedy(path))
	case *kind.Pattern:
		return Wrong(path, "does not have the right form", f.remedy(path))
	default:
		return Wrong(path, "does not fit the plugin's schema", f.remedy(path))
	}
}

// at finds the schema of a field, or nil.
func (f *Form) at(path string) map[string]any {
	shape := f.shape
	if path == "" {
		return shape
	}
	for name := range strings.SplitSeq(path, ".") {
		if items, ok := shape["items"].(map[string]any); ok {
			shape = items
			continue
		}
		properties, _ := shape["properties"].(map[string]any)
		next, ok := properties[name].(map[string]any)
		if !ok {
			next, _ = shape["additionalProperties"].(map[string]any)
		}
		shape = next
	}
	return shape
}

func (f *Form) fieldsOf(path string) []string {
	properties, _ := f.at(path)["properties"].(map[string]any)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(properties)), func(name string) bool {
		property, _ := properties[name].(map[string]any)
		return property["x-secret"] == true
	})
}

// remedy says what belongs into the field.
func (f *Form) remedy(path string) string {
	shape := f.at(path)
	text, _ := shape["description"].(string)
	switch options, _ := shape["enum"].([]any); {
	case path == "" || shape == nil:
		return "write one JSON object as the plugin's schema says"
	case len(options) > 0:
		return "write one of " + join(options)
	case shape["x-format"] == "duration":
		return "write a duration such as 30s or 5m"
	case shape["format"] == "uri":
		return strings.TrimSpace("write a URL. " + text)
	case text != "":
		return "give: " + text
	}
	return fmt.Sprint("write a value of the type ", shape["type"])
}

func join(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

// Clip bounds a text that others wrote.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}

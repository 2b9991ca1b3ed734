package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// complete gives the configuration with its defaults and secrets, or the first
// thing that is wrong with it.
func (r Registration) complete(config json.RawMessage, secrets map[string]string) ([]byte, error) {
	object, err := r.fit(config)
	if err != nil {
		return nil, err
	}
	if err := r.merge(object, secrets); err != nil {
		return nil, err
	}
	return json.Marshal(object)
}

// fit gives the configuration with its defaults, or the first thing that does
// not fit the schema. No message repeats a value: a person may have put a secret
// where it does not belong.
func (r Registration) fit(config json.RawMessage) (map[string]any, error) {
	if len(bytes.TrimSpace(config)) == 0 {
		config = json.RawMessage("{}")
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		return nil, Config("", "the configuration is no JSON", "write one JSON object")
	}
	if err := r.refuseSecrets(document); err != nil {
		return nil, err
	}
	schema, err := r.compile()
	if err != nil {
		return nil, err
	}
	if err := schema.Validate(document); err != nil {
		return nil, r.explain(err)
	}
	object, _ := document.(map[string]any)
	r.shape.fill(object)
	return object, nil
}

func (r Registration) compile() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.schema))
	if err != nil {
		return nil, fmt.Errorf("read own schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("config.json", document); err != nil {
		return nil, fmt.Errorf("add own schema: %w", err)
	}
	return c.Compile("config.json")
}

func (r Registration) refuseSecrets(document any) error {
	for _, path := range r.secrets {
		if _, found := lookup(document, path); found {
			return Config(path, "is a secret and stands in the configuration", "take it out, change the secret, and give it as a secret")
		}
	}
	return nil
}

func lookup(document any, path string) (any, bool) {
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

// fill puts the defaults where the configuration says nothing.
func (s *shape) fill(object map[string]any) {
	for name, p := range s.Properties {
		value, has := object[name]
		switch {
		case !has && p.Default != nil:
			object[name] = p.Default
		case !has && p.Properties != nil && len(p.Required) == 0:
			inner := map[string]any{}
			if p.fill(inner); len(inner) > 0 {
				object[name] = inner
			}
		case has && p.Properties != nil:
			if inner, ok := value.(map[string]any); ok {
				p.fill(inner)
			}
		}
	}
}

func (r Registration) merge(object map[string]any, secrets map[string]string) error {
	for _, path := range slices.Sorted(maps.Keys(secrets)) {
		if !slices.Contains(r.secrets, path) {
			return Config(path, "is no secret of this plugin", r.knownSecrets())
		}
		r.shape.put(object, strings.Split(path, "."), secrets[path])
	}
	for _, path := range r.secrets {
		if secrets[path] == "" && r.shape.at(path).Needed {
			return Config(path, "is missing", "give the secret "+path)
		}
	}
	return nil
}

func (r Registration) knownSecrets() string {
	if len(r.secrets) == 0 {
		return "take it out: this plugin takes no secret"
	}
	return "give one of " + strings.Join(r.secrets, ", ")
}

func (s *shape) put(object map[string]any, path []string, value string) {
	if len(path) == 1 {
		object[path[0]] = value
		return
	}
	inner, ok := object[path[0]].(map[string]any)
	if !ok {
		inner = map[string]any{}
		object[path[0]] = inner
	}
	s.Properties[path[0]].put(inner, path[1:], value)
}

// at finds the shape of a field, or nil.
func (s *shape) at(path string) *shape {
	for name := range strings.SplitSeq(path, ".") {
		switch {
		case s == nil:
			return nil
		case s.Items != nil:
			s = s.Items
		case s.Properties != nil:
			s = s.Properties[name]
		default:
			s, _ = s.Additional.(*shape)
		}
	}
	return s
}

// explain turns the first error of the validator, by place, into a sentence.
func (r Registration) explain(err error) error {
	invalid, ok := err.(*jsonschema.ValidationError) //nolint:errorlint // the validator returns it bare
	if !ok {
		return Config("", "the configuration does not fit the schema", "compare it with the plugin's schema")
	}
	for len(invalid.Causes) > 0 {
		invalid = slices.MinFunc(invalid.Causes, func(a, b *jsonschema.ValidationError) int {
			return slices.Compare(a.InstanceLocation, b.InstanceLocation)
		})
	}
	field := strings.Join(invalid.InstanceLocation, ".")
	within := func(name string) string { return strings.TrimPrefix(field+"."+name, ".") }
	switch k := invalid.ErrorKind.(type) {
	case *kind.Required:
		return Config(within(k.Missing[0]), "is missing", r.remedy(within(k.Missing[0])))
	case *kind.AdditionalProperties:
		return Config(within(k.Properties[0]), "is not known", "write one of "+strings.Join(r.fieldsUnder(field), ", "))
	case *kind.Type:
		return Config(field, fmt.Sprintf("is of the type %s and must be of the type %s", k.Got, strings.Join(k.Want, " or ")), r.remedy(field))
	case *kind.MinLength:
		return Config(field, "is empty", r.remedy(field))
	case *kind.Enum:
		return Config(field, "is none of the values that are allowed", r.remedy(field))
	case *kind.Format:
		return Config(field, "is no valid "+k.Want, r.remedy(field))
	case *kind.Pattern:
		return Config(field, "does not have the right form", r.remedy(field))
	default:
		return Config(field, "does not fit the schema", r.remedy(field))
	}
}

func (r Registration) fieldsUnder(field string) []string {
	s := r.shape
	if field != "" {
		s = s.at(field)
	}
	if s == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Properties)), func(n string) bool { return s.Properties[n].Secret })
}

// remedy says what belongs into the field.
func (r Registration) remedy(field string) string {
	s := r.shape
	if field != "" {
		s = s.at(field)
	}
	switch {
	case s == nil || field == "":
		return "write one JSON object as the plugin's schema says"
	case s.Enum != nil:
		return "write one of " + strings.Join(s.Enum, ", ")
	case s.Hint == "duration":
		return "write a duration such as 30s or 5m"
	case s.Format == "uri":
		return strings.TrimSpace("write a URL. " + s.Description)
	case s.Description != "":
		return "give: " + s.Description
	}
	return "write a value of the type " + s.Type
}

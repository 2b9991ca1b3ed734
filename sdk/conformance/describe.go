package conformance

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/souk-mesh/souk/sdk/host"
)

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	versionPattern = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+`)
	secretPattern  = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|private_?key|credential)`)
)

// description is what the plugin says of itself, or nil where it cannot be asked.
func (s *suite) description() *host.Description {
	if s.described == nil {
		d, err := s.ways[0].describe(s.ctx)
		if err != nil {
			s.problem("it cannot be asked what it is: %s", describeError(err))
			return nil
		}
		s.described = &d
	}
	return s.described
}

// describe looks at what the plugin says of itself, the same every way, twice,
// soon, and without looking at the world.
func (s *suite) describe() {
	d := s.description()
	if d == nil {
		return
	}
	s.introduction(d)
	for range 2 {
		again, took := s.alone()
		if again == nil {
			return
		}
		if diff := difference(descriptionLines(d), descriptionLines(again)); diff != "" {
			s.problem("it describes itself otherwise in a process of its own:\n%s", diff)
		}
		if took < time.Second {
			return
		}
	}
	s.problem("it takes longer than a second to describe itself, twice")
}

func (s *suite) introduction(d *host.Description) {
	if !namePattern.MatchString(d.Info.Name) {
		s.problem("the name %q is not of small letters, digits and dashes", d.Info.Name)
	}
	if !versionPattern.MatchString(d.Info.Version) {
		s.problem("the version %q is no semantic version", d.Info.Version)
	}
	if d.Info.Summary == "" || d.Info.Doc == "" {
		s.problem("the summary or the page for operators is missing")
	}
	for _, kind := range d.Info.Emits {
		if !slices.Contains(kinds, kind) {
			s.problem("it says that it emits %q, which is no kind of record", kind)
		}
	}
}

// kinds are those of records.
var kinds = []string{"asset", "edge", "quality"}

// alone asks a process for its description, and looks at what the process has
// opened for it.
func (s *suite) alone() (d *host.Description, took time.Duration) {
	_, err := s.pipeline().launch(host.Limits{}, func(p *host.Process) error {
		begun := time.Now()
		found, err := p.Describe(s.ctx)
		took = time.Since(begun)
		if err != nil {
			return err
		}
		d = &found
		for _, one := range opened(p.PID()) {
			s.problem("to describe itself it %s", one)
		}
		return nil
	})
	if err != nil {
		s.problem("it cannot be asked what it is in a process of its own: %s", describeError(err))
	}
	return d, took
}

func descriptionLines(d *host.Description) []string {
	return []string{encode(d.Info), compact(d.Schema), encode(d.SecretFields)}
}

// compact is the JSON with its keys in order.
func compact(text json.RawMessage) string {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return string(text)
	}
	return encode(v)
}

// compatible wants what the last release was configured with, and what it found,
// to be understood still.
func (s *suite) compatible() {
	old, d := s.fixture.Previous, s.description()
	switch {
	case old == nil:
		s.skip("the fixture names no previous release to compare with")
		return
	case d == nil:
		return
	case old.Info.Name != d.Info.Name:
		s.problem("it was called %q and is called %q: sources of before would have no plugin", old.Info.Name, d.Info.Name)
	}
	for _, kind := range old.Info.Emits {
		if !slices.Contains(d.Info.Emits, kind) {
			s.problem("it no longer emits any %s", kind)
		}
	}
	for _, word := range old.Info.Offers {
		if !slices.Contains(d.Info.Offers, word) {
			s.problem("it no longer offers %s", word)
		}
	}
	before, now := map[string]field{}, map[string]field{}
	fieldsOf(old.Schema, before)
	fieldsOf(d.Schema, now)
	for path, was := range before {
		s.stillTaken(path, was, now)
	}
	for path, is := range now {
		if _, known := before[path]; !known && is.required {
			s.problem("the field %s is new and must be given: sources of before lack it; give it a default", path)
		}
	}
}

func (s *suite) stillTaken(path string, was field, now map[string]field) {
	is, there := now[path]
	switch {
	case !there:
		s.problem("the field %s is gone: sources of before would be refused", path)
	case was.kind != is.kind:
		s.problem("the field %s was of type %q and is of %q", path, was.kind, is.kind)
	case is.required && !was.required:
		s.problem("the field %s must be given now", path)
	case was.secret != is.secret:
		s.problem("the field %s is a secret in one release and none in the other", path)
	}
	for _, value := range was.enum {
		if there && len(is.enum) > 0 && !slices.Contains(is.enum, value) {
			s.problem("the field %s no longer takes %q", path, value)
		}
	}
}

// field is what a schema says of one.
type field struct {
	kind             string
	required, secret bool
	enum             []string
}

func fieldsOf(schema json.RawMessage, into map[string]field) {
	var document any
	if json.Unmarshal(schema, &document) == nil {
		collectFields(document, "", into)
	}
}

func collectFields(document any, prefix string, into map[string]field) {
	object, _ := document.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	required, _ := object["required"].([]any)
	for name, value := range properties {
		one, _ := value.(map[string]any)
		f := field{required: slices.Contains(required, any(name))}
		f.kind, _ = one["type"].(string)
		f.secret, _ = one["x-secret"].(bool)
		if must, _ := one["x-required"].(bool); must {
			f.required = true
		}
		enum, _ := one["enum"].([]any)
		for _, v := range enum {
			f.enum = append(f.enum, encode(v))
		}
		into[prefix+name] = f
		collectFields(one, prefix+name+".", into)
		collectFields(one["items"], prefix+name+".", into)
	}
}

// schema wants every field explained, and every secret marked.
func (s *suite) schema() {
	d := s.description()
	if d == nil {
		return
	}
	var document any
	if err := json.Unmarshal(d.Schema, &document); err != nil {
		s.problem("the schema is no JSON: %v", err)
		return
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", document); err != nil {
		s.problem("the schema is no JSON Schema: %v", err)
	} else if _, err := c.Compile("config.json"); err != nil {
		s.problem("the schema is no JSON Schema: %v", err)
	}
	s.documented(document, "")
}

func (s *suite) documented(document any, prefix string) {
	object, _ := document.(map[string]any)
	fields, _ := object["properties"].(map[string]any)
	for name, value := range fields {
		field, _ := value.(map[string]any)
		path := prefix + name
		if text, _ := field["description"].(string); text == "" && field["properties"] == nil {
			s.problem("the field %s has no doc", path)
		}
		if marked, _ := field["x-secret"].(bool); !marked && field["type"] == "string" && secretPattern.MatchString(name) {
			s.problem(`the field %s looks like a secret and is not marked with format:"secret"`, path)
		}
		s.documented(field, path+".")
		s.documented(field["items"], path+".")
	}
}

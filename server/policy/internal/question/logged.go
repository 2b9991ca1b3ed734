package question

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// Logged is a question as the log keeps it: the engine's own value, and what
// the combination has to know of it.
type Logged struct {
	About Question // the action, and the domains of the asker and the resource; no more
	Right Rights
	Input ast.Value
}

// ReadLogged reads an input strictly: one of another version, with a field
// that the input does not have or of another type, is no question that these
// policies could have been asked.
func ReadLogged(raw json.RawMessage) (Logged, error) {
	input, err := ast.ValueFromReader(bytes.NewReader(raw))
	if err != nil {
		return Logged{}, model.Invalid("input", "is no JSON", "")
	}
	if err := InputShape.check("input", input); err != nil {
		return Logged{}, err
	}
	return LoggedOf(input)
}

// LoggedOf takes an input over that is of the right shape.
func LoggedOf(input ast.Value) (Logged, error) {
	l := Logged{Input: input, About: Question{
		Action:   model.Action(TextAt(input, "action", "name")),
		Resource: Resource{Domain: model.Slug(TextAt(input, "resource", "domain"))},
		Subject:  Subject{Domain: model.Slug(TextAt(input, "subject", "domain"))},
	}}
	if v, _ := ValueAt(input, "v").(ast.Number); v != inputNumber {
		return l, model.Invalid("input.v", fmt.Sprintf("is %s, and these policies read version %d", v, InputVersion), "")
	}
	var known bool
	if l.Right, known = RightsOf(l.About.Action); !known {
		return l, model.Invalid("input.action.name", "is "+string(l.About.Action)+", which is no action", "")
	}
	return l, nil
}

// ValueAt gives the value at a path, or nil.
func ValueAt(v ast.Value, path ...string) ast.Value {
	for _, name := range path {
		o, ok := v.(ast.Object)
		if !ok {
			return nil
		}
		t := o.Get(ast.InternedTerm(name))
		if t == nil {
			return nil
		}
		v = t.Value
	}
	return v
}

// TextAt gives the text at a path, or "".
func TextAt(v ast.Value, path ...string) string {
	last, _ := ValueAt(v, path...).(ast.String)
	return string(last)
}

// shape is a schema in the form in which it is quick to hold a value against.
type shape struct {
	kind    string
	Members map[string]*shape // of an object; nil allows any
	needed  []string
	items   *shape // of an array
}

// InputShape is the shape that an input has.
var (
	InputShape  = shapeOf(inputFields(), "v", "action", "subject", "resource", "facts", "context")
	inputNumber = ast.Number(strconv.Itoa(InputVersion))
)

// shapeOf reads the part of JSON Schema that inputFields is written in.
func shapeOf(schema map[string]any, needed ...string) *shape {
	s := &shape{needed: needed}
	s.kind, _ = schema["type"].(string)
	if properties, ok := schema["properties"].(map[string]any); ok {
		s.Members = make(map[string]*shape, len(properties))
		for name, of := range properties {
			s.Members[name] = shapeOf(of.(map[string]any))
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		s.items = shapeOf(items)
	}
	return s
}

// check names the first place at which the value is of another shape.
func (s *shape) check(at string, v ast.Value) error {
	switch v := v.(type) {
	case ast.Object:
		if s.kind == "object" {
			return s.checkMembers(at, v)
		}
	case *ast.Array:
		if s.kind == "array" {
			return s.checkItems(at, v)
		}
	case ast.String:
		if s.kind == "string" {
			return nil
		}
	case ast.Boolean:
		if s.kind == "boolean" {
			return nil
		}
	case ast.Number:
		if _, whole := v.Int64(); whole && s.kind == "integer" {
			return nil
		}
	}
	return model.Invalid(at, "must be of type "+s.kind, "")
}

func (s *shape) checkMembers(at string, o ast.Object) error {
	if s.Members == nil {
		return nil
	}
	err := o.Iter(func(key, value *ast.Term) error {
		name, _ := key.Value.(ast.String)
		of, ok := s.Members[string(name)]
		if !ok {
			return model.Invalid(at+"."+string(name), "is no field of the input", "")
		}
		return of.check(at+"."+string(name), value.Value)
	})
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(s.needed, func(name string) bool { return ValueAt(o, name) == nil }); i >= 0 {
		return model.Invalid(at+"."+s.needed[i], "is missing", "")
	}
	return nil
}

func (s *shape) checkItems(at string, a *ast.Array) error {
	for i := range a.Len() {
		if err := s.items.check(at, a.Elem(i).Value); err != nil {
			return err
		}
	}
	return nil
}

// AskerDomain reads from a logged input which domain the asker belongs to. It
// is empty where the asker has none, or where the input is gone.
func AskerDomain(input json.RawMessage) model.Slug {
	var asked struct{ Subject struct{ Domain model.Slug } }
	if json.Unmarshal(input, &asked) != nil {
		return ""
	}
	return asked.Subject.Domain
}

// LoggedResource reads from a logged input what the question was about, without
// the findings. What is missing, or of another type, such as a mask, is empty.
func LoggedResource(input json.RawMessage) Resource {
	var q Question
	v, err := ast.ValueFromReader(bytes.NewReader(input))
	if err != nil {
		return q.Resource
	}
	for _, f := range resourcePart {
		if value := ValueAt(v, "resource", f.name()); value != nil && f.read != nil {
			f.read(&q, value)
		}
	}
	return q.Resource
}

// Team is whom a change concerns: the asker's first team, or their domain.
func (l Logged) Team(masked []string) string {
	if slices.Contains(masked, "subject.teams") {
		return string(l.About.Subject.Domain)
	}
	return cmp.Or(firstText(ValueAt(l.Input, "subject", "teams")), string(l.About.Subject.Domain))
}

// firstText gives the first text of a list, or "".
func firstText(v ast.Value) string {
	items, ok := v.(*ast.Array)
	if !ok || items.Len() == 0 {
		return ""
	}
	first, _ := items.Elem(0).Value.(ast.String)
	return string(first)
}

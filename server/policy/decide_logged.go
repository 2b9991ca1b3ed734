package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// logged is a question as the log keeps it: the engine's own value, and what
// the combination has to know of it.
type logged struct {
	about Question // the action, and the domains of the asker and the resource; no more
	right rights
	input ast.Value
}

// readLogged reads an input strictly: one of another version, with a field
// that the input does not have or of another type, is no question that these
// policies could have been asked.
func readLogged(raw json.RawMessage) (logged, error) {
	input, err := ast.ValueFromReader(bytes.NewReader(raw))
	if err != nil {
		return logged{}, model.Invalid("input", "is no JSON", "")
	}
	if err := inputShape.check("input", input); err != nil {
		return logged{}, err
	}
	return loggedOf(input)
}

// loggedOf takes an input over that is of the right shape.
func loggedOf(input ast.Value) (logged, error) {
	l := logged{input: input, about: Question{
		Action:   model.Action(textAt(input, "action", "name")),
		Resource: Resource{Domain: model.Slug(textAt(input, "resource", "domain"))},
		Subject:  Subject{Domain: model.Slug(textAt(input, "subject", "domain"))},
	}}
	if v, _ := valueAt(input, "v").(ast.Number); v != inputNumber {
		return l, model.Invalid("input.v", fmt.Sprintf("is %s, and these policies read version %d", v, inputVersion), "")
	}
	var known bool
	if l.right, known = rightsOf(l.about.Action); !known {
		return l, model.Invalid("input.action.name", "is "+string(l.about.Action)+", which is no action", "")
	}
	return l, nil
}

// decideLogged answers a logged question as Decide does a live one.
func (s *Snapshot) decideLogged(ctx context.Context, l logged) model.Decision {
	d := s.decide(ctx, l.about, l.right, l.input)
	d.Revisions = s.revisions(l.about)
	return d
}

// valueAt gives the value at a path, or nil.
func valueAt(v ast.Value, path ...string) ast.Value {
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

// textAt gives the text at a path, or "".
func textAt(v ast.Value, path ...string) string {
	text, _ := valueAt(v, path...).(ast.String)
	return string(text)
}

// shape is a schema in the form in which it is quick to hold a value against.
type shape struct {
	kind    string
	members map[string]*shape // of an object; nil allows any
	needed  []string
	items   *shape // of an array
}

var (
	inputShape  = shapeOf(inputFields(), "v", "action", "subject", "resource", "facts", "context")
	inputNumber = ast.Number(fmt.Sprint(inputVersion))
)

// shapeOf reads the part of JSON Schema that inputFields is written in.
func shapeOf(schema map[string]any, needed ...string) *shape {
	s := &shape{needed: needed}
	s.kind, _ = schema["type"].(string)
	if properties, ok := schema["properties"].(map[string]any); ok {
		s.members = make(map[string]*shape, len(properties))
		for name, of := range properties {
			s.members[name] = shapeOf(of.(map[string]any))
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
	if s.members == nil {
		return nil
	}
	err := o.Iter(func(key, value *ast.Term) error {
		name, _ := key.Value.(ast.String)
		of, ok := s.members[string(name)]
		if !ok {
			return model.Invalid(at+"."+string(name), "is no field of the input", "")
		}
		return of.check(at+"."+string(name), value.Value)
	})
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(s.needed, func(name string) bool { return valueAt(o, name) == nil }); i >= 0 {
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

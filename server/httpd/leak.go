package httpd

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// leaks looks for credentials in what people write. It stands at the door, so
// that no text of any noun, whoever adds it, is kept unseen.
type leaks struct {
	schema *ast.Schema
	found  func(text string) bool
}

// elsewhere are the scalars that a room looks at itself, since it knows a
// better remedy: the configuration of a source, and where its secrets are.
var elsewhere = map[string]bool{"JSON": true, "SecretRef": true}

// look reports the first text of a mutation's input that looks like a
// credential, as an error of kind Invalid that names its place. No message
// repeats the text.
func (l leaks) look(op *ast.OperationDefinition, variables map[string]any) error {
	if l.found == nil || op.Operation != ast.Mutation {
		return nil
	}
	return l.set(op.SelectionSet, variables, map[string]bool{})
}

// set looks at the fields of the mutation. A fragment is looked at once,
// however often it is spread.
func (l leaks) set(set ast.SelectionSet, variables map[string]any, seen map[string]bool) error {
	for _, selection := range set {
		var err error
		switch s := selection.(type) {
		case *ast.Field:
			err = l.field(s, variables)
		case *ast.InlineFragment:
			err = l.set(s.SelectionSet, variables, seen)
		case *ast.FragmentSpread:
			if !seen[s.Name] {
				seen[s.Name] = true
				err = l.set(s.Definition.SelectionSet, variables, seen)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l leaks) field(f *ast.Field, variables map[string]any) error {
	given := f.ArgumentMap(variables)
	for _, a := range f.Definition.Arguments {
		if err := l.value(a.Name, a.Type, given[a.Name]); err != nil {
			return err
		}
	}
	return nil
}

func (l leaks) value(path string, t *ast.Type, v any) error {
	switch v := v.(type) {
	case string:
		if !elsewhere[t.Name()] && l.found(v) {
			return model.Invalid(path, "holds what looks like a credential",
				"take it out, write where it is kept instead, and change it, since it has been seen")
		}
	case []any:
		for i, item := range v {
			if err := l.value(path+"["+strconv.Itoa(i)+"]", t, item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, f := range l.schema.Types[t.Name()].Fields { // a scalar has none
			if err := l.value(path+"."+f.Name, f.Type, v[f.Name]); err != nil {
				return err
			}
		}
	}
	return nil
}

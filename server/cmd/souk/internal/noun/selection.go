package noun

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// selection writes out what to ask of a type: its values, and of the records
// that it names one by one their ids and names. In depth it asks also for the
// values of what is part of it; not for what takes arguments.
func (d definition) selection(t *ast.Definition, deep bool) string {
	var parts []string
	for _, f := range t.Fields {
		kind := d.schema.Types[f.Type.Name()]
		switch {
		case strings.HasPrefix(f.Name, "__") || needsArguments(f) || f.Directives.ForName("deprecated") != nil:
		case kind.Kind == ast.Scalar || kind.Kind == ast.Enum:
			parts = append(parts, f.Name)
		case kind.Kind == ast.Union:
		case f.Type.Elem == nil && kind.Fields.ForName("name") != nil && kind.Fields.ForName("id") != nil:
			parts = append(parts, f.Name+" { id name }")
		case deep:
			if inner := d.values(kind); inner != "" {
				parts = append(parts, f.Name+" { "+inner+" }")
			}
		}
	}
	return strings.Join(parts, " ")
}

// values asks for what a type holds itself.
func (d definition) values(t *ast.Definition) string {
	if t.Fields.ForName("id") != nil && t.Fields.ForName("name") != nil {
		return "id name" // a record of its own
	}
	if t.Kind == ast.Interface {
		return "__typename id"
	}
	var parts []string
	for _, f := range t.Fields {
		kind := d.schema.Types[f.Type.Name()]
		if (kind.Kind == ast.Scalar || kind.Kind == ast.Enum) && !needsArguments(f) && !strings.HasPrefix(f.Name, "__") {
			parts = append(parts, f.Name)
		}
	}
	return strings.Join(parts, " ")
}

func needsArguments(f *ast.FieldDefinition) bool {
	for _, arg := range f.Arguments {
		if arg.Type.NonNull && arg.DefaultValue == nil {
			return true
		}
	}
	return false
}

// payload asks for everything that a mutation answers, its userErrors aside.
func (d definition) payload() string {
	var parts []string
	for _, f := range d.schema.Types[d.field.Type.Name()].Fields {
		kind := d.schema.Types[f.Type.Name()]
		switch {
		case f.Name == "userErrors" || strings.HasPrefix(f.Name, "__"):
		case kind.Kind == ast.Scalar || kind.Kind == ast.Enum:
			parts = append(parts, f.Name)
		case kind.Kind == ast.Interface:
			parts = append(parts, f.Name+" { "+d.values(kind)+" }")
		case f.Type.Elem != nil:
			parts = append(parts, f.Name+" { "+d.values(kind)+" }")
		default:
			parts = append(parts, f.Name+" { "+d.selection(kind, false)+" }")
		}
	}
	return strings.Join(parts, " ")
}

// row is the type of a list's rows.
func (d definition) row() *ast.Definition {
	t := d.schema.Types[d.field.Type.Name()]
	return d.schema.Types[t.Fields.ForName("nodes").Type.Name()]
}

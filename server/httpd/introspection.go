package httpd

import (
	"context"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// described says how many rows each list of the schema's own description has,
// on the average over all types, and how much of it one request may ask for.
type described struct {
	lists map[string]int
	most  int
}

const (
	// roomBeyondWhole lets tools that ask for a little more than the usual query
	// in, and nobody who asks for everything twice.
	roomBeyondWhole = 1.6
	// aboveAverage is how much more a type asked for by its name may have.
	aboveAverage = 8
)

// describe counts the lists of the schema. What is allowed grows with the
// schema: the whole of it once, as the usual tools ask for it.
func describe(schema *ast.Schema) *described {
	types, fields, args, inputs, values, possible, interfaces := len(schema.Types), 0, 0, 0, 0, 0, 0
	for _, t := range schema.Types {
		values, possible, interfaces = values+len(t.EnumValues), possible+len(schema.GetPossibleTypes(t)), interfaces+len(t.Interfaces)
		if t.Kind == ast.InputObject {
			inputs += len(t.Fields)
			continue
		}
		fields += len(t.Fields)
		for _, f := range t.Fields {
			args += len(f.Arguments)
		}
	}
	d := &described{lists: map[string]int{
		"types": types, "directives": len(schema.Directives), "fields": average(fields, types), "args": average(args, fields),
		"inputFields": average(inputs, types), "enumValues": average(values, types), "possibleTypes": average(possible, types), "interfaces": average(interfaces, types),
	}}
	full, err := parser.ParseQuery(&ast.Source{Input: introspection.NewQuery(introspection.QueryOptions{OneOf: true})})
	if err == nil { // the text is gqlgen's own
		s := Config{}.survey(context.Background(), full, d)
		d.most = int(roomBeyondWhole * float64(s.set(full.Operations[0].SelectionSet).meta))
	}
	return d
}

func average(sum, of int) int { return (sum + max(of, 1) - 1) / max(of, 1) }

// rows is how many rows a field of the description has.
func (d *described) rows(field string) int {
	if n, ok := d.lists[field]; ok {
		return n
	}
	return 1
}

package question

import (
	"maps"

	"github.com/open-policy-agent/opa/v1/ast"
)

// InputSchema describes the input, so that a misspelt field is an error of the
// compiler and not a rule that never fires.
func InputSchema() *ast.SchemaSet {
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, inputFields())
	return set
}

// inputFields is the schema of the input.
func inputFields() map[string]any {
	parts := map[string]any{
		"v":      kind("integer"),
		"action": strict(fieldsOf("string", "name")),
		"properties": strict(map[string]any{
			"subject": anything, "action": anything, "resource": anything, "context": anything,
		}),
	}
	for _, name := range []string{"subject", "resource", "facts", "context"} {
		parts[name] = schemaOf(part(name))
	}
	return strict(parts)
}

// schemaOf is the schema of an object of the rows.
func schemaOf[Q any](rows []*Row[Q]) map[string]any {
	properties := make(map[string]any, len(rows))
	for _, r := range rows {
		properties[r.name()] = r.schema()
	}
	return strict(properties)
}

func (r *Row[Q]) schema() map[string]any {
	switch r.Kind {
	case Texts:
		return map[string]any{"type": "array", "items": kind("string")}
	case Number:
		return kind("integer")
	case Flag:
		return kind("boolean")
	case Object:
		return schemaOf(r.members)
	case Objects:
		return map[string]any{"type": "array", "items": schemaOf(GrantTable)}
	default:
		return kind("string")
	}
}

// anything is an object of whatever members.
var anything = map[string]any{"type": "object"}

func kind(name string) map[string]any { return map[string]any{"type": name} }

func strict(properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

func fieldsOf(kindName string, names ...string) map[string]any {
	m := make(map[string]any, len(names))
	for _, n := range names {
		m[n] = kind(kindName)
	}
	return m
}

func textsOf(names ...string) map[string]any {
	m := make(map[string]any, len(names))
	for _, n := range names {
		m[n] = map[string]any{"type": "array", "items": kind("string")}
	}
	return m
}

func merge(sets ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, s := range sets {
		maps.Copy(all, s)
	}
	return all
}

package question

import (
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
	return strict(map[string]any{
		"v":        kind("integer"),
		"action":   strict(fields("string", "name")),
		"subject":  strict(merge(fields("string", "type", "id", "name", "domain", "clearance", "region"), texts("teams", "steward_of", "roles"), fields("boolean", "suspended"))),
		"resource": strict(resourceFields()),
		"facts": strict(merge(texts("roles_held"), map[string]any{
			"grants": map[string]any{"type": "array", "items": strict(fields("string", "id", "product", "purpose", "until"))},
			"impact": strict(merge(fields("boolean", "loosens", "sensitive"), fields("integer", "flip_percent"), texts("touches"))),
			"ending": strict(merge(fields("integer", "consumers", "notice_hours"), fields("boolean", "successor"))),
			"change": strict(merge(fields("boolean", "loosens"), fields("string", "classification"), texts("fields"))),
		})),
		"properties": strict(map[string]any{
			"subject": anything, "action": anything, "resource": anything, "context": anything,
		}),
		"context": strict(merge(fields("string", "now", "purpose", "channel"), fields("integer", "duration_s"))),
	})
}

func resourceFields() map[string]any {
	return merge(
		fields("string", "type", "id", "name", "domain", "owner", "owner_team", "classification", "visibility", "status", "product", "requester"),
		fields("boolean", "described", "has_owner", "exposed"), texts("tags"), fields("integer", "ports", "unconsented"),
		map[string]any{"findings": strict(merge(fields("integer", "errors", "warnings"), texts("codes")))})
}

// anything is an object of whatever members.
var anything = map[string]any{"type": "object"}

func kind(name string) map[string]any { return map[string]any{"type": name} }

func strict(properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

func fields(kindName string, names ...string) map[string]any {
	m := make(map[string]any, len(names))
	for _, n := range names {
		m[n] = kind(kindName)
	}
	return m
}

func texts(names ...string) map[string]any {
	m := make(map[string]any, len(names))
	for _, n := range names {
		m[n] = map[string]any{"type": "array", "items": kind("string")}
	}
	return m
}

func merge(sets ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, s := range sets {
		for k, v := range s {
			all[k] = v
		}
	}
	return all
}

package resolver_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/server/resolver"
)

// wrong values of each kind, by the type that they are wrong for.
func wrong(def *ast.Definition) []any {
	number := func(s string) any { return json.Number(s) }
	switch def.Name {
	case "Int":
		return []any{"1", number("1.5"), true, vars{}, number("3000000000"), number("99999999999999999999")}
	case "Int64":
		return []any{"1", number("1.5"), true, number("99999999999999999999")}
	case "String", "Slug", "Action", "SecretRef":
		return []any{number("7"), true, vars{}}
	case "ID":
		return []any{number("1.5"), true, vars{}}
	case "Boolean":
		return []any{"true", number("1"), vars{}}
	case "Float":
		return []any{"0.5", true}
	case "DateTime":
		return []any{"yesterday", "2026-11-25T09:30:00", "2026-13-01", number("7"), true, vars{}}
	case "Duration":
		return []any{"30 days", "30", "P1M", number("30"), true}
	case "JSON":
		return nil // anything is JSON
	}
	if def.Kind == ast.Enum {
		return []any{"nonsense", strings.ToLower(def.EnumValues[0].Name), number("7"), true}
	}
	return []any{"text", number("7"), vars{"nonsense": 1}} // an input object
}

// place is where in the variables of an operation a value of a type stands.
type place struct {
	path string
	def  *ast.Definition
	with func(any) any
}

// places finds every scalar, enum and object within a type. Types within
// themselves are followed once.
func places(schema *ast.Schema, path string, t *ast.Type, with func(any) any, open map[string]bool) []place {
	if t.Elem != nil {
		first := filler(schema, t.Elem, nil)
		return places(schema, path+"[1]", t.Elem, func(v any) any { return with([]any{first, v}) }, open)
	}
	def := schema.Types[t.NamedType]
	found := []place{{path: path, def: def, with: with}}
	if def.Kind != ast.InputObject || open[def.Name] {
		return found
	}
	open[def.Name] = true
	defer delete(open, def.Name)
	for _, f := range def.Fields {
		found = append(found, places(schema, path+"."+f.Name, f.Type, func(v any) any {
			object := filler(schema, t, nil).(vars)
			object[f.Name] = v
			return with(object)
		}, open)...)
	}
	return found
}

// filler is a value that the type allows.
func filler(schema *ast.Schema, t *ast.Type, _ any) any {
	if t.Elem != nil {
		return []any{}
	}
	def := schema.Types[t.NamedType]
	switch def.Kind { //nolint:exhaustive // the scalars come below
	case ast.Enum:
		return def.EnumValues[0].Name
	case ast.InputObject:
		object := vars{}
		for _, f := range def.Fields {
			if f.Type.NonNull {
				object[f.Name] = filler(schema, f.Type, nil)
			}
		}
		return object
	}
	switch def.Name {
	case "Int", "Int64", "Float":
		return 1
	case "Boolean":
		return true
	case "DateTime":
		return "2026-11-25"
	case "Duration":
		return "90d"
	}
	return "text"
}

// TestEveryWrongValueIsNamed walks the schema and sends each argument, each
// field of its inputs and each item of its lists a wrong value of each kind.
func TestEveryWrongValueIsNamed(t *testing.T) {
	w := newWorld(t)
	schema := resolver.Schema(w.services).Schema()
	sent := 0
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			for _, a := range f.Arguments {
				for _, p := range places(schema, "v", a.Type, func(v any) any { return v }, map[string]bool{}) {
					for _, value := range wrong(p.def) {
						sent++
						got := w.ask("cy", operation(schema, root, f, a), vars{"v": p.with(value)})
						if len(got.Errors) != 1 || got.code() != "BAD_USER_INPUT" {
							t.Errorf("%s(%s): %s = %v: %.300s", f.Name, a.Name, p.path, value, got.text)
							continue
						}
						e := got.Errors[0]
						at, _ := e.Extensions["field"].(string)
						if at != p.path && at != p.path+".nonsense" || e.Extensions["hint"] == "" || e.Extensions["hint"] == nil {
							t.Errorf("%s(%s): %s = %v: the field %q, the hint %v", f.Name, a.Name, p.path, value, at, e.Extensions["hint"])
						}
					}
				}
			}
		}
	}
	if sent < 900 {
		t.Errorf("only %d values were sent", sent)
	}
}

// operation asks the field with the argument in the variable v, and with what
// it needs beside.
func operation(schema *ast.Schema, root *ast.Definition, f *ast.FieldDefinition, a *ast.ArgumentDefinition) string {
	arguments := []string{a.Name + ": $v"}
	for _, other := range f.Arguments {
		if other.Name != a.Name && other.Type.NonNull && other.DefaultValue == nil {
			text, _ := json.Marshal(filler(schema, other.Type, nil))
			arguments = append(arguments, other.Name+": "+string(text))
		}
	}
	selection := ""
	if schema.Types[f.Type.Name()].IsCompositeType() {
		selection = "{ __typename }"
	}
	return fmt.Sprintf("%s($v: %s) { %s(%s) %s }", strings.ToLower(root.Name), a.Type.String(), f.Name, strings.Join(arguments, ", "), selection)
}

// TestWrongValuesByHand has those that people were seen to send, in the
// document and in variables.
func TestWrongValuesByHand(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		query string
		vars  vars
		field string
		says  string // in the message or the hint
	}{
		"a moment in a document":    {`{ decisions(first: 1, filter: {from: "yesterday"}) { nodes { id } } }`, nil, "filter.from", "2026-11-25T09:30:00Z"},
		"a time without a zone":     {`{ decisions(first: 1, filter: {to: "2026-11-25T09:30:00"}) { nodes { id } } }`, nil, "filter.to", "without a zone"},
		"a moment in a fragment":    {`{ ...f } fragment f on Query { decisions(first: 1, filter: {from: 7}) { nodes { id } } }`, nil, "filter.from", "is no string"},
		"a moment as a default":     {`query($f: DateTime = "now") { decisions(first: 1, filter: {from: $f}) { nodes { id } } }`, nil, "$f", "2026-11-25"},
		"a kind in small letters":   {`query($k: AssetKind) { assets(first: 1, filter: {kind: $k}) { nodes { id } } }`, vars{"k": "table"}, "k", "TABLE"},
		"a kind in a list":          {`query($f: SearchFilter) { search(query: "x", first: 1, filter: $f) { nodes { score } } }`, vars{"f": vars{"kinds": []any{"ASSET", "asset"}}}, "f.kinds[1]", "ASSET"},
		"a number in quotes":        {`query($n: Int!) { domains(first: $n) { nodes { id } } }`, vars{"n": "1"}, "n", "without quotes"},
		"half a number":             {`query($n: Int!) { domains(first: $n) { nodes { id } } }`, vars{"n": 1.5}, "n", "whole number"},
		"a number beyond 32 bits":   {`{ domains(first: 3000000000) { nodes { id } } }`, nil, "first", "32 bits"},
		"a duration in a document":  {`mutation { requestAccess(input: {productId: "dpr_x", purpose: "x", duration: "a month"}) { userErrors { code } } }`, nil, "input.duration", "90d or P90D"},
		"a field that is not known": {`mutation($i: CreateDomainInput!) { createDomain(input: $i) { userErrors { code } } }`, vars{"i": vars{"name": "x", "displayname": "X"}}, "i.displayname", "did you mean displayName?"},
		"a missing field":           {`mutation($i: CreateDomainInput!) { createDomain(input: $i) { userErrors { code } } }`, vars{"i": vars{}}, "i.name", "is missing"},
	} {
		got := w.ask("cy", c.query, c.vars)
		if got.code() != "BAD_USER_INPUT" || got.Errors[0].Extensions["field"] != c.field || !strings.Contains(got.text, c.says) {
			t.Errorf("%s: got %.400s, want the field %s and %q", name, got.text, c.field, c.says)
		}
	}
	for _, query := range []string{
		`{ decisions(first: 1, filter: {from: "2026-11-25"}) { nodes { id } } }`,
		`{ decisions(first: 1, filter: {from: "2026-11-25T10:30:00.123456+02:00", to: "2999-01-01"}) { nodes { id } } }`,
	} {
		if got := w.ask("cy", query, nil); len(got.Errors) != 0 {
			t.Errorf("%s: %s", query, got.text)
		}
	}
	for _, duration := range []string{"90d", "P90D", "2160h"} {
		got := w.ok("bo", `mutation($p: ID!, $d: Duration!) { requestAccess(input: {productId: $p, purpose: "attribution", duration: $d}) { accessRequest { id duration } userErrors { message } } }`, vars{"p": w.orders.ID, "d": duration})
		if got.str("requestAccess.accessRequest.duration") != "P90D" {
			t.Errorf("%s: %s", duration, got.text)
		}
		w.ok("bo", `mutation($id: ID!) { cancelAccessRequest(input: {id: $id}) { userErrors { message } } }`, vars{"id": got.str("requestAccess.accessRequest.id")})
	}
}

// TestStreamsOfOtherOperations asks for a stream of what is none, and for two
// things in one stream.
func TestStreamsOfOtherOperations(t *testing.T) {
	w := newWorld(t)
	if answers := w.subscribe("ana", `{ viewer { principal { name } } }`, nil); len(answers) != 1 || len(answers[0].Errors) != 0 {
		t.Errorf("a query as a stream: %+v", answers)
	}
	for _, query := range []string{
		`subscription { a: harvestRun(id: "run_x") { id } b: harvestRun(id: "run_y") { id } }`,
		`subscription { harvestRun(id: "run_x") { id } policyAssessment(proposalId: "ppr_x") { state } }`,
		`subscription { ...f } fragment f on Subscription { a: harvestRun(id: "run_x") { id } b: harvestRun(id: "run_y") { id } }`,
		`subscription { harvestRun(id: "run_x") { id } __typename }`,
		`subscription { __typename }`,
	} {
		if got := w.ask("ana", query, nil); got.code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s: %s", query, got.text)
		}
	}
}

package graph_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// landedSchema is the schema that clients in the field were written for: the
// one of the last program that landed. It is replaced when a release lands.
const landedSchema = "testdata/landed-2026-11.graphql"

// demanded lists what changed for those clients although nothing had said
// @deprecated before, each with the reason. The changelog names it too.
var demanded = map[string]string{}

// TestLandedClients holds the schema to what it promised: nothing that a query
// of the landed program could name is gone or narrower, unless it was
// deprecated then, or the change is in the list above and in the changelog.
func TestLandedClients(t *testing.T) {
	text, err := os.ReadFile(landedSchema)
	if err != nil {
		t.Fatal(err)
	}
	landed, err := gqlparser.LoadSchema(&ast.Source{Name: landedSchema, Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	changelog, err := os.ReadFile("../.github/CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	broken := breaks(landed, schema())
	for where, what := range broken {
		if demanded[where] == "" {
			t.Errorf("%s: %s; deprecate it first, and remove it after that has landed", where, what)
		} else if !strings.Contains(string(changelog), where) {
			t.Errorf("%s: %s, and the changelog does not name it", where, what)
		}
	}
	for where := range demanded {
		if broken[where] == "" {
			t.Errorf("%s is listed as changed and is as it was", where)
		}
	}
}

// TestBreaksAreSeen proves that the comparison finds what it is for.
func TestBreaksAreSeen(t *testing.T) {
	const before = `
		type Query { a(x: Int, y: Int!): String! b: Kind c(i: In): Thing old: Int @deprecated }
		type Thing { id: ID! }
		enum Kind { ONE TWO }
		input In { n: Int m: Int! }`
	for change, want := range map[[2]string]string{
		{"b: Kind", ""}:                      "Query.b",
		{"x: Int, ", ""}:                     "Query.a(x:)",
		{"x: Int,", "x: Int!,"}:              "Query.a(x:)",
		{"x: Int,", "x: Int, z: Int!,"}:      "Query.a(z:)",
		{": String!", ": String"}:            "Query.a",
		{": String!", ": Int!"}:              "Query.a",
		{"TWO ", ""}:                         "Kind.TWO",
		{"n: Int ", ""}:                      "In.n",
		{"n: Int ", "n: Int! "}:              "In.n",
		{"n: Int ", "n: Int k: Int! "}:       "In.k",
		{"old: Int @deprecated", ""}:         "",
		{"b: Kind", "b: Kind!"}:              "",
		{"y: Int!", "y: Int"}:                "",
		{"n: Int ", "n: Int k: Int! = 1 "}:   "",
		{"id: ID!", "id: ID! more: String!"}: "",
		{"ONE TWO", "ONE TWO THREE"}:         "",
	} {
		got := breaks(load(t, before), load(t, strings.Replace(before, change[0], change[1], 1)))
		if want == "" && len(got) > 0 || want != "" && got[want] == "" {
			t.Errorf("%q -> %q: got %v, want %q", change[0], change[1], got, want)
		}
	}
}

func load(t *testing.T, text string) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// breaks tells what a client of the schema before can no longer rely on, by
// the name of the type, field, argument or value.
func breaks(before, after *ast.Schema) map[string]string {
	broken := map[string]string{}
	for name, was := range before.Types {
		now := after.Types[name]
		switch {
		case was.BuiltIn:
		case now == nil:
			broken[name] = "the type is gone"
		case now.Kind != was.Kind:
			broken[name] = "it is no " + string(was.Kind) + " any more"
		default:
			values(was, now, broken)
			fields(was, now, broken)
		}
	}
	return broken
}

func values(was, now *ast.Definition, broken map[string]string) {
	for _, v := range was.EnumValues {
		if now.EnumValues.ForName(v.Name) == nil && v.Directives.ForName("deprecated") == nil {
			broken[was.Name+"."+v.Name] = "the value is gone"
		}
	}
	for _, name := range was.Types {
		if !slices.Contains(now.Types, name) {
			broken[was.Name+"."+name] = "it is no member any more"
		}
	}
	for _, name := range was.Interfaces {
		if !slices.Contains(now.Interfaces, name) {
			broken[was.Name+"."+name] = "it does not implement the interface any more"
		}
	}
}

func fields(was, now *ast.Definition, broken map[string]string) {
	given := was.Kind == ast.InputObject
	for _, f := range was.Fields {
		where, g := was.Name+"."+f.Name, now.Fields.ForName(f.Name)
		switch {
		case g == nil && f.Directives.ForName("deprecated") == nil:
			broken[where] = "it is gone"
		case g == nil:
		case given && !accepts(g.Type, f.Type) || !given && !accepts(f.Type, g.Type):
			broken[where] = fmt.Sprintf("it was %s and is %s", f.Type, g.Type)
		default:
			arguments(where, f, g, broken)
		}
	}
	for _, g := range now.Fields {
		if given && was.Fields.ForName(g.Name) == nil && g.Type.NonNull && g.DefaultValue == nil {
			broken[was.Name+"."+g.Name] = "it is new and required"
		}
	}
}

func arguments(where string, was, now *ast.FieldDefinition, broken map[string]string) {
	for _, a := range was.Arguments {
		b := now.Arguments.ForName(a.Name)
		if b == nil {
			broken[where+"("+a.Name+":)"] = "it is gone"
		} else if !accepts(b.Type, a.Type) {
			broken[where+"("+a.Name+":)"] = fmt.Sprintf("it was %s and is %s", a.Type, b.Type)
		}
	}
	for _, b := range now.Arguments {
		if was.Arguments.ForName(b.Name) == nil && b.Type.NonNull && b.DefaultValue == nil {
			broken[where+"("+b.Name+":)"] = "it is new and required"
		}
	}
}

// accepts reports whether a place of one type takes every value of the other.
func accepts(place, value *ast.Type) bool {
	if place.NonNull && !value.NonNull {
		return false
	}
	if place.Elem == nil || value.Elem == nil {
		return place.Elem == nil && value.Elem == nil && place.NamedType == value.NamedType
	}
	return accepts(place.Elem, value.Elem)
}

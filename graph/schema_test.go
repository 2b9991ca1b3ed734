package graph_test

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/souk-mesh/souk/graph"
)

var update = flag.Bool("update", false, "write the printed schema instead of comparing it")

func schema() *ast.Schema { return graph.NewExecutableSchema(graph.Config{}).Schema() }

// TestPrintedSchema makes every change of the contract visible in a review.
func TestPrintedSchema(t *testing.T) {
	const golden = "schema.graphql"
	var printed bytes.Buffer
	formatter.NewFormatter(&printed, formatter.WithIndent("  ")).FormatSchema(schema())
	if *update {
		if err := os.WriteFile(golden, printed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), printed.String()); diff != "" {
		t.Errorf("the schema has changed (-committed +now); if that is meant, run go generate ./graph\n%s", diff)
	}
}

// ours lists the definitions that the schema files make, by name.
func ours(s *ast.Schema) []*ast.Definition {
	var defs []*ast.Definition
	for _, d := range s.Types {
		if !d.BuiltIn {
			defs = append(defs, d)
		}
	}
	slices.SortFunc(defs, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return defs
}

func TestEverythingIsDescribed(t *testing.T) {
	checked := 0
	check := func(where, text string) {
		checked++
		if len(text) < 3 || !strings.HasSuffix(text, ".") {
			t.Errorf("%s: description %q is no sentence", where, text)
		}
	}
	for _, d := range ours(schema()) {
		check(d.Name, d.Description)
		for _, v := range d.EnumValues {
			check(d.Name+"."+v.Name, v.Description)
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			check(d.Name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				check(d.Name+"."+f.Name+"("+a.Name+")", a.Description)
			}
		}
	}
	if checked < 500 {
		t.Errorf("only %d names were looked at", checked)
	}
}

func TestMutationsHaveOneShape(t *testing.T) {
	s := schema()
	for _, f := range s.Mutation.Fields {
		if len(f.Arguments) != 1 || f.Arguments[0].Name != "input" || !f.Arguments[0].Type.NonNull {
			t.Errorf("%s: want the single argument input!", f.Name)
		}
		title := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		if got, want := f.Type.String(), title+"Payload"; got != want {
			t.Errorf("%s: returns %s, want %s", f.Name, got, want)
		}
		payload := s.Types[f.Type.Name()]
		if e := payload.Fields.ForName("userErrors"); e == nil || e.Type.String() != "[UserError!]!" {
			t.Errorf("%s: the payload lacks userErrors", f.Name)
		}
		for _, pf := range payload.Fields {
			if pf.Name != "userErrors" && pf.Type.NonNull {
				t.Errorf("%s.%s: must be null when there are userErrors", payload.Name, pf.Name)
			}
		}
	}
}

func TestConnectionsHaveOneShape(t *testing.T) {
	s, seen := schema(), 0
	for _, d := range ours(s) {
		for _, f := range d.Fields {
			if !strings.HasSuffix(f.Type.Name(), "Connection") {
				continue
			}
			seen++
			if first := f.Arguments.ForName("first"); first == nil || first.Type.String() != "Int!" {
				t.Errorf("%s.%s: wants first: Int!", d.Name, f.Name)
			}
			if after := f.Arguments.ForName("after"); after == nil || after.Type.String() != "String" {
				t.Errorf("%s.%s: wants after: String", d.Name, f.Name)
			}
			names := []string{}
			for _, cf := range s.Types[f.Type.Name()].Fields {
				names = append(names, cf.Name)
			}
			// What else a list tells of itself stands behind.
			if diff := cmp.Diff([]string{"edges", "nodes", "pageInfo"}, names[:min(len(names), 3)]); diff != "" {
				t.Errorf("%s: %s", f.Type.Name(), diff)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d connections were looked at", seen)
	}
}

func TestUpdatesExpectAVersion(t *testing.T) {
	for _, d := range ours(schema()) {
		if d.Kind != ast.InputObject || !strings.HasPrefix(d.Name, "Update") {
			continue
		}
		if v := d.Fields.ForName("expectedVersion"); v == nil || v.Type.String() != "Int" {
			t.Errorf("%s: wants expectedVersion: Int", d.Name)
		}
	}
}

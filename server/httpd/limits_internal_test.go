package httpd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

const toySchema = `
	type Query { hello(name: String, names: [String!]): String! items(first: Int!): [Item!]! item: Item }
	type Item { id: ID! name(in: [String!]): String child: Item items(first: Int!): [Item!]! }`

// bombs are documents that would cost seconds if they were written out, or
// looked at once for each way that leads to a place.
func bombs() map[string]string {
	chain := func(n int, head, body, last string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			fmt.Fprintf(&b, " fragment F%d on Query{%s}", i, strings.ReplaceAll(body, "NEXT", fmt.Sprintf("...F%d", i+1)))
		}
		fmt.Fprintf(&b, " fragment F%d on Query{%s}", n, last)
		return b.String()
	}
	many := func(n int, text func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(text(i))
		}
		return b.String()
	}
	return map[string]string{
		"no field at the end":         chain(24, "query{...F0}", "NEXT NEXT", "...Nope"),
		"deeper":                      chain(40, "query{...F0}", "NEXT NEXT", "...Nope"),
		"nothing but itself":          chain(40, "query{...F0}", "NEXT NEXT", "...F0"),
		"inline fragments":            chain(24, "query{...F0}", "...{NEXT} ...{NEXT}", "...Nope"),
		"through fields":              chain(24, "query{...F0}", "item{...Nope} NEXT NEXT", "item{...Nope}"),
		"under aliases":               chain(24, "query{...F0}", "a:hello NEXT b:hello NEXT", "hello"),
		"many operations":             many(80, func(i int) string { return fmt.Sprintf("query Q%d{...F0} ", i) }) + chain(11, "", "NEXT NEXT", "hello"),
		"long lists in copies":        "query{item{...I0}}" + many(12, func(i int) string { return fmt.Sprintf(" fragment I%d on Item{...I%d ...I%d}", i, i+1, i+1) }) + " fragment I12 on Item{name(in:[" + strings.Repeat(`"a",`, 900) + "])}",
		"long lists in directives":    "query{...F0}" + chain(12, "", "NEXT NEXT", "hello @x(a:["+strings.Repeat("1,", 900)+"])"),
		"wrapped in inline fragments": chain(8, "query{...F0}", "NEXT NEXT NEXT", strings.Repeat("...{", 300)+"hello"+strings.Repeat("}", 300)),
		"fragments in all directions": "query{...F0} " + many(90, func(i int) string {
			return fmt.Sprintf("fragment F%d on Query{hello %s} ", i, many(min(4, 89-i), func(j int) string { return fmt.Sprintf("...F%d ", i+j+1) }))
		}),
		"introspection by aliases": "{" + many(10, func(i int) string {
			return fmt.Sprintf("a%d:__schema{types{fields{args{type{name ofType{name}}}}}} ", i)
		}) + "}",
		"introspection within":       "{__schema{" + many(20, func(i int) string { return fmt.Sprintf("a%d:types{fields{args{type{name ofType{name}}}}} ", i) }) + "}}",
		"introspection by fragments": "{__schema{" + strings.Repeat("...T ", 9) + "}} fragment T on __Schema{" + many(9, func(i int) string { return fmt.Sprintf("t%d:types{fields{name type{name}}} ", i) }) + "}",
	}
}

// TestNoDocumentCostsMoreThanItsLimits takes what every bomb costs in steps,
// which no machine's speed changes, and in time with room to spare.
func TestNoDocumentCostsMoreThanItsLimits(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "toy", Input: toySchema})
	for name, text := range bombs() {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			refused, steps := judge(t, schema, text)
			if took := time.Since(begun); took > time.Second {
				t.Errorf("it took %s", took)
			}
			if refused == nil && steps == 0 {
				t.Error("nothing was measured")
			}
		})
	}
}

// judge takes a document as far as to its execution, and fails the test when
// that takes more steps than the limits allow.
func judge(t *testing.T, schema *ast.Schema, text string) (*refusal, int) {
	t.Helper()
	c := Config{}.withDefaults()
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, c.MaxTokens)
	if err != nil {
		return refuseDocument(CodeParse, "%s", err), 0
	}
	s := c.survey(context.Background(), doc, describe(schema))
	refused := s.bound(doc)
	if most := 4*c.MaxComplexity + 8*c.MaxTokens; s.steps > most {
		t.Errorf("%d steps, at most %d are allowed: %.200s", s.steps, most, text)
	}
	if refused == nil {
		if list := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(list) > 0 {
			refused = refuseErrors(CodeValidation, list)
		}
	}
	return refused, s.steps
}

// FuzzDocument lets the fuzzer look for a document that takes more steps.
func FuzzDocument(f *testing.F) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "toy", Input: toySchema})
	for _, text := range bombs() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { judge(t, schema, text) })
}

// TestMadeUpDocuments is what the fuzzer is slow to find: well-formed documents
// of fragments that spread one another in every way that the limits leave.
func TestMadeUpDocuments(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "toy", Input: toySchema})
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		text := madeUp(r)
		begun := time.Now()
		refused, steps := judge(t, schema, text)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%s, %d steps, %v: %.300s", took, steps, refused, text)
		}
	}
}

func madeUp(r *rand.Rand) string {
	var b strings.Builder
	fragments, width := 1+r.IntN(98), 1+r.IntN(12)
	b.WriteString("query{item{...F0}}")
	for i := range fragments {
		fmt.Fprintf(&b, " fragment F%d on Item{", i)
		for range 1 + r.IntN(width) {
			to := min(i+1+r.IntN(1+r.IntN(8)), fragments)
			switch r.IntN(5) {
			case 0:
				fmt.Fprintf(&b, "child{...F%d} ", to)
			case 1:
				fmt.Fprintf(&b, "...{...F%d} ", to)
			case 2:
				fmt.Fprintf(&b, "a%d:child{id ...F%d} ", r.IntN(3), to)
			default:
				fmt.Fprintf(&b, "...F%d ", to)
			}
		}
		b.WriteString("id}")
	}
	fmt.Fprintf(&b, " fragment F%d on Item{id name}", fragments)
	return b.String()
}

func TestTheClientThatHasGoneIsNotWaitedFor(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "toy", Input: toySchema})
	c := Config{MaxComplexity: 1 << 30, MaxTokens: 1 << 20, MaxRepeats: 1 << 30, MaxRootFields: 1 << 30}.withDefaults()
	doc, err := parser.ParseQuery(&ast.Source{Input: bombs()["under aliases"]})
	if err != nil {
		t.Fatal(err)
	}
	ctx, gone := context.WithCancel(t.Context())
	gone()
	s := c.survey(ctx, doc, describe(schema))
	if refused := s.bound(doc); refused == nil || refused.code != CodeTimeout || s.steps > 4*pollEach {
		t.Errorf("after %d steps: %v", s.steps, refused)
	}
}

// TestTheWholeSchemaCanBeAskedForOnce has the query of the usual tools, which
// differ in how deep they follow a type.
func TestTheWholeSchemaCanBeAskedForOnce(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "toy", Input: toySchema})
	usual := introspection.NewQuery(introspection.QueryOptions{OneOf: true})
	deep := strings.Replace(usual, "ofType {", "ofType { kind name ofType { kind name } "+strings.Repeat("", 1), 1)
	for name, text := range map[string]string{"usual": usual, "deeper": deep} {
		if refused, _ := judge(t, schema, text); refused != nil {
			t.Errorf("%s: %v", name, refused.errors)
		}
	}
	_, body, _ := strings.Cut(usual, "{")
	head, rest, _ := strings.Cut(body, "\n}\n")
	twice := "query {" + head + strings.Replace(head, "__schema", "again: __schema", 1) + "\n}\n" + rest
	if refused, _ := judge(t, schema, twice); refused == nil || refused.code != CodeComplexity {
		t.Errorf("the whole twice: %v", refused)
	}
}

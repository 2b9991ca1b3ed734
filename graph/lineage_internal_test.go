package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/souk-mesh/souk/graph/model"
)

// field gives a context in which a query's only root field is resolved, as the
// executor would, and the execution that the generated code wants.
func field(tb testing.TB, query string, variables map[string]any) (context.Context, *executionContext, ast.SelectionSet) {
	tb.Helper()
	e := NewExecutableSchema(Config{}).(*executableSchema)
	doc, list := gqlparser.LoadQueryWithRules(e.Schema(), query, rules.NewDefaultRules())
	if list != nil {
		tb.Fatalf("%v in %s", list, query)
	}
	op := &graphql.OperationContext{
		Doc: doc, Operation: doc.Operations[0], Variables: variables, RecoverFunc: graphql.DefaultRecover,
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
	}
	ctx := graphql.WithResponseContext(graphql.WithOperationContext(tb.Context(), op), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	root := graphql.CollectFields(op, doc.Operations[0].SelectionSet, []string{"Query"})[0]
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: root})
	ec := newExecutionContext(op, e, make(chan graphql.DeferredResult))
	return ctx, ec, root.Selections
}

// selection writes random fields of a type: aliases, repeats, fragments and
// conditions among them.
func selection(r *rand.Rand, typename string, fields map[string]string) string {
	var b strings.Builder
	b.WriteString("{ ")
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	for range 1 + r.IntN(8) {
		name := names[r.IntN(len(names))]
		text := name
		if r.IntN(3) == 0 {
			text = fmt.Sprintf("%s_%d: %s", name, r.IntN(2), name)
		}
		if r.IntN(4) == 0 {
			text += []string{" @include(if: $yes)", " @include(if: $no)", " @skip(if: $yes)", " @skip(if: $no)"}[r.IntN(4)]
		}
		switch typename := fields[name]; typename {
		case "LineageNode":
			text += selection(r, typename, nodeFields)
		case "LineageEdge":
			text += selection(r, typename, edgeFields)
		case "FieldFlow":
			text += selection(r, typename, flowFields)
		}
		if r.IntN(4) == 0 {
			text = "... on " + typename + " { " + text + " }"
		}
		b.WriteString(text + " ")
	}
	b.WriteString("__typename }")
	return b.String()
}

var (
	graphFields = map[string]string{"rootId": "", "nodes": "LineageNode", "edges": "LineageEdge", "isTruncated": "", "truncationReason": "", "__typename": ""}
	nodeFields  = map[string]string{"id": "", "name": "", "namespace": "", "kind": "", "platform": "", "domainId": "", "depth": "", "isRestricted": "", "__typename": ""}
	edgeFields  = map[string]string{"fromId": "", "toId": "", "kind": "", "confidence": "", "methods": "", "fields": "FieldFlow", "isFieldsTruncated": "", "__typename": ""}
	flowFields  = map[string]string{"from": "", "to": "", "transform": "", "__typename": ""}
)

func randomGraph(r *rand.Rand, nodes, edges int) *LineageGraph {
	words := []string{"", "orders", "größe", "a\"b", `c\d`, "tab\tnew\nline\r", "\x00\x1f\x7f", "\u2028<&>", "broken \xff utf-8", "日本"}
	word := func() string { return words[r.IntN(len(words))] }
	id := func() model.ID { return model.ID("ast_" + word()) }
	g := &LineageGraph{LineageGraph: model.LineageGraph{RootID: id(), Truncated: r.IntN(2) == 0, Reason: word()}}
	for range nodes {
		g.Nodes = append(g.Nodes, model.LineageNode{
			ID: id(), Name: word(), Namespace: word(), Kind: model.AssetKind([]string{"", "TABLE", "SPOON"}[r.IntN(3)]),
			Platform: word(), DomainID: model.ID(word()), Depth: r.IntN(20) - 10, Restricted: r.IntN(2) == 0,
		})
	}
	for range edges {
		e := model.LineageEdge{FromID: id(), ToID: id(), Kind: model.EdgeDerives, Confidence: []float64{0, 1, 0.7, 1e-9, 1.0 / 3, 1e21}[r.IntN(6)]}
		for range r.IntN(3) {
			e.Methods = append(e.Methods, word())
		}
		for range r.IntN(3) {
			e.Fields = append(e.Fields, model.FieldFlow{From: word(), To: word(), Transform: word()})
		}
		e.FieldsTruncated = r.IntN(2) == 0
		g.Edges = append(g.Edges, e)
	}
	return g
}

// TestLineageEqualsGenerated compares the two ways to write a graph, byte for byte.
func TestLineageEqualsGenerated(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := randomGraph(r, r.IntN(4), r.IntN(4))
		query := "query($yes: Boolean!, $no: Boolean!) { lineage(rootId: \"x\") @skip(if: $no) @include(if: $yes) " + selection(r, "LineageGraph", graphFields) + " }"
		ctx, ec, set := field(t, query, map[string]any{"yes": true, "no": false})
		var got, want bytes.Buffer
		if err := g.MarshalGQLContext(ctx, &got); err != nil {
			t.Fatal(err)
		}
		ec._LineageGraph(ctx, set, g).MarshalGQL(&want)
		if list := graphql.GetErrors(ctx); list != nil {
			t.Fatalf("seed %d: %v", seed, list)
		}
		if got.String() != want.String() {
			t.Fatalf("seed %d: %s\ngot  %s\nwant %s", seed, query, got.String(), want.String())
		}
		if !json.Valid(got.Bytes()) {
			t.Fatalf("seed %d: no JSON: %s", seed, got.String())
		}
	}
}

const everything = `{ lineage(rootId: "x") { rootId nodes { id name kind } edges { fromId toId kind } } }`

func BenchmarkLineage(b *testing.B) {
	g := randomGraph(rand.New(rand.NewPCG(1, 1)), 2000, 2000)
	ctx, ec, set := field(b, everything, nil)
	b.Run("fast", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var out bytes.Buffer
			if err := g.MarshalGQLContext(ctx, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var out bytes.Buffer
			ec._LineageGraph(ctx, set, g).MarshalGQL(&out)
		}
	})
}

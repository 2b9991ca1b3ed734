package policy_test

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

// BenchmarkBareOPA is what BenchmarkDecide is held against: OPA as a library,
// embedded as well as it can be, on the same rules and the same input. One
// prepared query gives the entries of the platform and of the domain, sets stay
// unsorted, nothing is measured and the answer stays a term. It has no budget,
// and nobody reads the answer. Once the input is there already, and once it is
// made for each question.
func BenchmarkBareOPA(b *testing.B) {
	query, q := bareQuery(b), holder()
	eval := func(input ast.Value) *ast.Term {
		results, err := query.Eval(b.Context(), rego.EvalParsedInput(input), rego.EvalSortSets(false), rego.EvalMetrics(metrics.NoOp()))
		if err != nil || len(results) != 1 {
			b.Fatalf("%v, %v", results, err)
		}
		return results[0].Expressions[0].Value.(*ast.Term)
	}
	ready := q.Value()
	if answer := eval(ready).String(); !strings.Contains(answer, `"read.grant"`) || strings.Contains(answer, `"no.`) {
		b.Fatal(answer)
	}
	b.Run("ready", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			eval(ready)
		}
	})
	b.Run("built", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			eval(q.Value())
		}
	})
}

// holder is the question of a reader with a live grant.
func holder() policy.Question {
	q := ask(bo, model.ActDataRead, orders)
	q.Facts.Grants = []policy.GrantFact{{ID: "grt_1", Product: "dpr_orders", Purpose: "x", Until: noon.Add(time.Hour)}}
	return q
}

// bareQuery prepares the rules that Souk ships, as a program would that embeds
// OPA by itself.
func bareQuery(b *testing.B) rego.PreparedEvalQuery {
	b.Helper()
	modules := map[string]string{}
	for _, folder := range []string{"platform", "lib", "template"} {
		names, err := fs.Glob(policies.Files, folder+"/*.rego")
		if err != nil || len(names) == 0 {
			b.Fatalf("%s: %v, %v", folder, names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.rego") {
				continue
			}
			text, err := fs.ReadFile(policies.Files, name)
			if err != nil {
				b.Fatal(err)
			}
			modules[path.Clean(name)] = string(text)
		}
	}
	compiler, err := ast.CompileModules(modules)
	if err != nil {
		b.Fatal(err)
	}
	var parts []string
	for _, pkg := range []string{"platform", "template"} {
		for _, entry := range []string{"allow", "deny", "obligations", "approvals"} {
			if len(compiler.GetRulesExact(ast.MustParseRef("data.souk."+pkg+"."+entry))) > 0 {
				parts = append(parts, fmt.Sprintf("%q: data.souk.%s.%s", pkg+"."+entry, pkg, entry))
			}
		}
	}
	prepared, err := rego.New(
		rego.ParsedQuery(ast.MustParseBody("{"+strings.Join(parts, ", ")+"}")), rego.Compiler(compiler), rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t, nil }),
	).PrepareForEval(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return prepared
}

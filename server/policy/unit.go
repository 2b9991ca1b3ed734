package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/souk-mesh/souk/graph/model"
)

// unit is one package, compiled with the library and nothing else, ready to
// be asked. It never changes.
type unit struct {
	source
	lib      source
	revision string
	query    rego.PreparedEvalQuery
	consent  *rego.PreparedEvalQuery // nil when the package has no say in it
	looking  rego.PreparedEvalQuery  // of metadata.view: visible is heard beside allow
	defined  []string                // the entry rules that the package has
	compiler *ast.Compiler           // only read
	path     ast.Ref                 // data and the package

	text  sync.Once // of trees
	trees map[string]*ast.Module
}

// compile makes a unit of a package.
func compile(ctx context.Context, s, lib source) (*unit, error) {
	rules := s.rules()
	if len(rules) > maxModules {
		return nil, model.Invalid(s.pkg, fmt.Sprintf("the package has more than %d files", maxModules), "join small files, or split the domain")
	}
	c, err := compileModules(s, rules, lib.rules(), false)
	if err != nil {
		return nil, err
	}
	defined := entriesOf(c, s.pkg)
	u := &unit{source: s, lib: lib, revision: revision(rules, lib.rules()), defined: defined, compiler: c, path: ast.MustParseRef("data." + s.pkg)}
	if u.query, err = prepare(ctx, c, s.pkg, without(defined, "consent", "visible")); err != nil {
		return nil, err
	}
	if u.looking = u.query; slices.Contains(defined, "visible") {
		if u.looking, err = prepare(ctx, c, s.pkg, without(defined, "consent")); err != nil {
			return nil, err
		}
	}
	if slices.Contains(defined, "consent") {
		q, err := prepare(ctx, c, s.pkg, []string{"consent"})
		if err != nil {
			return nil, err
		}
		u.consent = &q
	}
	return u, nil
}

// parsed gives the rules as their authors wrote them.
func (u *unit) parsed() map[string]*ast.Module {
	u.text.Do(func() {
		u.trees, _ = parse(u.rules(), capabilities(false)) // they have compiled
	})
	return u.trees
}

// queryFor gives the query of what the package says about an action.
func (u *unit) queryFor(action model.Action) rego.PreparedEvalQuery {
	if action == model.ActMetadataView {
		return u.looking
	}
	return u.query
}

// compileModules checks and compiles the modules of a package beside the library.
func compileModules(s source, modules, lib map[string]string, tests bool) (*ast.Compiler, error) {
	c, parsed, err := newCompiler(&pin{own: s.pkg}, modules, lib, tests)
	if err != nil {
		return nil, err
	}
	if c.Compile(parsed); c.Failed() {
		return nil, invalid(c.Errors)
	}
	return c, nil
}

// newCompiler sets up the sandbox and parses the modules.
func newCompiler(p *pin, modules, lib map[string]string, tests bool) (*ast.Compiler, map[string]*ast.Module, error) {
	caps := capabilities(tests)
	own, err := parse(modules, caps)
	if err != nil {
		return nil, nil, err
	}
	all, err := parse(lib, caps)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(all, own)
	c := ast.NewCompiler().WithCapabilities(caps).WithStrict(true).WithEnablePrintStatements(tests).WithSchemas(schemaFor(p.own)).
		WithStageAfterID(ast.StageResolveRefs, ast.CompilerStageDefinition{Name: "Pin", MetricName: "pin", Stage: p.stage}).
		WithStageAfterID(ast.StageBuildComprehensionIndices, ast.CompilerStageDefinition{Name: "Meter", MetricName: "meter", Stage: meter})
	return c, all, nil
}

// entriesOf lists the entry rules that the package defines.
func entriesOf(c *ast.Compiler, pkg string) []string {
	var defined []string
	for _, name := range entriesFor(pkg) {
		if len(c.GetRulesExact(ast.MustParseRef("data."+pkg+"."+name))) > 0 {
			defined = append(defined, name)
		}
	}
	return defined
}

func without(names []string, drop ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(drop, n) })
}

// prepare makes one query that gives all the entries at once.
func prepare(ctx context.Context, c *ast.Compiler, pkg string, names []string) (rego.PreparedEvalQuery, error) {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%q: data.%s.%s", name, pkg, name)
	}
	options := []func(*rego.Rego){
		rego.ParsedQuery(ast.MustParseBody("{" + strings.Join(parts, ", ") + "}")), rego.Compiler(c), rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t, nil }),
	}
	q, err := rego.New(append(options, meters()...)...).PrepareForEval(ctx)
	if err != nil {
		return q, fmt.Errorf("prepare %s: %w", pkg, err)
	}
	return q, nil
}

var (
	unsorted   = rego.EvalSortSets(false)
	unmeasured = rego.EvalMetrics(metrics.NoOp())
)

// answer evaluates the package within the budget.
func (u *unit) answer(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value) (*ast.Term, int, *fault) {
	b, timer := startBudget(ctx)
	defer timer.Stop()
	m := newMemo()
	defer m.release()
	results, err := q.Eval(ctx, rego.EvalParsedInput(input), rego.EvalExternalCancel(b), rego.EvalVirtualCache(m), unsorted, unmeasured)
	if err != nil {
		return nil, b.steps, faultOf(err, b)
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return nil, b.steps, &fault{codeInvalidOutput, "the package gives no answer"}
	}
	term, _ := results[0].Expressions[0].Value.(*ast.Term)
	return term, b.steps, nil
}

func faultOf(err error, b *budget) *fault {
	switch b.why {
	case codeSteps:
		return &fault{codeSteps, fmt.Sprintf("the rules took more than %d steps", maxSteps)}
	case codeTimeout:
		return &fault{codeTimeout, fmt.Sprintf("the rules took longer than %v", deadline)}
	case codeMemory:
		return &fault{codeMemory, fmt.Sprintf("the rules took more than %d MiB of memory", maxMemory>>20)}
	case codeCancelled:
		return &fault{codeCancelled, "the caller went away before the rules had answered"}
	}
	return &fault{codeError, plain(err)}
}

// plain tells of an error of the rules with the author's file, line and names.
func plain(err error) string {
	message, at := err.Error(), ""
	for e, ok := errors.AsType[*topdown.Error](err); ok; e, ok = errors.AsType[*topdown.Error](e.Unwrap()) {
		message = e.Message
		if at == "" && e.Location != nil {
			at = fmt.Sprintf("%s:%d: ", e.Location.File, e.Location.Row)
		}
	}
	if _, inner, ok := strings.Cut(message, topdown.BuiltinErr+": "); ok {
		message = inner
	}
	if name, inner, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(name, meteredPrefix) {
		message = inner
	}
	return at + message
}

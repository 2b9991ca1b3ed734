package sandbox

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

// Unit is one package, compiled with the library and nothing else, ready to
// be asked. It never changes.
type Unit struct {
	Source
	Lib      Source
	Revision string
	Query    rego.PreparedEvalQuery
	Consent  *rego.PreparedEvalQuery // nil when the package has no say in it
	forView  rego.PreparedEvalQuery  // of metadata.view: visible is heard beside allow
	Defined  []string                // the entry rules that the package has
	Compiler *ast.Compiler           // only read
	Path     ast.Ref                 // data and the package

	text  sync.Once // of trees
	trees map[string]*ast.Module
}

// Compile makes a unit of a package.
func Compile(ctx context.Context, s, lib Source) (*Unit, error) {
	rules := s.RuleFiles()
	if len(rules) > MaxModules {
		return nil, model.Invalid(s.Pkg, fmt.Sprintf("the package has more than %d files", MaxModules), "join small files, or split the domain")
	}
	c, err := CompileModules(s, rules, lib.RuleFiles(), false)
	if err != nil {
		return nil, err
	}
	defined := entriesOf(c, s.Pkg)
	u := &Unit{Source: s, Lib: lib, Revision: Revision(rules, lib.RuleFiles()), Defined: defined, Compiler: c, Path: ast.MustParseRef("data." + s.Pkg)}
	if u.Query, err = prepare(ctx, c, s.Pkg, Without(defined, "consent", "visible")); err != nil {
		return nil, err
	}
	if u.forView = u.Query; slices.Contains(defined, "visible") {
		if u.forView, err = prepare(ctx, c, s.Pkg, Without(defined, "consent")); err != nil {
			return nil, err
		}
	}
	if slices.Contains(defined, "consent") {
		q, err := prepare(ctx, c, s.Pkg, []string{"consent"})
		if err != nil {
			return nil, err
		}
		u.Consent = &q
	}
	return u, nil
}

// Parsed gives the rules as their authors wrote them.
func (u *Unit) Parsed() map[string]*ast.Module {
	u.text.Do(func() {
		u.trees, _ = Parse(u.RuleFiles(), Capabilities(false)) // they have compiled
	})
	return u.trees
}

// QueryFor gives the query of what the package says about an action.
func (u *Unit) QueryFor(action model.Action) rego.PreparedEvalQuery {
	if action == model.ActMetadataView {
		return u.forView
	}
	return u.Query
}

// CompileModules checks and compiles the modules of a package beside the library.
func CompileModules(s Source, modules, lib map[string]string, tests bool) (*ast.Compiler, error) {
	c, parsed, err := NewCompiler(&Pin{Own: s.Pkg}, modules, lib, tests)
	if err != nil {
		return nil, err
	}
	if c.Compile(parsed); c.Failed() {
		return nil, Invalid(c.Errors)
	}
	return c, nil
}

// NewCompiler sets up the sandbox and parses the modules.
func NewCompiler(p *Pin, modules, lib map[string]string, tests bool) (*ast.Compiler, map[string]*ast.Module, error) {
	caps := Capabilities(tests)
	own, err := Parse(modules, caps)
	if err != nil {
		return nil, nil, err
	}
	all, err := Parse(lib, caps)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(all, own)
	c := ast.NewCompiler().WithCapabilities(caps).WithStrict(true).WithEnablePrintStatements(tests).WithSchemas(schemaFor(p.Own)).
		WithStageAfterID(ast.StageResolveRefs, ast.CompilerStageDefinition{Name: "Pin", MetricName: "pin", Stage: p.stage}).
		WithStageAfterID(ast.StageBuildComprehensionIndices, ast.CompilerStageDefinition{Name: "Meter", MetricName: "meter", Stage: Meter})
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

// Without leaves names out of a list.
func Without(names []string, drop ...string) []string {
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
	q, err := rego.New(append(options, Meters()...)...).PrepareForEval(ctx)
	if err != nil {
		return q, fmt.Errorf("prepare %s: %w", pkg, err)
	}
	return q, nil
}

// Unsorted and Unmeasured keep an evaluation from work that nobody looks at.
var (
	Unsorted   = rego.EvalSortSets(false)
	Unmeasured = rego.EvalMetrics(metrics.NoOp())
)

// Answer evaluates the package within the budget.
func (u *Unit) Answer(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value) (*ast.Term, int, *Fault) {
	b := takeBudget(ctx)
	defer b.release()
	m := newMemo()
	defer m.release()
	results, err := q.Eval(ctx, rego.EvalParsedInput(input), rego.EvalExternalCancel(b), rego.EvalVirtualCache(m), Unsorted, Unmeasured)
	if err != nil {
		return nil, b.Steps, faultOf(err, b)
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return nil, b.Steps, &Fault{CodeInvalidOutput, "the package gives no answer"}
	}
	term, _ := results[0].Expressions[0].Value.(*ast.Term)
	return term, b.Steps, nil
}

func faultOf(err error, b *Budget) *Fault {
	switch b.Why {
	case CodeSteps:
		return &Fault{CodeSteps, fmt.Sprintf("the rules took more than %d steps", MaxSteps)}
	case codeTimeout:
		return &Fault{codeTimeout, fmt.Sprintf("the rules took longer than %v", Deadline)}
	case codeMemory:
		return &Fault{codeMemory, fmt.Sprintf("the rules took more than %d MiB of memory", MaxMemory>>20)}
	case CodeCancelled:
		return &Fault{CodeCancelled, "the caller went away before the rules had answered"}
	}
	return &Fault{CodeError, Plain(err)}
}

// Plain tells of an error of the rules with the author's file, line and names.
func Plain(err error) string {
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
	if name, inner, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(name, MeteredPrefix) {
		message = inner
	}
	return at + message
}

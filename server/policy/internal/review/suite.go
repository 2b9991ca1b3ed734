package review

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// suite is a package with its tests, parsed once and run as often as it takes.
type suite struct {
	sandbox.Source
	own     map[string]*ast.Module // rules and tests
	modules map[string]*ast.Module // with the library
}

func suiteOf(s, lib sandbox.Source) (*suite, error) {
	caps := sandbox.Capabilities(true)
	own, err := sandbox.Parse(s.Modules, caps)
	if err != nil {
		return nil, err
	}
	all, err := sandbox.Parse(lib.RuleFiles(), caps)
	if err != nil {
		return nil, err
	}
	maps.Copy(all, own)
	return &suite{Source: s, own: own, modules: all}, nil
}

// start begins the tests. The modules have been checked before, or are such
// with one condition changed: the sandbox has nothing more to say about them.
func (s *suite) start(ctx context.Context, modules map[string]*ast.Module, tracer topdown.QueryTracer) (chan *tester.Result, error) {
	c := ast.NewCompiler().WithCapabilities(sandbox.Capabilities(true)).WithEnablePrintStatements(true).
		WithStageAfterID(ast.StageBuildComprehensionIndices, ast.CompilerStageDefinition{Name: "Meter", MetricName: "meter", Stage: sandbox.Meter})
	runner := newRunner(c, modules)
	if tracer != nil {
		runner.SetCoverageQueryTracer(tracer)
	}
	return runner.RunTests(ctx, nil)
}

// run gives the results of all the tests, in the order of their places.
func (s *suite) run(ctx context.Context, modules map[string]*ast.Module, tracer topdown.QueryTracer) ([]*tester.Result, error) {
	running, err := s.start(ctx, modules, tracer)
	if err != nil {
		return nil, sandbox.Invalid(sandbox.AsErrors(err))
	}
	return inPlace(running), nil
}

// newRunner runs tests as the sandbox lets them run.
func newRunner(c *ast.Compiler, modules map[string]*ast.Module) *tester.Runner {
	return tester.NewRunner().SetCompiler(c).SetModules(modules).SetTimeout(testTimeout).SetCoverageRuns(nil).
		CapturePrintOutput(true).RaiseBuiltinErrors(true).AddCustomBuiltins(meteredForTests())
}

// inPlace waits for the results and puts them in the order of their places.
func inPlace(running <-chan *tester.Result) []*tester.Result {
	var results []*tester.Result
	for t := range running {
		results = append(results, t)
	}
	slices.SortFunc(results, func(a, b *tester.Result) int {
		return cmp.Or(cmp.Compare(a.Location.File, b.Location.File), cmp.Compare(a.Location.Row, b.Location.Row), cmp.Compare(a.Name, b.Name))
	})
	return results
}

// passes reports whether every test does, and false as soon as one does not.
// Rules that do not compile are reported by ok.
func (s *suite) passes(ctx context.Context, modules map[string]*ast.Module) (passes, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running, err := s.start(ctx, modules, nil)
	if err != nil {
		return false, false
	}
	passes = true
	for t := range running {
		if t.Fail || t.Error != nil {
			passes = false
			cancel()
		}
	}
	return passes, true
}

// ruleAt finds the rule that the lines belong to.
func ruleAt(m *ast.Module, r LineRange) *ast.Rule {
	for _, rule := range m.Rules {
		first := rule.Location.Row
		if last := first + strings.Count(string(rule.Location.Text), "\n"); r.From <= last && r.To >= first {
			return rule
		}
	}
	return nil
}

// decision is an action that the package decides, and the first rule that does.
type decision struct {
	action         model.Action // "" is any
	allows, denies bool
	file           string
	line           int
}

// decided lists the actions that the rules of the package name, sorted.
func (s *suite) decided() []decision {
	byAction := map[model.Action]*decision{}
	for _, file := range sandbox.SortedFiles(s.own) {
		if sandbox.IsTest(file) {
			continue
		}
		for _, r := range s.own[file].Rules {
			name := r.Head.Ref()[0].Value.String()
			if name != "allow" && name != "deny" {
				continue
			}
			about := sandbox.ActionsOf(r)
			if len(about) == 0 {
				about = []model.Action{""}
			}
			for _, a := range about {
				d, ok := byAction[a]
				if !ok {
					d = &decision{action: a, file: file, line: r.Location.Row}
					byAction[a] = d
				}
				d.allows, d.denies = d.allows || name == "allow", d.denies || name == "deny"
			}
		}
	}
	var list []decision
	for _, a := range slices.Sorted(maps.Keys(byAction)) {
		list = append(list, *byAction[a])
	}
	return list
}

// accidental lists the tests that pass whatever the rules say: they look at no
// rule of the package, or they compare nothing.
func (s *suite) accidental() []*ast.Rule {
	var list []*ast.Rule
	for _, file := range sandbox.SortedFiles(s.own) {
		if !sandbox.IsTest(file) {
			continue
		}
		for _, r := range s.own[file].Rules {
			name := string(r.Head.Name)
			if strings.HasPrefix(name, "test_") && (!asserts(r.Body) || !s.refersToRules(r, map[string]bool{})) {
				list = append(list, r)
			}
		}
	}
	return list
}

// asserts reports a condition that can be unmet.
func asserts(body ast.Body) bool {
	return slices.ContainsFunc(body, func(e *ast.Expr) bool {
		switch terms := e.Terms.(type) {
		case *ast.SomeDecl:
			return false
		case *ast.Every:
			return asserts(terms.Body)
		case *ast.Term:
			return e.IsNegated() || !ast.IsConstant(terms.Value)
		case []*ast.Term:
			operator := terms[0].String()
			return operator != "assign" && operator != "print" && operator != "internal.print"
		}
		return true
	})
}

// refersToRules reports whether the rule, or a rule of the tests that it names, refers
// to a rule of the package.
func (s *suite) refersToRules(r *ast.Rule, visited map[string]bool) bool {
	found := false
	ast.WalkRefs(r, func(ref ast.Ref) bool {
		found = found || s.isOwn(r.Module, ref) || s.helps(ref[0].String(), visited)
		return found
	})
	if !found {
		ast.WalkVars(r, func(v ast.Var) bool {
			found = found || s.helps(string(v), visited)
			return found
		})
	}
	return found
}

// helps looks into the rules of the tests that have the name.
func (s *suite) helps(name string, visited map[string]bool) bool {
	if visited[name] {
		return false
	}
	visited[name] = true
	for file, m := range s.own {
		if !sandbox.IsTest(file) {
			continue
		}
		for _, r := range m.Rules {
			if string(r.Head.Name) == name && s.refersToRules(r, visited) {
				return true
			}
		}
	}
	return false
}

// isOwn reports a reference to the package, by its full name or by an import.
func (s *suite) isOwn(m *ast.Module, ref ast.Ref) bool {
	own := ast.MustParseRef("data." + s.Pkg)
	if ref.HasPrefix(own) {
		return true
	}
	for _, i := range m.Imports {
		path, ok := i.Path.Value.(ast.Ref)
		if ok && path.HasPrefix(own) && ref[0].Value.Compare(i.Name()) == 0 {
			return true
		}
	}
	return false
}

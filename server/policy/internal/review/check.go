package review

import (
	"context"
	"errors"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// maxFound is how many errors the compiler looks for before it gives up.
const maxFound = 100

// Check looks a draft over and lists everything that is wrong with it, in a
// child process where there is one: to compile cannot be interrupted. Problems
// of severity "error" keep it from going on; the hash is its content address,
// "" when it does not compile.
func (e *Desk) Check(ctx context.Context, d sandbox.Draft) (hash string, problems []model.PolicyProblem) {
	if len(e.child) == 0 {
		return e.check(ctx, d)
	}
	found, err := e.send(ctx, childTask{Task: taskCheck, Draft: d})
	if err != nil {
		return "", []model.PolicyProblem{childFailed(err)}
	}
	return found.Hash, found.Problems
}

// check is Check in this process.
func (e *Desk) check(ctx context.Context, d sandbox.Draft) (hash string, problems []model.PolicyProblem) {
	if problems = misplaced(d); len(problems) > 0 {
		return "", problems
	}
	parsed, problems := parseAll(d)
	if len(problems) > 0 {
		return "", sandbox.InOrder(problems)
	}
	problems = append(e.compileErrors(d), e.testErrors(d)...)
	if len(problems) > 0 {
		return "", sandbox.InOrder(problems)
	}
	u, err := e.Compile(ctx, d) // what is left is what only the whole draft shows
	if err != nil {
		return "", sandbox.ProblemsOf(err)
	}
	return u.Revision, sandbox.InOrder(slices.Concat(remarks(d, parsed), u.RowByRow(ctx, d.Domain), Computes(d)))
}

// misplaced lists the files that do not belong to the draft.
func misplaced(d sandbox.Draft) []model.PolicyProblem {
	if len(d.Modules) == 0 {
		return []model.PolicyProblem{{Severity: sandbox.SeverityError, Code: "policy.empty", Message: "the draft holds no file", Fix: "propose at least one file of rules"}}
	}
	var problems []model.PolicyProblem
	paths := map[string]bool{}
	for _, m := range d.Modules {
		if _, err := (sandbox.Draft{Domain: d.Domain, Modules: []model.PolicyModule{m}}).Source(); err != nil {
			problems = append(problems, sandbox.ProblemsOf(err)...)
		} else if paths[m.Path] {
			problems = append(problems, model.PolicyProblem{Severity: sandbox.SeverityError, Code: "policy.invalid", File: m.Path, Message: "the file is there twice", Fix: "keep one of the two"})
		}
		paths[m.Path] = true
	}
	for i := range problems {
		problems[i].Code = "policy.misplaced"
	}
	return problems
}

// parseAll reads every file by itself, so that one that does not parse hides
// nothing about the others.
func parseAll(d sandbox.Draft) (map[string]*ast.Module, []model.PolicyProblem) {
	parsed := map[string]*ast.Module{}
	var problems []model.PolicyProblem
	for _, m := range d.Modules {
		one, err := sandbox.Parse(map[string]string{m.Path: m.Text}, sandbox.Capabilities(sandbox.IsTest(m.Path)))
		if err == nil {
			parsed[m.Path] = one[m.Path]
			continue
		}
		if _, large := errors.AsType[*model.Error](err); large && len(m.Text) > sandbox.MaxModuleSize {
			problems = append(problems, sandbox.ProblemsOf(err)...)
			continue
		}
		_, err = sandbox.ParseModule(m.Path, m.Text, sandbox.Capabilities(sandbox.IsTest(m.Path)))
		problems = append(problems, plainest(sandbox.ProblemsOf(err))...)
	}
	return parsed, problems
}

// plainest keeps of the parser's several words about one line the longest.
func plainest(problems []model.PolicyProblem) []model.PolicyProblem {
	var kept []model.PolicyProblem
	for _, p := range problems {
		i := slices.IndexFunc(kept, func(k model.PolicyProblem) bool { return k.Line == p.Line && k.Code == p.Code })
		switch {
		case i < 0:
			kept = append(kept, p)
		case len(p.Message) > len(kept[i].Message):
			kept[i] = p
		}
	}
	return kept
}

// packagesOf gives the packages that a draft proposes: its rules, and its
// standards where it has any.
func packagesOf(d sandbox.Draft) []sandbox.Source {
	var packages []sandbox.Source
	if s, err := d.Source(); err == nil && len(s.Modules) > 0 {
		packages = append(packages, s)
	}
	if s := d.Standards(); len(s.Modules) > 0 {
		packages = append(packages, s)
	}
	return packages
}

// compileErrors compiles the rules as the server would, to the end.
func (e *Desk) compileErrors(d sandbox.Draft) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, s := range packagesOf(d) {
		problems = append(problems, compileTo(s, s.RuleFiles(), e.Library(), false)...)
	}
	return problems
}

// testErrors compiles the tests beside the rules; only what is wrong with the
// tests themselves is new.
func (e *Desk) testErrors(d sandbox.Draft) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, s := range packagesOf(d) {
		for _, p := range compileTo(s, s.Modules, e.Library(), true) {
			if sandbox.IsTest(p.File) {
				problems = append(problems, p)
			}
		}
	}
	return problems
}

func compileTo(s sandbox.Source, modules map[string]string, lib sandbox.Source, tests bool) []model.PolicyProblem {
	p := &sandbox.Pin{Own: s.Pkg, Gather: true}
	c, parsed, err := sandbox.NewCompiler(p, modules, lib.RuleFiles(), tests)
	if err != nil {
		return sandbox.ProblemsOf(err)
	}
	c.SetErrorLimit(maxFound).Compile(parsed)
	if len(c.Errors)+len(p.Faults) == 0 {
		return nil
	}
	return sandbox.ProblemsOf(append(p.Faults, c.Errors...))
}

// remarks tells what is worth mending in rules that compile.
func remarks(d sandbox.Draft, parsed map[string]*ast.Module) []model.PolicyProblem {
	l := lint{}
	for _, m := range d.Modules {
		l.formatted(m)
		if sandbox.IsTest(m.Path) {
			l.tests += m.Text
		}
	}
	for _, file := range sandbox.SortedFiles(parsed) {
		if sandbox.IsTest(file) {
			continue
		}
		for _, r := range parsed[file].Rules {
			l.rule(file, r)
		}
	}
	if l.tests == "" {
		l.warn("policy.untested", d.Modules[0].Path, 1, "the draft has no tests", "write tests into a file that ends in _test.rego beside the rules")
	}
	return l.problems
}

// broken reports a problem that keeps the draft from going on.
func broken(problems []model.PolicyProblem) bool {
	return slices.ContainsFunc(problems, func(p model.PolicyProblem) bool { return p.Severity == sandbox.SeverityError })
}

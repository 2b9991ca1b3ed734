package policy

import (
	"context"
	"errors"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// maxFound is how many errors the compiler looks for before it gives up.
const maxFound = 100

// Check looks a draft over and lists everything that is wrong with it, in a
// child process where there is one: to compile cannot be interrupted. Problems
// of severity "error" keep it from going on; the hash is its content address,
// "" when it does not compile.
func (e *desk) Check(ctx context.Context, d Draft) (hash string, problems []model.PolicyProblem) {
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
func (e *desk) check(ctx context.Context, d Draft) (hash string, problems []model.PolicyProblem) {
	if problems = misplaced(d); len(problems) > 0 {
		return "", problems
	}
	parsed, problems := parseAll(d)
	if len(problems) > 0 {
		return "", inOrder(problems)
	}
	problems = append(e.compileErrors(d), e.testErrors(d)...)
	if len(problems) > 0 {
		return "", inOrder(problems)
	}
	u, err := e.compile(ctx, d) // what is left is what only the whole draft shows
	if err != nil {
		return "", problemsOf(err)
	}
	return u.revision, inOrder(slices.Concat(remarks(d, parsed), u.rowByRow(ctx, d.Domain), Computes(d)))
}

// misplaced lists the files that do not belong to the draft.
func misplaced(d Draft) []model.PolicyProblem {
	if len(d.Modules) == 0 {
		return []model.PolicyProblem{{Severity: severityError, Code: "policy.empty", Message: "the draft holds no file", Fix: "propose at least one file of rules"}}
	}
	var problems []model.PolicyProblem
	seen := map[string]bool{}
	for _, m := range d.Modules {
		if _, err := (Draft{Domain: d.Domain, Modules: []model.PolicyModule{m}}).source(); err != nil {
			problems = append(problems, problemsOf(err)...)
		} else if seen[m.Path] {
			problems = append(problems, model.PolicyProblem{Severity: severityError, Code: "policy.invalid", File: m.Path, Message: "the file is there twice", Fix: "keep one of the two"})
		}
		seen[m.Path] = true
	}
	for i := range problems {
		problems[i].Code = "policy.misplaced"
	}
	return problems
}

// parseAll reads every file by itself, so that one that does not parse hides
// nothing about the others.
func parseAll(d Draft) (map[string]*ast.Module, []model.PolicyProblem) {
	parsed := map[string]*ast.Module{}
	var problems []model.PolicyProblem
	for _, m := range d.Modules {
		one, err := parse(map[string]string{m.Path: m.Text}, capabilities(isTest(m.Path)))
		if err == nil {
			parsed[m.Path] = one[m.Path]
			continue
		}
		if _, large := errors.AsType[*model.Error](err); large && len(m.Text) > maxModuleSize {
			problems = append(problems, problemsOf(err)...)
			continue
		}
		_, err = parseModule(m.Path, m.Text, capabilities(isTest(m.Path)))
		problems = append(problems, plainest(problemsOf(err))...)
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
func packagesOf(d Draft) []source {
	var packages []source
	if s, err := d.source(); err == nil && len(s.modules) > 0 {
		packages = append(packages, s)
	}
	if s := d.standards(); len(s.modules) > 0 {
		packages = append(packages, s)
	}
	return packages
}

// compileErrors compiles the rules as the server would, to the end.
func (e *desk) compileErrors(d Draft) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, s := range packagesOf(d) {
		problems = append(problems, compileTo(s, s.rules(), e.Library(), false)...)
	}
	return problems
}

// testErrors compiles the tests beside the rules; only what is wrong with the
// tests themselves is new.
func (e *desk) testErrors(d Draft) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, s := range packagesOf(d) {
		for _, p := range compileTo(s, s.modules, e.Library(), true) {
			if isTest(p.File) {
				problems = append(problems, p)
			}
		}
	}
	return problems
}

func compileTo(s source, modules map[string]string, lib source, tests bool) []model.PolicyProblem {
	p := &pin{own: s.pkg, gather: true}
	c, parsed, err := newCompiler(p, modules, lib.rules(), tests)
	if err != nil {
		return problemsOf(err)
	}
	c.SetErrorLimit(maxFound).Compile(parsed)
	if len(c.Errors)+len(p.faults) == 0 {
		return nil
	}
	return problemsOf(append(p.faults, c.Errors...))
}

// remarks tells what is worth mending in rules that compile.
func remarks(d Draft, parsed map[string]*ast.Module) []model.PolicyProblem {
	l := lint{}
	for _, m := range d.Modules {
		l.formatted(m)
		if isTest(m.Path) {
			l.tests += m.Text
		}
	}
	for _, file := range sortedFiles(parsed) {
		if isTest(file) {
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
	return slices.ContainsFunc(problems, func(p model.PolicyProblem) bool { return p.Severity == severityError })
}

package review

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// mutant is one change to one condition of a rule.
type mutant struct {
	file       string
	rule, expr int // their places in the module
	change     string
	line       int
	text       string // of the condition
	apply      func(ast.Body, int) ast.Body
}

// opposites name the comparison that holds when the other does not.
var opposites = map[string]string{
	"eq": "neq", "equal": "neq", "neq": "equal", "lt": "gte", "gte": "lt", "gt": "lte", "lte": "gt",
}

// survivors changes the conditions of the package one at a time and lists the
// changes that every test lets pass. What the context leaves no time for is
// not tried.
func (e *Desk) survivors(ctx context.Context, s sandbox.Source) []model.PolicyProblem {
	tests, err := suiteOf(s, e.Library())
	if err != nil {
		return nil // it was proven before
	}
	var alive []model.PolicyProblem
	for _, m := range tests.mutants() {
		modules := maps.Clone(tests.modules)
		modules[m.file] = m.of(tests.own[m.file])
		passes, ok := tests.passes(ctx, modules)
		if ctx.Err() != nil {
			break
		}
		if ok && passes {
			alive = append(alive, model.PolicyProblem{
				Severity: sandbox.SeverityWarning, Code: "policy.survivor", File: m.file, Line: m.line,
				Message: fmt.Sprintf("no test notices when this condition is %s: %s", m.change, m.text),
				Fix:     "test a question for which this condition alone decides",
			})
		}
	}
	return sandbox.InOrder(alive)
}

// of gives the module with the change in it.
func (m mutant) of(module *ast.Module) *ast.Module {
	changed := module.Copy()
	r := changed.Rules[m.rule]
	r.Body = m.apply(r.Body, m.expr)
	for i, e := range r.Body {
		e.Index = i
	}
	return changed
}

// mutants lists the changes, those to rules that deny first.
func (s *suite) mutants() []mutant {
	var denials, others []mutant
	for _, file := range sandbox.SortedFiles(s.own) {
		if sandbox.IsTest(file) {
			continue
		}
		for i, r := range s.own[file].Rules {
			list := mutantsOf(file, i, r)
			if r.Head.Ref()[0].Value.String() == "deny" {
				denials = append(denials, list...)
			} else {
				others = append(others, list...)
			}
		}
	}
	return append(denials, others...)
}

func mutantsOf(file string, rule int, r *ast.Rule) []mutant {
	var list []mutant
	for i, e := range r.Body {
		if !changeable(e) {
			continue
		}
		text, _, _ := strings.Cut(strings.TrimSpace(string(e.Location.Text)), "\n")
		at := mutant{file: file, rule: rule, expr: i, line: e.Location.Row, text: text}
		at.change, at.apply = "turned round", turned
		list = append(list, at)
		if len(r.Body) > 1 {
			at.change, at.apply = "left out", leftOut
			list = append(list, at)
		}
	}
	return list
}

// changeable passes over what binds variables and over what is always true.
func changeable(e *ast.Expr) bool {
	switch terms := e.Terms.(type) {
	case *ast.SomeDecl, *ast.Every:
		return false
	case *ast.Term:
		return !ast.IsConstant(terms.Value)
	case []*ast.Term:
		return terms[0].String() != "assign" && (terms[0].String() != "eq" || !binds(terms))
	}
	return true // not, and, or
}

// binds reports a variable on one side of a unification.
func binds(terms []*ast.Term) bool {
	return slices.ContainsFunc(terms[1:], func(t *ast.Term) bool { _, ok := t.Value.(ast.Var); return ok })
}

// turned makes the condition hold when it did not: a comparison by its
// opposite, a negation by what it negates, anything else by a negation.
func turned(body ast.Body, i int) ast.Body {
	e := body[i]
	if not, ok := e.Terms.(*ast.Not); ok {
		return slices.Concat(body[:i], not.Body, body[i+1:])
	}
	if e.IsCall() && !e.Negated {
		if opposite, ok := opposites[e.Operator().String()]; ok {
			e.SetOperator(ast.NewTerm(ast.Ref{ast.VarTerm(opposite)}))
			return body
		}
	}
	other := ast.NotExpr(e)
	other.Location = e.Location
	return slices.Concat(body[:i], ast.Body{other}, body[i+1:])
}

// leftOut drops the condition.
func leftOut(body ast.Body, i int) ast.Body { return slices.Delete(slices.Clone(body), i, i+1) }

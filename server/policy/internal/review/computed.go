package review

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// The functions that can make a domain's name, or find one by a part of it.
var (
	makers = []string{
		"concat", "format_int", "internal.template_string", "lower", "object.get", "replace", "split", "sprintf", "substring",
		"trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix", "upper",
	}
	matchers = []string{"contains", "endswith", "glob.match", "indexof", "regex.match", "startswith", "strings.any_prefix_match", "strings.any_suffix_match", "strings.count"}
	rankings = []string{"gt", "gte", "lt", "lte"}
)

// personal are the fields, besides those of asking, that tell one domain's
// people from another's.
var personal = question.FieldsNaming(question.NamesPerson)

// Computes lists the places where the rules of a draft make the name of a
// domain, a team or a person, or look for one by a part of it. Nobody can tell
// from the text whom such a rule means, so it may mean everybody.
func Computes(d sandbox.Draft) []model.PolicyProblem {
	t := readTouches(d)
	var problems []model.PolicyProblem
	t.eachAsking(func(within map[string]bool) {
		for name := range within {
			for _, r := range t.rules[name] {
				problems = append(problems, computed(r)...)
			}
		}
	})
	return sandbox.InOrder(problems)
}

func computed(r *ast.Rule) []model.PolicyProblem {
	var problems []model.PolicyProblem
	if r.Head.Key == nil && r.Head.Value != nil && works(r.Head.Value) { // what a helper gives
		problems = append(problems, meansAnybody(r.Location))
	}
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		if !computes(e) || onlySaid(r, e) {
			return false
		}
		problems = append(problems, meansAnybody(e.Location))
		return true
	})
	return problems
}

func meansAnybody(at *ast.Location) model.PolicyProblem {
	return model.PolicyProblem{
		Severity: sandbox.SeverityWarning, Code: "policy.touches_all", File: at.File, Line: at.Row,
		Message: "whom this condition means cannot be told from its text, so every domain has a say in these rules",
		Fix:     "write the names of the domains or teams out",
	}
}

// computes reports that the expression makes or matches a text which may be a
// name. One that only looks at plain fields of another kind does not.
func computes(e *ast.Expr) bool {
	called := e.IsCall() && working(e.Operator().String(), e.Operands())
	if !called && !works(e) {
		return false
	}
	open := false
	eachTerm(e, func(t *ast.Term) {
		switch v := t.Value.(type) {
		case ast.Var:
			open = open || !isFunction(v)
		case ast.Ref:
			open = open || (revealing(v) && !isFunction(v))
		}
	})
	return open
}

// works reports that a text is made or matched somewhere within.
func works(x any) bool {
	found := false
	ast.WalkTerms(x, func(t *ast.Term) bool {
		switch v := t.Value.(type) {
		case ast.Call:
			found = found || working(v.Operator().String(), v[1:])
		case *ast.TemplateString:
			found = true
		}
		return found
	})
	return found
}

func working(operator string, operands []*ast.Term) bool {
	if slices.Contains(makers, operator) || slices.Contains(matchers, operator) {
		return true
	}
	text := func(t *ast.Term) bool { _, ok := t.Value.(ast.String); return ok }
	return slices.Contains(rankings, operator) && slices.ContainsFunc(operands, text)
}

func isFunction(v ast.Value) bool { return slices.Contains(sandbox.AllowedNames, v.String()) }

// revealing reports a reference that may tell one domain from another: all but
// plain fields of the input that say nothing of the kind.
func revealing(ref ast.Ref) bool {
	name := sandbox.FieldName(ref)
	if name == "" || slices.Contains(personal, name) {
		return true
	}
	return slices.ContainsFunc(asking, func(path []string) bool { return slices.Equal(path, sandbox.WordsOf(ref)) })
}

// onlySaid reports that what is made goes into what the rule says, not into
// what it decides by: msg := sprintf(...).
func onlySaid(r *ast.Rule, e *ast.Expr) bool {
	if !e.IsAssignment() {
		return false
	}
	v, ok := e.Operand(0).Value.(ast.Var)
	if !ok || r.Head.Value != nil && r.Head.Key == nil {
		return false
	}
	for _, other := range r.Body {
		if other != e && usesVar(other, v) {
			return false
		}
	}
	return true
}

func usesVar(x any, v ast.Var) bool {
	found := false
	ast.WalkVars(x, func(w ast.Var) bool { found = found || w == v; return found })
	return found
}

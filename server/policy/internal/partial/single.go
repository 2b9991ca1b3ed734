package partial

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// ambiguous finds a rule, among those that the chosen ones lead to, that might
// have two values at once. The decision refuses then; a partial evaluation
// goes both ways and does not notice, so that it says nothing about such rules.
func (u *Rules) ambiguous(chosen func(*ast.Rule) bool) error {
	names, seen := map[string][]*ast.Rule{}, map[util.T]struct{}{}
	var visit func(rules map[util.T]struct{})
	visit = func(rules map[util.T]struct{}) {
		for x := range rules {
			if _, again := seen[x]; !again {
				seen[x] = struct{}{}
				visit(u.Compiler.Graph.Dependencies(x))
			}
		}
	}
	for _, m := range u.Compiler.Modules {
		for _, r := range m.Rules {
			if m.Package.Path.Equal(u.Path) && chosen(r) {
				visit(u.Compiler.Graph.Dependencies(r))
			}
		}
	}
	for _, m := range u.Compiler.Modules {
		for _, r := range m.Rules {
			if _, asked := seen[r]; asked && !r.Default && r.Head.RuleKind() == ast.SingleValue {
				name := m.Package.Path.String() + string(r.Head.Name)
				names[name] = append(names[name], r)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for i, r := range names[name] {
			if !u.single(r) || slices.ContainsFunc(names[name][:i], func(o *ast.Rule) bool { return !disjoint(o, r) && !sameConstant(o, r) }) {
				return cannot(r.Location, "the rule %s might have two values at once", r.Head.Name)
			}
		}
	}
	return nil
}

// disjoint recognises rules that are never asked for the same thing.
func disjoint(a, b *ast.Rule) bool {
	differ := func(x, y []*ast.Term) bool {
		for i := range min(len(x), len(y)) {
			if ast.IsConstant(x[i].Value) && ast.IsConstant(y[i].Value) && !x[i].Equal(y[i]) {
				return true
			}
		}
		return false
	}
	return differ(a.Head.Ref(), b.Head.Ref()) || differ(a.Head.Args, b.Head.Args)
}

// sameConstant recognises rules that have one value, whichever holds.
func sameConstant(a, b *ast.Rule) bool {
	for _, r := range []*ast.Rule{a, b} {
		for ; r != nil; r = r.Else {
			if !ast.IsConstant(r.Head.Value.Value) || !r.Head.Value.Equal(a.Head.Value) {
				return false
			}
		}
	}
	return true
}

// single reports that the rule alone has no more than one value: what it is
// made of does not run over anything.
func (u *Rules) single(r *ast.Rule) bool {
	for ; r != nil; r = r.Else {
		known := ast.VarSet{}
		for _, t := range slices.Concat([]*ast.Term(r.Head.Args), r.Head.Ref()) {
			known.Update(varsOf(t))
		}
		for again := true; again; {
			again = slices.ContainsFunc(r.Body, func(e *ast.Expr) bool { return u.determines(e, known) })
		}
		if len(varsOf(r.Head.Value).Diff(known)) > 0 {
			return false
		}
	}
	return true
}

// determines learns a variable that has its one value by the expression.
func (u *Rules) determines(e *ast.Expr, known ast.VarSet) bool {
	if e.Negated || !e.IsCall() {
		return false
	}
	give := func(to *ast.Term, from ...*ast.Term) bool {
		v, ok := to.Value.(ast.Var)
		if !ok || known.Contains(v) || slices.ContainsFunc(from, func(t *ast.Term) bool { return len(varsOf(t).Diff(known)) > 0 }) {
			return false
		}
		known.Add(v)
		return true
	}
	operands := e.Operands()
	if e.IsEquality() {
		return give(operands[0], operands[1]) || give(operands[1], operands[0])
	}
	last, arity := len(operands)-1, -1
	operator, _ := e.OperatorTerm().Value.(ast.Ref)
	if rules := u.Compiler.GetRules(operator); len(rules) > 0 {
		arity = len(rules[0].Head.Args)
	} else if b := ast.BuiltinMap[strings.TrimPrefix(operator.String(), sandbox.MeteredPrefix)]; b != nil && !b.Relation {
		arity = b.Decl.Arity()
	}
	return last == arity && give(operands[last], operands[:last]...)
}

func varsOf(t *ast.Term) ast.VarSet {
	vars := ast.VarSet{}
	ast.WalkVars(t, func(v ast.Var) bool {
		if !ast.RootDocumentNames.Contains(ast.NewTerm(v)) {
			vars.Add(v)
		}
		return false
	})
	return vars
}

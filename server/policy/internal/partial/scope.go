package partial

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// scope is what is known of the variables of a body.
type scope struct {
	vars map[ast.Var]*ast.Term // by what they stand for
	each map[ast.Var]int       // those that run over a list, by their slots
	list map[ast.Var]filter.Field
}

func newScope() scope {
	return scope{vars: map[ast.Var]*ast.Term{}, each: map[ast.Var]int{}, list: map[ast.Var]filter.Field{}}
}

func (s scope) clone() scope {
	return scope{vars: maps.Clone(s.vars), each: maps.Clone(s.each), list: maps.Clone(s.list)}
}

// bindAll takes the expressions out that say what a variable stands for.
func (s scope) bindAll(b ast.Body) ([]*ast.Expr, error) {
	rest := slices.Clone([]*ast.Expr(b))
	for again := true; again; {
		again = false
		for i, e := range rest {
			if len(e.With) > 0 {
				return nil, cannot(e.Location, "with changes the input in the middle of a rule")
			}
			if s.bind(e) {
				rest, again = slices.Delete(rest, i, i+1), true
				break
			}
		}
	}
	return rest, nil
}

func (s scope) bind(e *ast.Expr) bool {
	if e.Negated || !e.IsCall() {
		return false
	}
	operands, operator := e.Operands(), e.Operator().String()
	if (operator == "eq" || operator == "assign") && len(operands) == 2 {
		return s.assign(operands[0], operands[1]) || s.assign(operands[1], operands[0])
	}
	b := ast.BuiltinMap[strings.TrimPrefix(operator, sandbox.MeteredPrefix)]
	if b == nil || len(operands) != b.Decl.Arity()+1 {
		return false
	}
	last := len(operands) - 1
	return s.assign(operands[last], ast.CallTerm(append([]*ast.Term{e.OperatorTerm()}, operands[:last]...)...))
}

// assign binds a variable that nothing is known of yet.
func (s scope) assign(to, value *ast.Term) bool {
	v, ok := to.Value.(ast.Var)
	if !ok || s.knows(v) {
		return false
	}
	if w, ok := value.Value.(ast.Var); ok && w == v {
		return false
	}
	s.vars[v] = value
	return true
}

func (s scope) knows(v ast.Var) bool {
	_, bound := s.vars[v]
	_, each := s.each[v]
	return bound || each || v.Equal(ast.InputRootDocument.Value) || v.Equal(ast.DefaultRootDocument.Value)
}

// since lists what the variables stand for that the outer scope did not know.
func (s scope) since(outer scope) []*ast.Term {
	var bound []*ast.Term
	for _, v := range slices.Sorted(maps.Keys(s.vars)) {
		if _, old := outer.vars[v]; !old {
			bound = append(bound, s.resolve(ast.NewTerm(v)))
		}
	}
	return bound
}

// alwaysDefined are the parts of the input that every question has.
var alwaysDefined = []ast.Ref{
	ast.MustParseRef("input"), ast.MustParseRef("input.resource"), ast.MustParseRef("input.facts"),
	ast.MustParseRef("input.context"), ast.MustParseRef("input.subject"),
}

// exist makes sure that what the variables stand for always has a value: a
// variable without one would make its whole body fail.
func (t *translator) exist(bound []*ast.Term, s scope) error {
	for _, term := range bound {
		ref, _ := term.Value.(ast.Ref)
		if ast.IsConstant(term.Value) || slices.ContainsFunc(alwaysDefined, func(w ast.Ref) bool { return w.Equal(ref) }) || s.isElement(ref) {
			continue
		}
		if call, ok := term.Value.(ast.Call); ok && lookup(term) {
			term = call[2]
		}
		if _, err := t.operand(term, s, term.Location); err != nil {
			return err
		}
	}
	return nil
}

// isElement recognises one grant as a whole.
func (s scope) isElement(ref ast.Ref) bool {
	if len(ref) != 4 || rowFields[ref[:3].String()] != filter.FieldGrants {
		return false
	}
	v, _ := ref[3].Value.(ast.Var)
	_, each := s.each[v]
	return each
}

// runOver finds the variables that index a list of the row.
func (s scope) runOver(exprs []*ast.Expr, bound []*ast.Term) (fresh []ast.Var, err error) {
	var visit func(any) bool
	visit = func(n any) bool {
		switch n := n.(type) {
		case *ast.Not, *ast.LogicalAnd, *ast.LogicalOr, *ast.Every, *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
			return true // their variables are their own
		case *ast.Expr:
			return n.Negated
		case *ast.Term:
			if v, bound := n.Value.(ast.Var); bound && s.vars[v] != nil {
				s.walk(s.resolve(n), visit)
				return true
			}
			field, v, ok := s.indexed(s.resolve(n))
			if !ok {
				return false
			}
			if len(s.each) == filter.MaxSlots {
				err = cannot(n.Location, "lists are walked within lists")
				return true
			}
			s.each[v], s.list[v] = len(s.each), field
			fresh = append(fresh, v)
		}
		return false
	}
	for _, e := range exprs {
		s.walk(e, visit)
	}
	for _, value := range bound {
		s.walk(value, visit)
	}
	return fresh, err
}

func (scope) walk(n any, visit func(any) bool) { ast.NewGenericVisitor(visit).Walk(n) }

// indexed recognises input.resource.tags[v] and its like with a free variable.
func (s scope) indexed(t *ast.Term) (filter.Field, ast.Var, bool) {
	ref, ok := t.Value.(ast.Ref)
	if !ok || len(ref) < 4 {
		return 0, "", false
	}
	field, ok := rowFields[ref[:3].String()]
	v, free := ref[3].Value.(ast.Var)
	if !ok || !free || s.knows(v) || (filter.Operand{Field: field}).Kind() != filter.List {
		return 0, "", false
	}
	return field, v, true
}

// resolve puts what variables stand for into a term.
func (s scope) resolve(t *ast.Term) *ast.Term { return s.resolved(t, 0) }

func (s scope) resolved(t *ast.Term, depth int) *ast.Term {
	if depth > maxTranslation {
		return t
	}
	switch v := t.Value.(type) {
	case ast.Var:
		if value, ok := s.vars[v]; ok {
			return s.resolved(value, depth+1)
		}
	case ast.Ref:
		parts, changed := s.resolvedAll(v, depth)
		if inner, ok := parts[0].Value.(ast.Ref); changed && ok {
			parts = slices.Concat(inner, parts[1:])
		}
		if changed {
			return &ast.Term{Value: ast.Ref(parts), Location: t.Location}
		}
	case ast.Call:
		parts, changed := s.resolvedAll(v[1:], depth)
		if changed {
			return &ast.Term{Value: ast.Call(slices.Insert(parts, 0, v[0])), Location: t.Location}
		}
	}
	return t
}

// resolvedAll copies the terms only when one of them stands for another.
func (s scope) resolvedAll(terms []*ast.Term, depth int) (all []*ast.Term, changed bool) {
	all = terms
	for i, t := range terms {
		r := s.resolved(t, depth+1)
		if r == t {
			continue
		}
		if !changed {
			all, changed = slices.Clone(terms), true
		}
		all[i] = r
	}
	return all, changed
}

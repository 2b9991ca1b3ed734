package partial

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/server/policy/internal/filter"
)

// opaque says which part of the rules no condition can express.
type opaque struct {
	at   *ast.Location
	what string
}

func (o *opaque) Error() string { return o.what }

func cannot(at *ast.Location, format string, args ...any) error {
	return &opaque{at: at, what: fmt.Sprintf(format, args...)}
}

// translator turns what a partial evaluation left over into conditions. It
// knows few words and refuses every other, so that a condition never means
// more or less than the rules.
type translator struct {
	support map[string][]*ast.Rule
	late    bool // the asker is unknown too: what reads nothing of the row is left open
	depth   int
}

const maxTranslation = 32 // support rules within one another

func newTranslator(support []*ast.Module, late bool) *translator {
	t := &translator{support: map[string][]*ast.Rule{}, late: late}
	for _, m := range support {
		for _, r := range m.Rules {
			name := m.Package.Path.Extend(r.Head.Ref()).String()
			t.support[name] = append(t.support[name], r)
		}
	}
	return t
}

// body translates expressions that must all hold for some values of their variables.
func (t *translator) body(b ast.Body, outer scope) (filter.Condition, error) {
	s := outer.clone()
	rest, err := s.bindAll(b)
	if err != nil {
		return filter.Never, err
	}
	bound := s.since(outer)
	fresh, err := s.runOver(rest, bound)
	if err != nil {
		return filter.Never, err
	}
	if err := t.exist(bound, s); err != nil {
		return filter.Never, err
	}
	parts := make([]filter.Condition, 0, len(rest))
	for _, e := range rest {
		c, err := t.expr(e, s)
		if err != nil {
			return filter.Never, err
		}
		parts = append(parts, c)
	}
	c := filter.And(parts...)
	for _, v := range slices.Backward(fresh) {
		c = filter.Some(s.list[v], s.each[v], c)
	}
	return c, nil
}

// expr translates one expression.
func (t *translator) expr(e *ast.Expr, s scope) (filter.Condition, error) {
	if e.Negated {
		c, err := t.body(ast.NewBody(e.Complement()), s)
		return filter.Not(c), err
	}
	switch terms := e.Terms.(type) {
	case *ast.Term:
		return t.truthOf(s.resolve(terms), s, e.Location)
	case []*ast.Term:
		return t.call(e, s)
	case *ast.Not:
		c, err := t.body(terms.Body, s)
		return filter.Not(c), err
	case *ast.LogicalAnd:
		return t.both(terms.Lhs, terms.Rhs, s, filter.And)
	case *ast.LogicalOr:
		return t.both(terms.Lhs, terms.Rhs, s, filter.Or)
	case *ast.Every:
		return t.every(terms, s, e.Location)
	default:
		return filter.Never, cannot(e.Location, "it is no comparison: %v", e)
	}
}

func (t *translator) both(lhs, rhs ast.Body, s scope, join func(...filter.Condition) filter.Condition) (filter.Condition, error) {
	a, err := t.body(lhs, s)
	if err != nil {
		return filter.Never, err
	}
	b, err := t.body(rhs, s)
	return join(a, b), err
}

// every turns "every x in list { body }" round: no x of the list fails the body.
func (t *translator) every(e *ast.Every, s scope, at *ast.Location) (filter.Condition, error) {
	domain := s.resolve(e.Domain)
	ref, ok := domain.Value.(ast.Ref)
	value, named := e.Value.Value.(ast.Var)
	if !ok || !named {
		return filter.Never, cannot(at, "every runs over something else than a list of the row")
	}
	field, ok := rowFields[ref.String()]
	if !ok || (filter.Operand{Field: field}).Kind() != filter.List || len(s.each) == filter.MaxSlots {
		return filter.Never, cannot(at, "every runs over something else than a list of the row")
	}
	inner, index := s.clone(), ast.Var("each "+string(value))
	slot := len(inner.each)
	inner.each[index], inner.list[index] = slot, field
	inner.vars[value] = ast.NewTerm(ref.Append(ast.NewTerm(index)))
	c, err := t.body(e.Body, inner)
	return filter.Not(filter.Some(field, slot, filter.Not(c))), err
}

// truthOf translates a term that stands alone: it holds unless it is false.
func (t *translator) truthOf(term *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	if t.open(term, s) {
		return filter.Always, nil
	}
	if b, ok := term.Value.(ast.Boolean); ok {
		return filter.Truth(bool(b)), nil
	}
	if ref, ok := term.Value.(ast.Ref); ok {
		if rules, ok := t.support[ref.String()]; ok {
			return t.rules(rules, nil, s, at)
		}
	}
	if call, ok := term.Value.(ast.Call); ok {
		return t.call(&ast.Expr{Terms: []*ast.Term(call), Location: at}, s)
	}
	o, err := t.operand(term, s, at)
	if err != nil {
		return filter.Never, err
	}
	if o.Kind() == filter.Flag {
		return filter.OneOf(o, filter.FlagOf(true)), nil
	}
	return filter.Always, nil
}

// rules translates what the partial evaluation made a rule of its own.
func (t *translator) rules(rules []*ast.Rule, args []*ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	if t.depth++; t.depth > maxTranslation {
		return filter.Never, cannot(at, "its rules need one another too deeply")
	}
	defer func() { t.depth-- }()
	var alternatives []filter.Condition
	for _, r := range rules {
		if r.Default && r.Head.Value.Equal(ast.BooleanTerm(false)) {
			continue
		}
		if r.Default || r.Else != nil || r.Head.Key != nil || !r.Head.Value.Equal(ast.BooleanTerm(true)) || len(r.Head.Args) != len(args) {
			return filter.Never, cannot(at, "it needs the value of the rule %s", r.Head.Name)
		}
		inner := scope{vars: map[ast.Var]*ast.Term{}, each: s.each, list: s.list}
		body := slices.Clone(r.Body)
		for i, param := range r.Head.Args {
			if v, ok := param.Value.(ast.Var); ok && !inner.knows(v) {
				inner.vars[v] = args[i]
				continue
			}
			body = append(body, ast.Equality.Expr(param, args[i]))
		}
		c, err := t.body(body, inner)
		if err != nil {
			return filter.Never, err
		}
		alternatives = append(alternatives, c)
	}
	return filter.Or(alternatives...), nil
}

// open reports a term that only the asker and constants decide, while the
// asker is left open. Its value exists once somebody asks.
func (t *translator) open(term *ast.Term, s scope) bool {
	if !t.late || ast.IsConstant(term.Value) {
		return false
	}
	return !t.reads(term, s)
}

// reads reports whether the term needs anything but constants and the asker.
func (t *translator) reads(x any, s scope) (row bool) {
	s.walk(x, func(n any) bool {
		switch n := n.(type) {
		case *ast.Expr:
			if n.IsCall() {
				row = row || slices.ContainsFunc(n.Operands(), func(o *ast.Term) bool { return t.reads(o, s) })
				return true
			}
		case *ast.Term:
			switch v := s.resolve(n).Value.(type) {
			case ast.Var:
				row = true
			case ast.Call:
				row = row || slices.ContainsFunc(v[1:], func(o *ast.Term) bool { return t.reads(o, s) })
				return true
			case ast.Ref:
				row = row || !v.HasPrefix(subjectRef) && !v.HasPrefix(contextRef) || v.HasPrefix(nowRef)
				return true
			}
		}
		return row
	})
	return row
}

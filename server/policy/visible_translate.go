package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
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

// scope is what is known of the variables of a body.
type scope struct {
	vars map[ast.Var]*ast.Term // by what they stand for
	each map[ast.Var]int       // those that run over a list, by their slots
	list map[ast.Var]Field
}

func newScope() scope {
	return scope{vars: map[ast.Var]*ast.Term{}, each: map[ast.Var]int{}, list: map[ast.Var]Field{}}
}

func (s scope) clone() scope {
	return scope{vars: maps.Clone(s.vars), each: maps.Clone(s.each), list: maps.Clone(s.list)}
}

// body translates expressions that must all hold for some values of their variables.
func (t *translator) body(b ast.Body, outer scope) (Condition, error) {
	s := outer.clone()
	rest, err := s.bindAll(b)
	if err != nil {
		return never, err
	}
	bound := s.since(outer)
	fresh, err := s.runOver(rest, bound)
	if err != nil {
		return never, err
	}
	if err := t.exist(bound, s); err != nil {
		return never, err
	}
	parts := make([]Condition, 0, len(rest))
	for _, e := range rest {
		c, err := t.expr(e, s)
		if err != nil {
			return never, err
		}
		parts = append(parts, c)
	}
	c := and(parts...)
	for _, v := range slices.Backward(fresh) {
		c = some(s.list[v], s.each[v], c)
	}
	return c, nil
}

func some(list Field, slot int, c Condition) Condition {
	if c.Never() {
		return never
	}
	return Condition{Op: OpSome, Left: Operand{Field: list}, Slot: slot, Of: []Condition{c}}
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
	b := ast.BuiltinMap[strings.TrimPrefix(operator, meteredPrefix)]
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

// whole are the parts of the input that every question has.
var whole = []ast.Ref{
	ast.MustParseRef("input"), ast.MustParseRef("input.resource"), ast.MustParseRef("input.facts"),
	ast.MustParseRef("input.context"), ast.MustParseRef("input.subject"),
}

// exist makes sure that what the variables stand for always has a value: a
// variable without one would make its whole body fail.
func (t *translator) exist(bound []*ast.Term, s scope) error {
	for _, term := range bound {
		ref, _ := term.Value.(ast.Ref)
		if ast.IsConstant(term.Value) || slices.ContainsFunc(whole, func(w ast.Ref) bool { return w.Equal(ref) }) || s.isElement(ref) {
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
	if len(ref) != 4 || rowFields[ref[:3].String()] != FieldGrants {
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
			if len(s.each) == maxSlots {
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
func (s scope) indexed(t *ast.Term) (Field, ast.Var, bool) {
	ref, ok := t.Value.(ast.Ref)
	if !ok || len(ref) < 4 {
		return 0, "", false
	}
	field, ok := rowFields[ref[:3].String()]
	v, free := ref[3].Value.(ast.Var)
	if !ok || !free || s.knows(v) || (Operand{Field: field}).kind() != kindList {
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
		ref := make(ast.Ref, 0, len(v)+2)
		head := s.resolved(v[0], depth+1)
		if inner, ok := head.Value.(ast.Ref); ok {
			ref = append(ref, inner...)
		} else {
			ref = append(ref, head)
		}
		for _, part := range v[1:] {
			ref = append(ref, s.resolved(part, depth+1))
		}
		return &ast.Term{Value: ref, Location: t.Location}
	case ast.Call:
		call := slices.Clone(v)
		for i, part := range v[1:] {
			call[i+1] = s.resolved(part, depth+1)
		}
		return &ast.Term{Value: call, Location: t.Location}
	}
	return t
}

// expr translates one expression.
func (t *translator) expr(e *ast.Expr, s scope) (Condition, error) {
	if e.Negated {
		c, err := t.body(ast.NewBody(e.Complement()), s)
		return not(c), err
	}
	switch terms := e.Terms.(type) {
	case *ast.Term:
		return t.truthOf(s.resolve(terms), s, e.Location)
	case []*ast.Term:
		return t.call(e, s)
	case *ast.Not:
		c, err := t.body(terms.Body, s)
		return not(c), err
	case *ast.LogicalAnd:
		return t.both(terms.Lhs, terms.Rhs, s, and)
	case *ast.LogicalOr:
		return t.both(terms.Lhs, terms.Rhs, s, or)
	case *ast.Every:
		return t.every(terms, s, e.Location)
	default:
		return never, cannot(e.Location, "it is no comparison: %v", e)
	}
}

func (t *translator) both(lhs, rhs ast.Body, s scope, join func(...Condition) Condition) (Condition, error) {
	a, err := t.body(lhs, s)
	if err != nil {
		return never, err
	}
	b, err := t.body(rhs, s)
	return join(a, b), err
}

// every turns "every x in list { body }" round: no x of the list fails the body.
func (t *translator) every(e *ast.Every, s scope, at *ast.Location) (Condition, error) {
	domain := s.resolve(e.Domain)
	ref, ok := domain.Value.(ast.Ref)
	value, named := e.Value.Value.(ast.Var)
	if !ok || !named {
		return never, cannot(at, "every runs over something else than a list of the row")
	}
	field, ok := rowFields[ref.String()]
	if !ok || (Operand{Field: field}).kind() != kindList || len(s.each) == maxSlots {
		return never, cannot(at, "every runs over something else than a list of the row")
	}
	inner, index := s.clone(), ast.Var("each "+string(value))
	slot := len(inner.each)
	inner.each[index], inner.list[index] = slot, field
	inner.vars[value] = ast.NewTerm(ref.Append(ast.NewTerm(index)))
	c, err := t.body(e.Body, inner)
	return not(some(field, slot, not(c))), err
}

// truthOf translates a term that stands alone: it holds unless it is false.
func (t *translator) truthOf(term *ast.Term, s scope, at *ast.Location) (Condition, error) {
	if t.open(term, s) {
		return always, nil
	}
	if b, ok := term.Value.(ast.Boolean); ok {
		return truth(bool(b)), nil
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
		return never, err
	}
	if o.kind() == Flag {
		return oneOf(o, flagOf(true)), nil
	}
	return always, nil
}

// rules translates what the partial evaluation made a rule of its own.
func (t *translator) rules(rules []*ast.Rule, args []*ast.Term, s scope, at *ast.Location) (Condition, error) {
	if t.depth++; t.depth > maxTranslation {
		return never, cannot(at, "its rules need one another too deeply")
	}
	defer func() { t.depth-- }()
	var ways []Condition
	for _, r := range rules {
		if r.Default && r.Head.Value.Equal(ast.BooleanTerm(false)) {
			continue
		}
		if r.Default || r.Else != nil || r.Head.Key != nil || !r.Head.Value.Equal(ast.BooleanTerm(true)) || len(r.Head.Args) != len(args) {
			return never, cannot(at, "it needs the value of the rule %s", r.Head.Name)
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
			return never, err
		}
		ways = append(ways, c)
	}
	return or(ways...), nil
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

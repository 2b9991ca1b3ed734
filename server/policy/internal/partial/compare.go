package partial

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// rowFields are the parts of the input that differ from row to row, and those
// of the asker, which may be left open besides.
var rowFields = filter.FieldsByPath()

var (
	grantFields = filter.GrantFields()
	subjectRef  = ast.MustParseRef("input.subject")
	contextRef  = ast.MustParseRef("input.context")
	nowRef      = ast.MustParseRef("input.context.now")
)

// call translates a call of a function, whose answer must be true.
func (t *translator) call(e *ast.Expr, s scope) (filter.Condition, error) {
	operands := make([]*ast.Term, len(e.Operands()))
	openAll := t.late
	for i, o := range e.Operands() {
		operands[i] = s.resolve(o)
		openAll = openAll && (ast.IsConstant(operands[i].Value) || t.open(operands[i], s))
	}
	name := strings.TrimPrefix(e.Operator().String(), sandbox.MeteredPrefix)
	if rules, ok := t.support[name]; ok {
		return t.rules(rules, operands, s, e.Location)
	}
	if openAll {
		return filter.Always, nil
	}
	b := ast.BuiltinMap[name]
	if b == nil {
		return filter.Never, cannot(e.Location, "it needs the value of %s for each row", name)
	}
	if len(operands) == b.Decl.Arity()+1 {
		return t.answer(e, operands, s)
	}
	if len(operands) != 2 {
		return filter.Never, cannot(e.Location, "%s is no comparison that a filter can make", name)
	}
	return t.builtin(name, operands[0], operands[1], s, e.Location)
}

// answer translates a call whose answer is compared with a constant.
func (t *translator) answer(e *ast.Expr, operands []*ast.Term, s scope) (filter.Condition, error) {
	last := len(operands) - 1
	call := ast.CallTerm(append([]*ast.Term{e.OperatorTerm()}, operands[:last]...)...)
	want, ok := operands[last].Value.(ast.Boolean)
	if !ok {
		return t.builtin("eq", call, operands[last], s, e.Location)
	}
	c, err := t.call(&ast.Expr{Terms: []*ast.Term(call.Value.(ast.Call)), Location: e.Location}, s)
	if !want {
		c = filter.Not(c)
	}
	return c, err
}

func (t *translator) builtin(name string, a, b *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	switch name {
	case "internal.member_2":
		return t.member(a, b, s, at)
	case "eq", "equal", "neq", "lt", "lte", "gt", "gte":
		return t.ordered(name, a, b, s, at)
	case "startswith":
		return t.text(filter.OpPrefix, a, b, s, at)
	case "endswith":
		return t.text(filter.OpSuffix, a, b, s, at)
	case "contains":
		return t.text(filter.OpHas, a, b, s, at)
	}
	return filter.Never, cannot(at, "%s is no comparison that a filter can make", name)
}

// verdicts says how each comparison comes out for smaller, equal and greater.
var verdicts = map[string][3]bool{
	"eq": {false, true, false}, "equal": {false, true, false}, "neq": {true, false, true},
	"lt": {true, false, false}, "lte": {true, true, false}, "gt": {false, false, true}, "gte": {false, true, true},
}

// flipped is the same comparison with its sides exchanged.
var flipped = map[string]string{"eq": "eq", "equal": "eq", "neq": "neq", "lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}

func (t *translator) ordered(op string, a, b *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	switch {
	case ast.IsConstant(a.Value) && ast.IsConstant(b.Value):
		return filter.Truth(verdicts[op][a.Value.Compare(b.Value)+1]), nil
	case lookup(a) && !t.open(a, s):
		return t.looked(op, a.Value.(ast.Call), b, s, at)
	case lookup(b) && !t.open(b, s):
		return t.looked(flipped[op], b.Value.(ast.Call), a, s, at)
	case op == "neq":
		c, err := t.ordered("eq", a, b, s, at)
		return filter.Not(c), err
	case op == "gt":
		return t.ordered("lt", b, a, s, at)
	case op == "lte":
		c, err := t.ordered("lt", b, a, s, at)
		return filter.Not(c), err
	case op == "gte":
		c, err := t.ordered("lt", a, b, s, at)
		return filter.Not(c), err
	}
	if empty(b) || empty(a) {
		return t.emptiness(op, a, b, s, at)
	}
	left, right, err := t.pair(a, b, s, at)
	switch {
	case err != nil:
		return filter.Never, err
	case left.Kind() == filter.AnyKind || right.Kind() == filter.AnyKind:
		return filter.Always, nil
	case op == "lt" && left.Kind() != right.Kind():
		return filter.Never, cannot(at, "it compares a text with something else")
	case op == "lt":
		return filter.Comparison(filter.OpLess, left, right), nil
	case left.Kind() != right.Kind():
		return filter.Never, nil
	}
	return filter.Comparison(filter.OpEq, left, right), nil
}

// empty recognises [].
func empty(t *ast.Term) bool {
	list, ok := t.Value.(*ast.Array)
	return ok && list.Len() == 0
}

func (t *translator) emptiness(op string, a, b *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	if empty(a) {
		a = b
	}
	o, err := t.operand(a, s, at)
	switch {
	case err != nil:
		return filter.Never, err
	case op == "lt":
		return filter.Never, cannot(at, "it orders lists")
	case o.Kind() == filter.AnyKind:
		return filter.Always, nil
	case o.Kind() != filter.List:
		return filter.Never, nil
	}
	o.Function = filter.Count
	return filter.OneOf(o, filter.Value{Kind: filter.Number}), nil
}

func (t *translator) pair(a, b *ast.Term, s scope, at *ast.Location) (left, right filter.Operand, err error) {
	if left, err = t.operand(a, s, at); err != nil {
		return left, right, err
	}
	if right, err = t.operand(b, s, at); err != nil {
		return left, right, err
	}
	if left.Kind() == filter.List || right.Kind() == filter.List {
		err = cannot(at, "it compares a list as a whole")
	}
	return left, right, err
}

// text translates a comparison that only texts allow.
func (t *translator) text(op filter.Operator, a, b *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	left, right, err := t.pair(a, b, s, at)
	if err != nil {
		return filter.Never, err
	}
	for _, o := range []filter.Operand{left, right} {
		if o.Kind() == filter.AnyKind {
			return filter.Always, nil
		}
		if o.Kind() != filter.Text {
			return filter.Never, cannot(at, "it looks for a text in something else")
		}
	}
	return filter.Comparison(op, left, right), nil
}

// member translates "a in b".
func (t *translator) member(a, b *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	if t.open(b, s) {
		_, err := t.operand(a, s, at)
		return filter.Always, err
	}
	if !ast.IsConstant(b.Value) {
		return t.memberOfList(a, b, s, at)
	}
	alternatives := []filter.Condition{}
	err := memberTerms(b.Value, func(v *ast.Term) error {
		c, err := t.ordered("eq", a, v, s, at)
		alternatives = append(alternatives, c)
		return err
	})
	return filter.Or(alternatives...), err
}

// memberTerms walks what "in" looks through: an array, a set, or an object's values.
func memberTerms(v ast.Value, visit func(*ast.Term) error) error {
	switch v := v.(type) {
	case *ast.Array:
		return v.Iter(visit)
	case ast.Set:
		return v.Iter(visit)
	case ast.Object:
		return v.Iter(func(_, value *ast.Term) error { return visit(value) })
	}
	return nil
}

// memberOfList translates "a in b" where b is a list of the row.
func (t *translator) memberOfList(a, b *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	list, err := t.operand(b, s, at)
	if err != nil {
		return filter.Never, err
	}
	if list.Kind() != filter.List || list.Field == filter.FieldGrants {
		return filter.Never, nil // nothing is a member of a text, and no text is a grant
	}
	if len(s.each) == filter.MaxSlots {
		return filter.Never, cannot(at, "lists are walked within lists")
	}
	o, err := t.operand(a, s, at)
	switch {
	case err != nil:
		return filter.Never, err
	case o.Kind() == filter.AnyKind:
		return filter.Always, nil
	case o.Kind() != filter.Text:
		return filter.Never, nil
	}
	slot := len(s.each)
	return filter.Some(list.Field, slot, filter.Comparison(filter.OpEq, filter.Operand{Field: filter.Element, Slot: slot}, o)), nil
}

// lookup recognises object.get of a constant table with a constant default.
func lookup(t *ast.Term) bool {
	call, ok := t.Value.(ast.Call)
	if !ok || len(call) != 4 || call[0].String() != "object.get" {
		return false
	}
	_, table := call[1].Value.(ast.Object)
	return table && ast.IsConstant(call[1].Value) && ast.IsConstant(call[3].Value)
}

// looked translates a comparison of what a table has for a field: it is a
// comparison of the field with the keys of the table.
func (t *translator) looked(op string, call ast.Call, with *ast.Term, s scope, at *ast.Location) (filter.Condition, error) {
	o, err := t.operand(call[2], s, at)
	if err != nil {
		return filter.Never, err
	}
	if t.open(with, s) {
		return filter.Always, nil
	}
	if lookup(with) && o.Kind() == filter.Text {
		return t.tables(op, o, call, with.Value.(ast.Call), s, at)
	}
	if !ast.IsConstant(with.Value) || (o.Kind() != filter.Text && o.Kind() != filter.AnyKind) {
		return filter.Never, cannot(at, "it compares what a table has for one field with another field")
	}
	meets := func(v *ast.Term) bool { return verdicts[op][v.Value.Compare(with.Value)+1] }
	otherwise := meets(call[3])
	var keys []filter.Value
	call[1].Value.(ast.Object).Foreach(func(key, value *ast.Term) {
		if k, ok := key.Value.(ast.String); ok && meets(value) != otherwise {
			keys = append(keys, filter.Value{Text: string(k)})
		}
	})
	if o.Kind() == filter.AnyKind {
		return filter.Always, nil
	}
	if c := filter.OneOf(o, keys...); !otherwise {
		return c, nil
	}
	return filter.Not(filter.OneOf(o, keys...)), nil
}

// tables compares what two tables have: for each key of the one with the other.
func (t *translator) tables(op string, o filter.Operand, call, with ast.Call, s scope, at *ast.Location) (filter.Condition, error) {
	var (
		alternatives []filter.Condition
		keys         []filter.Value
	)
	err := call[1].Value.(ast.Object).Iter(func(key, value *ast.Term) error {
		k, ok := key.Value.(ast.String)
		if !ok {
			return nil
		}
		keys = append(keys, filter.Value{Text: string(k)})
		c, err := t.looked(flipped[op], with, value, s, at)
		alternatives = append(alternatives, filter.And(filter.OneOf(o, keys[len(keys)-1]), c))
		return err
	})
	if err != nil {
		return filter.Never, err
	}
	c, err := t.looked(flipped[op], with, call[3], s, at)
	return filter.Or(append(alternatives, filter.And(filter.Not(filter.OneOf(o, keys...)), c))...), err
}

// operand translates one side of a comparison.
func (t *translator) operand(term *ast.Term, s scope, at *ast.Location) (filter.Operand, error) {
	if t.open(term, s) {
		return filter.ConstantOf(filter.Value{Kind: filter.AnyKind}), nil
	}
	switch v := term.Value.(type) {
	case ast.String:
		return filter.ConstantOf(filter.Value{Text: string(v)}), nil
	case ast.Boolean:
		return filter.ConstantOf(filter.FlagOf(bool(v))), nil
	case ast.Null:
		return filter.ConstantOf(filter.Value{Kind: filter.Nothing}), nil
	case ast.Number:
		if n, ok := v.Int64(); ok && n < 1<<50 && n > -1<<50 {
			return filter.ConstantOf(filter.Value{Kind: filter.Number, Number: float64(n)}), nil
		}
	case ast.Ref:
		return t.field(v, s, at)
	case ast.Call:
		return t.function(v, s, at)
	}
	return filter.Operand{}, cannot(at, "a filter cannot compute %v", term)
}

// field translates a reference to the row.
func (t *translator) field(ref ast.Ref, s scope, at *ast.Location) (filter.Operand, error) {
	if f, ok := rowFields[ref.String()]; ok {
		return filter.Operand{Field: f}, nil
	}
	if len(ref) >= 4 {
		if list, ok := rowFields[ref[:3].String()]; ok {
			v, _ := ref[3].Value.(ast.Var)
			slot, each := s.each[v]
			switch {
			case !each || s.list[v] != list:
			case len(ref) == 4 && list != filter.FieldGrants:
				return filter.Operand{Field: filter.Element, Slot: slot}, nil
			case len(ref) == 5 && list == filter.FieldGrants:
				name, _ := ref[4].Value.(ast.String)
				if f, ok := grantFields[string(name)]; ok {
					return filter.Operand{Field: f, Slot: slot}, nil
				}
			}
		}
	}
	return filter.Operand{}, cannot(at, "a filter cannot compute %v", ref)
}

// function translates the few functions that a filter can compute.
func (t *translator) function(call ast.Call, s scope, at *ast.Location) (filter.Operand, error) {
	name := strings.TrimPrefix(call[0].String(), sandbox.MeteredPrefix)
	i := slices.Index([]string{"lower", "upper", "count", "trim_space"}, name)
	if i < 0 || len(call) != 2 {
		return filter.Operand{}, cannot(at, "a filter cannot compute %s of each row", name)
	}
	o, err := t.operand(call[1], s, at)
	if err != nil || o.Kind() == filter.AnyKind {
		return o, err
	}
	f := []filter.Function{filter.Lower, filter.Upper, filter.Count, filter.Trim}[i]
	if o.Function != filter.Plain || o.Field == filter.Constant || (f == filter.Count) != (o.Kind() == filter.List) {
		return filter.Operand{}, cannot(at, "a filter cannot compute %s of each row", name)
	}
	o.Function = f
	return o, nil
}

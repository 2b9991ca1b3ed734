// Package filter is the algebra of conditions over rows. It owns the condition,
// what it may read of a row and of who asks, and how it is joined, bound and
// judged.
//
// It refuses to know rules: package partial makes conditions of them. OPA's own
// filters (v1/rego/compile) are not used. They end in UCAST or SQL, which are
// written down and read again by another engine; a condition here is judged in
// this process in well under a microsecond, has lists of the row in it, and can
// be bound to another asker without asking the rules again.
package filter

import (
	"slices"
	"strings"
)

// Condition is what is left of the rules once everything but the row is known.
// It says of one resource whether the rules allow the action, in well under a
// microsecond, and whoever keeps the rows can read it as a filter. The zero
// Condition holds for nothing.
type Condition struct {
	Op     Operator
	Of     []Condition // and, or; one of not and some
	Left   Operand
	Right  Operand
	Values []Value // of in, sorted, each once and all of one kind
	Slot   int     // of some: the place that its element has in Of
}

// Operator is what a condition does.
type Operator int

// The operators.
const (
	OpOr     Operator = iota // any of Of holds; of none, nothing does
	OpAnd                    // all of Of hold
	OpNot                    // Of[0] does not hold
	OpSome                   // Of[0] holds for an element of the list Left
	OpIn                     // Left is one of Values
	OpEq                     // Left is Right
	OpLess                   // Left comes before Right
	OpPrefix                 // the text Left begins with Right
	OpSuffix                 // the text Left ends with Right
	OpHas                    // the text Left has Right in it
)

// Kind tells the types of values apart, which are never equal across kinds.
type Kind int

// The kinds of value.
const (
	Text Kind = iota
	Number
	Flag
	List
	AnyKind // of the asker: known only when somebody asks
	Nothing
)

// Value is a constant.
type Value struct {
	Kind   Kind
	Text   string
	Number float64 // 1 is true
}

// compare orders values of one kind.
func (v Value) compare(o Value) int {
	switch {
	case v.Kind != o.Kind:
		return int(v.Kind) - int(o.Kind)
	case v.Kind == Text:
		return strings.Compare(v.Text, o.Text)
	case v.Number < o.Number:
		return -1
	case v.Number > o.Number:
		return 1
	}
	return 0
}

// Function is what a condition makes of a field before it compares.
type Function int

// The functions.
const (
	Plain Function = iota
	Lower
	Upper
	Count
	Trim
)

// Operand is one side of a comparison.
type Operand struct {
	Field    Field
	Function Function
	Value    Value // of a Constant
	Slot     int   // of an element: which one
}

// ConstantOf is the operand that has the value in every row.
func ConstantOf(v Value) Operand { return Operand{Value: v} }

// Kind tells which kind of value the operand has.
func (o Operand) Kind() Kind {
	if o.Function == Count {
		return Number
	}
	if o.Field == Constant {
		return o.Value.Kind
	}
	return kinds[o.Field]
}

// Always holds for every row, Never for none.
var (
	Always = Condition{Op: OpAnd}
	Never  = Condition{Op: OpOr}
)

// Truth is the condition that holds for every row, or for none.
func Truth(b bool) Condition {
	if b {
		return Always
	}
	return Never
}

// Always reports a condition that holds for every row.
func (c Condition) Always() bool { return c.Op == OpAnd && len(c.Of) == 0 }

// Never reports a condition that holds for no row.
func (c Condition) Never() bool { return c.Op == OpOr && len(c.Of) == 0 }

// Reads reports whether the condition looks at the field.
func (c Condition) Reads(f Field) bool {
	return c.ReadsAny(func(g Field) bool { return g == f })
}

// ReadsAny reports whether the condition looks at one of the chosen fields.
func (c *Condition) ReadsAny(chosen func(Field) bool) bool {
	if chosen(c.Left.Field) || chosen(c.Right.Field) {
		return true
	}
	for i := range c.Of {
		if c.Of[i].ReadsAny(chosen) {
			return true
		}
	}
	return false
}

// Size counts the comparisons.
func (c Condition) Size() int {
	n := 1
	for _, p := range c.Of {
		n += p.Size()
	}
	return n
}

func equal(a, b Condition) bool {
	return a.Op == b.Op && a.Left == b.Left && a.Right == b.Right && a.Slot == b.Slot &&
		slices.Equal(a.Values, b.Values) && slices.EqualFunc(a.Of, b.Of, equal)
}

// OneOf holds when the operand has one of the values; those of another kind it
// can never have.
func OneOf(o Operand, values ...Value) Condition {
	if o.Field == Constant {
		return Truth(slices.Contains(values, o.Value))
	}
	values = slices.DeleteFunc(slices.Clone(values), func(v Value) bool { return v.Kind != o.Kind() })
	slices.SortFunc(values, Value.compare)
	if values = slices.Compact(values); len(values) == 0 {
		return Never
	}
	return Condition{Op: OpIn, Left: o, Values: values}
}

// Not holds where the condition does not.
func Not(c Condition) Condition {
	switch {
	case c.Always():
		return Never
	case c.Never():
		return Always
	case c.Op == OpNot:
		return c.Of[0]
	}
	return Condition{Op: OpNot, Of: []Condition{c}}
}

// And joins conditions. What is said of one operand by values becomes one
// comparison: neq "" beside eq "x" is eq "x".
func And(parts ...Condition) Condition {
	flat := make([]Condition, 0, len(parts))
	for _, p := range parts {
		switch {
		case p.Never():
			return Never
		case p.Op == OpAnd:
			flat = append(flat, p.Of...)
		default:
			flat = append(flat, p)
		}
	}
	of := make([]Condition, 0, len(flat))
	for _, p := range flat {
		i := slices.IndexFunc(of, func(q Condition) bool { return q.Op == OpIn && p.about() == q.Left })
		j := slices.IndexFunc(of, func(q Condition) bool { return p.Op == OpIn && q.about() == p.Left })
		switch {
		case slices.ContainsFunc(of, func(q Condition) bool { return equal(p, q) }):
		case i >= 0:
			of[i] = OneOf(of[i].Left, p.keep(of[i].Values)...)
		case j >= 0:
			of[j] = OneOf(p.Left, of[j].keep(p.Values)...)
		default:
			of = append(of, p)
			continue
		}
		if slices.ContainsFunc(of, Condition.Never) {
			return Never
		}
	}
	if len(of) == 1 {
		return of[0]
	}
	return Condition{Op: OpAnd, Of: of}
}

// about gives the operand that a condition by values speaks of.
func (c Condition) about() Operand {
	switch {
	case c.Op == OpIn:
		return c.Left
	case c.Op == OpNot && c.Of[0].Op == OpIn:
		return c.Of[0].Left
	}
	return Operand{}
}

// keep gives those of the values for which the condition by values holds.
func (c Condition) keep(values []Value) []Value {
	in, want := c, true
	if c.Op == OpNot {
		in, want = c.Of[0], false
	}
	return slices.DeleteFunc(slices.Clone(values), func(v Value) bool { return slices.Contains(in.Values, v) != want })
}

// Or joins conditions of which one is enough.
func Or(parts ...Condition) Condition {
	of := make([]Condition, 0, len(parts))
	for _, p := range parts {
		if p.Always() {
			return Always
		}
		inner := []Condition{p}
		if p.Op == OpOr {
			inner = p.Of
		}
		for _, q := range inner {
			i := slices.IndexFunc(of, func(r Condition) bool { return r.Op == OpIn && q.Op == OpIn && r.Left == q.Left })
			switch {
			case i >= 0:
				of[i] = OneOf(q.Left, slices.Concat(of[i].Values, q.Values)...)
			case !slices.ContainsFunc(of, func(r Condition) bool { return equal(q, r) }):
				of = append(of, q)
			}
		}
	}
	if len(of) == 1 {
		return of[0]
	}
	return Condition{Op: OpOr, Of: of}
}

// Bind gives the condition for rows whose field is known.
func (c Condition) Bind(f Field, v Value) Condition {
	return c.Rewrite(func(g Field) bool { return g == f }, func(o Operand) Operand { return ConstantOf(o.Function.Apply(v)) })
}

// Each gives the condition with its parts exchanged.
func (c Condition) Each(change func(Condition) Condition) Condition {
	parts := make([]Condition, len(c.Of))
	for i, p := range c.Of {
		parts[i] = change(p)
	}
	switch c.Op {
	case OpAnd:
		return And(parts...)
	case OpOr:
		return Or(parts...)
	case OpNot:
		return Not(parts[0])
	case OpSome:
		if parts[0].Never() {
			return Never
		}
		c.Of = parts
	case OpIn, OpEq, OpLess, OpPrefix, OpSuffix, OpHas:
	}
	return c
}

// Rewrite gives the condition with the operands that are chosen exchanged.
func (c Condition) Rewrite(chosen func(Field) bool, change func(Operand) Operand) Condition {
	if !c.ReadsAny(chosen) {
		return c
	}
	if len(c.Of) > 0 {
		return c.Each(func(p Condition) Condition { return p.Rewrite(chosen, change) })
	}
	for _, o := range []*Operand{&c.Left, &c.Right} {
		if chosen(o.Field) {
			*o = change(*o)
		}
	}
	if c.Op == OpIn {
		return OneOf(c.Left, c.Values...)
	}
	return Comparison(c.Op, c.Left, c.Right)
}

// Apply makes of a value what the function makes of it.
func (f Function) Apply(v Value) Value {
	switch f {
	case Lower:
		v.Text = strings.ToLower(v.Text)
	case Upper:
		v.Text = strings.ToUpper(v.Text)
	case Trim:
		v.Text = strings.TrimSpace(v.Text)
	case Plain, Count:
	}
	return v
}

// Comparison makes a condition of two operands of one kind; constants are
// compared at once.
func Comparison(op Operator, a, b Operand) Condition {
	c := Condition{Op: op, Left: a, Right: b}
	switch {
	case a.Field == Constant && b.Field == Constant:
		return Truth((&rowEval{}).compare(&c))
	case op == OpEq && b.Field == Constant:
		return OneOf(a, b.Value)
	case op == OpEq && a.Field == Constant:
		return OneOf(b, a.Value)
	}
	return c
}

// Some holds for a row in whose list the condition holds of some element.
func Some(list Field, slot int, c Condition) Condition {
	if c.Never() {
		return Never
	}
	return Condition{Op: OpSome, Left: Operand{Field: list}, Slot: slot, Of: []Condition{c}}
}

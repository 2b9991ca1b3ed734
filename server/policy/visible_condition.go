package policy

import (
	"slices"
	"strings"
	"time"
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
	kindList
	anyKind // of the asker: known only when somebody asks
	nothing
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

// Field names what a condition reads of a row.
type Field int

// The fields. Those from Element on are of the element of a list.
const (
	Constant Field = iota
	FieldID
	FieldName
	FieldDomain
	FieldOwner
	FieldOwnerTeam
	FieldClassification
	FieldVisibility
	FieldStatus
	FieldTags
	FieldProduct
	FieldRequester
	FieldDescribed
	FieldHasOwner
	FieldExposed
	FieldPorts
	FieldGrants
	FieldRolesHeld
	FieldNow
	FieldAsker // the id of who asks; it and what follows is bound in every condition that is given out
	askerType
	askerName
	askerDomain
	askerTeams
	askerStewardOf
	askerRoles
	askerClearance
	askerRegion
	askerSuspended
	askerPurpose
	askerChannel
	askerDuration
	Element
	GrantID
	GrantProduct
	GrantPurpose
	GrantUntil
)

// ofAsker tells the fields that are the same for all rows that one asker looks at.
func (f Field) ofAsker() bool { return f >= FieldAsker && f < Element }

// Function is what a condition makes of a field before it compares.
type Function int

// The functions.
const (
	Plain Function = iota
	Lower
	Upper
	Count
)

// Operand is one side of a comparison.
type Operand struct {
	Field    Field
	Function Function
	Value    Value // of a Constant
	Slot     int   // of an element: which one
}

func constant(v Value) Operand { return Operand{Value: v} }

func (o Operand) kind() Kind {
	if o.Function == Count {
		return Number
	}
	switch o.Field {
	case Constant:
		return o.Value.Kind
	case FieldDescribed, FieldHasOwner, FieldExposed, askerSuspended:
		return Flag
	case FieldPorts, askerDuration:
		return Number
	case FieldTags, FieldGrants, FieldRolesHeld, askerTeams, askerStewardOf, askerRoles:
		return kindList
	default:
		return Text
	}
}

var (
	always = Condition{Op: OpAnd}
	never  = Condition{Op: OpOr}
)

func truth(b bool) Condition {
	if b {
		return always
	}
	return never
}

// Always reports a condition that holds for every row.
func (c Condition) Always() bool { return c.Op == OpAnd && len(c.Of) == 0 }

// Never reports a condition that holds for no row.
func (c Condition) Never() bool { return c.Op == OpOr && len(c.Of) == 0 }

// Reads reports whether the condition looks at the field.
func (c Condition) Reads(f Field) bool {
	return c.reads(func(g Field) bool { return g == f })
}

func (c *Condition) reads(chosen func(Field) bool) bool {
	if chosen(c.Left.Field) || chosen(c.Right.Field) {
		return true
	}
	for i := range c.Of {
		if c.Of[i].reads(chosen) {
			return true
		}
	}
	return false
}

// size counts the comparisons.
func (c Condition) size() int {
	n := 1
	for _, p := range c.Of {
		n += p.size()
	}
	return n
}

func equal(a, b Condition) bool {
	return a.Op == b.Op && a.Left == b.Left && a.Right == b.Right && a.Slot == b.Slot &&
		slices.Equal(a.Values, b.Values) && slices.EqualFunc(a.Of, b.Of, equal)
}

// oneOf holds when the operand has one of the values; those of another kind it
// can never have.
func oneOf(o Operand, values ...Value) Condition {
	if o.Field == Constant {
		return truth(slices.Contains(values, o.Value))
	}
	values = slices.DeleteFunc(slices.Clone(values), func(v Value) bool { return v.Kind != o.kind() })
	slices.SortFunc(values, Value.compare)
	if values = slices.Compact(values); len(values) == 0 {
		return never
	}
	return Condition{Op: OpIn, Left: o, Values: values}
}

func not(c Condition) Condition {
	switch {
	case c.Always():
		return never
	case c.Never():
		return always
	case c.Op == OpNot:
		return c.Of[0]
	}
	return Condition{Op: OpNot, Of: []Condition{c}}
}

// and joins conditions. What is said of one operand by values becomes one
// comparison: neq "" beside eq "x" is eq "x".
func and(parts ...Condition) Condition {
	flat := make([]Condition, 0, len(parts))
	for _, p := range parts {
		switch {
		case p.Never():
			return never
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
			of[i] = oneOf(of[i].Left, p.keep(of[i].Values)...)
		case j >= 0:
			of[j] = oneOf(p.Left, of[j].keep(p.Values)...)
		default:
			of = append(of, p)
			continue
		}
		if slices.ContainsFunc(of, Condition.Never) {
			return never
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

// or joins conditions of which one is enough.
func or(parts ...Condition) Condition {
	of := make([]Condition, 0, len(parts))
	for _, p := range parts {
		if p.Always() {
			return always
		}
		inner := []Condition{p}
		if p.Op == OpOr {
			inner = p.Of
		}
		for _, q := range inner {
			i := slices.IndexFunc(of, func(r Condition) bool { return r.Op == OpIn && q.Op == OpIn && r.Left == q.Left })
			switch {
			case i >= 0:
				of[i] = oneOf(q.Left, slices.Concat(of[i].Values, q.Values)...)
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
	return c.rewrite(func(g Field) bool { return g == f }, func(o Operand) Operand { return constant(o.Function.apply(v)) })
}

// Holding gives the condition for an asker who holds the grants: what it says
// of some grant becomes what it says of the rows that each one opens.
func (c Condition) Holding(grants []GrantFact, now time.Time) Condition {
	c = c.Bind(FieldNow, Value{Text: now.UTC().Format(stamp)})
	return c.holding(grants)
}

func (c Condition) holding(grants []GrantFact) Condition {
	if c.Op != OpSome || c.Left.Field != FieldGrants {
		return c.each(func(p Condition) Condition { return p.holding(grants) })
	}
	ways := make([]Condition, len(grants))
	for i := range grants {
		e := element{grant: &grants[i]}
		product := Value{Text: string(grants[i].Product)}
		opens := or(oneOf(Operand{Field: FieldID}, product), oneOf(Operand{Field: FieldProduct}, product))
		ways[i] = and(opens, c.Of[0].rewrite(func(f Field) bool { return f >= GrantID }, func(o Operand) Operand {
			if o.Slot != c.Slot {
				return o
			}
			l := rowEval{}
			l.slots[o.Slot] = e
			return constant(o.Function.apply(Value{Text: l.ofElement(o)}))
		}))
	}
	return or(ways...)
}

// each gives the condition with its parts exchanged.
func (c Condition) each(change func(Condition) Condition) Condition {
	parts := make([]Condition, len(c.Of))
	for i, p := range c.Of {
		parts[i] = change(p)
	}
	switch c.Op {
	case OpAnd:
		return and(parts...)
	case OpOr:
		return or(parts...)
	case OpNot:
		return not(parts[0])
	case OpSome:
		if parts[0].Never() {
			return never
		}
		c.Of = parts
	case OpIn, OpEq, OpLess, OpPrefix, OpSuffix, OpHas:
	}
	return c
}

// rewrite gives the condition with the operands that are chosen exchanged.
func (c Condition) rewrite(chosen func(Field) bool, change func(Operand) Operand) Condition {
	if !c.reads(chosen) {
		return c
	}
	if len(c.Of) > 0 {
		return c.each(func(p Condition) Condition { return p.rewrite(chosen, change) })
	}
	for _, o := range []*Operand{&c.Left, &c.Right} {
		if chosen(o.Field) {
			*o = change(*o)
		}
	}
	if c.Op == OpIn {
		return oneOf(c.Left, c.Values...)
	}
	return comparison(c.Op, c.Left, c.Right)
}

func (f Function) apply(v Value) Value {
	switch f {
	case Lower:
		v.Text = strings.ToLower(v.Text)
	case Upper:
		v.Text = strings.ToUpper(v.Text)
	case Plain, Count:
	}
	return v
}

// comparison makes a condition of two operands of one kind; constants are
// compared at once.
func comparison(op Operator, a, b Operand) Condition {
	c := Condition{Op: op, Left: a, Right: b}
	switch {
	case a.Field == Constant && b.Field == Constant:
		return truth((&rowEval{}).compare(&c))
	case op == OpEq && b.Field == Constant:
		return oneOf(a, b.Value)
	case op == OpEq && a.Field == Constant:
		return oneOf(b, a.Value)
	}
	return c
}

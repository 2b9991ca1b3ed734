package filter

import (
	"slices"
	"strings"

	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// MaxSlots bounds lists within lists.
const MaxSlots = 4

// rowEval is one row under judgement.
type rowEval struct {
	q     *question.Question
	now   string
	slots [MaxSlots]element
}

// element is a member of a list: a text, or a grant.
type element struct {
	text  string
	grant *question.GrantFact
}

// Holds judges the question's resource. It agrees with Decide on every
// question that differs from the one that the condition was made for in the
// fields of its resource, its facts and its time alone.
func (c Condition) Holds(q *question.Question) bool {
	l := rowEval{q: q}
	return l.holds(&c)
}

func (l *rowEval) holds(c *Condition) bool {
	switch c.Op {
	case OpAnd:
		for i := range c.Of {
			if !l.holds(&c.Of[i]) {
				return false
			}
		}
		return true
	case OpOr:
		for i := range c.Of {
			if l.holds(&c.Of[i]) {
				return true
			}
		}
		return false
	case OpNot:
		return !l.holds(&c.Of[0])
	case OpSome:
		return l.some(c)
	case OpIn:
		return l.in(c)
	default:
		return l.compare(c)
	}
}

func (l *rowEval) in(c *Condition) bool {
	if o := &c.Left; o.Function == Plain && o.Field >= firstField && kinds[o.Field] == Text {
		return amongTexts(c.Values, l.text(o))
	}
	v := l.value(&c.Left)
	if len(c.Values) <= 8 {
		return slices.Contains(c.Values, v)
	}
	_, found := slices.BinarySearchFunc(c.Values, v, Value.compare)
	return found
}

// amongTexts compares the texts alone, which nearly all conditions do: values of
// another kind are not among them.
func amongTexts(values []Value, text string) bool {
	if len(values) > 8 {
		_, found := slices.BinarySearchFunc(values, text, func(v Value, word string) int { return strings.Compare(v.Text, word) })
		return found
	}
	for i := range values {
		if values[i].Text == text {
			return true
		}
	}
	return false
}

func (l *rowEval) compare(c *Condition) bool {
	a, b := l.value(&c.Left), l.value(&c.Right)
	switch c.Op {
	case OpEq:
		return a == b
	case OpLess:
		return a.compare(b) < 0
	case OpPrefix:
		return strings.HasPrefix(a.Text, b.Text)
	case OpSuffix:
		return strings.HasSuffix(a.Text, b.Text)
	case OpHas:
		return strings.Contains(a.Text, b.Text)
	default:
		return false
	}
}

func (l *rowEval) some(c *Condition) bool {
	slot := &l.slots[c.Slot]
	if c.Left.Field == FieldGrants {
		for i := range l.q.Facts.Grants {
			*slot = element{grant: &l.q.Facts.Grants[i]}
			if l.holds(&c.Of[0]) {
				return true
			}
		}
		return false
	}
	for _, text := range c.Left.Field.row().Texts(l.q) {
		*slot = element{text: text}
		if l.holds(&c.Of[0]) {
			return true
		}
	}
	return false
}

func (l *rowEval) value(o *Operand) Value {
	switch o.Kind() {
	case Text:
		if o.Field == Constant {
			return o.Value
		}
		return o.Function.Apply(Value{Text: l.text(o)})
	case Number:
		if o.Field == Constant {
			return o.Value
		}
		return Value{Kind: Number, Number: float64(l.number(o))}
	case Flag:
		if o.Field == Constant {
			return o.Value
		}
		return FlagOf(o.Field.row().Flag(l.q))
	default:
		return o.Value
	}
}

func (l *rowEval) number(o *Operand) int {
	switch {
	case o.Function != Count:
		return o.Field.row().Number(l.q)
	case o.Field == FieldGrants:
		return len(l.q.Facts.Grants)
	default:
		return len(o.Field.row().Texts(l.q))
	}
}

// FlagOf is the value of true or false.
func FlagOf(b bool) Value {
	if b {
		return Value{Kind: Flag, Number: 1}
	}
	return Value{Kind: Flag}
}

func (l *rowEval) text(o *Operand) string {
	switch {
	case o.Field < firstField:
		return l.ofElement(o)
	case o.Field == FieldNow:
		if l.now == "" {
			l.now = o.Field.row().Text(l.q)
		}
		return l.now
	}
	return o.Field.row().Text(l.q)
}

func (l *rowEval) ofElement(o *Operand) string {
	e := &l.slots[o.Slot]
	if e.grant == nil {
		return e.text
	}
	return question.GrantTable[o.Field-firstGrant].Text(e.grant)
}

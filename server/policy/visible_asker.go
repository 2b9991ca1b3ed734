package policy

import "time"

// maxBinding bounds what is looked at to put an asker into one package's conditions.
const maxBinding = 4 * maxConditions

// binder puts one asker into conditions that leave every asker open.
type binder struct {
	values [Element][]Value // what the fields of the asker are; of a list, each
	left   int
}

func newBinder(q *Question) *binder {
	s, c := &q.Subject, &q.Context
	return &binder{values: [...][]Value{
		FieldAsker: valuesOf(s.ID), askerType: valuesOf(s.Type), askerName: valuesOf(s.Name), askerDomain: valuesOf(s.Domain),
		askerTeams: valuesOf(s.Teams...), askerStewardOf: valuesOf(s.StewardOf...), askerRoles: valuesOf(s.Roles...),
		askerClearance: valuesOf(s.Clearance), askerRegion: valuesOf(s.Region), askerSuspended: {flagOf(s.Suspended)},
		askerPurpose: valuesOf(c.Purpose), askerChannel: valuesOf(c.Channel),
		askerDuration: {{Kind: Number, Number: float64(int(c.Duration / time.Second))}},
	}}
}

func valuesOf[T ~string](words ...T) []Value {
	values := make([]Value, len(words))
	for i, w := range words {
		values[i].Text = string(w)
	}
	return values
}

// view gives what the package says to the asker.
func (b *binder) view(p *packageView) *packageView {
	if p.opaque != nil {
		return p
	}
	b.left = maxBinding
	bound := &packageView{deny: b.bind(p.deny), allow: b.bind(p.allow)}
	if b.left < 0 || bound.deny.size() > maxConditions || bound.allow.size() > maxConditions {
		bound.opaque = cannot(nil, "its rules make a filter of more than %d comparisons", maxConditions)
	}
	return bound
}

func (b *binder) bind(c Condition) Condition {
	if b.left--; b.left < 0 || !c.reads(Field.ofAsker) {
		return c
	}
	switch {
	case c.Op == OpSome && c.Left.Field.ofAsker():
		return b.some(c)
	case len(c.Of) > 0:
		return c.each(b.bind)
	}
	return c.rewrite(Field.ofAsker, func(o Operand) Operand {
		values := b.values[o.Field]
		if o.Function == Count {
			return constant(Value{Kind: Number, Number: float64(len(values))})
		}
		return constant(o.Function.apply(values[0]))
	})
}

// some says of each member of one of the asker's lists what c says of some.
func (b *binder) some(c Condition) Condition {
	var ways []Condition
	for _, v := range b.values[c.Left.Field] {
		if b.left < 0 {
			break
		}
		ways = append(ways, b.bind(c.Of[0].rewrite(func(f Field) bool { return f == Element }, func(o Operand) Operand {
			if o.Slot != c.Slot {
				return o
			}
			return constant(o.Function.apply(v))
		})))
	}
	return or(ways...)
}

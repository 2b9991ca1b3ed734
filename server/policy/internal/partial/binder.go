package partial

import (
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// maxBinding bounds what is looked at to put an asker into one package's conditions.
const maxBinding = 4 * maxConditions

// binder puts one asker into conditions that leave every asker open.
type binder struct {
	asker *question.Question
	left  int
}

func newBinder(q *question.Question) *binder { return &binder{asker: q} }

// view gives what the package says to the asker.
func (b *binder) view(p *View) *View {
	b.left = maxBinding
	bound := p.each(b.bind)
	if b.left >= 0 && bound.deny.Size() <= maxConditions && bound.allow.Size() <= maxConditions && bound.approvals.Size() <= maxConditions {
		return bound
	}
	none := View{opaque: p.opaque, allowing: tooMany(), beyond: p.beyond, allowingBeyond: p.allowingBeyond}
	if none.opaque == nil {
		none.opaque = none.allowing
	}
	return &none
}

func (b *binder) bind(c filter.Condition) filter.Condition {
	if b.left--; b.left < 0 || !c.ReadsAny(filter.Field.OfAsker) {
		return c
	}
	switch {
	case c.Op == filter.OpSome && c.Left.Field.OfAsker():
		return b.some(c)
	case len(c.Of) > 0:
		return c.Each(b.bind)
	}
	return c.Rewrite(filter.Field.OfAsker, func(o filter.Operand) filter.Operand {
		values := o.Field.ValuesOf(b.asker)
		if o.Function == filter.Count {
			return filter.ConstantOf(filter.Value{Kind: filter.Number, Number: float64(len(values))})
		}
		return filter.ConstantOf(o.Function.Apply(values[0]))
	})
}

// some says of each member of one of the asker's lists what c says of some.
func (b *binder) some(c filter.Condition) filter.Condition {
	var alternatives []filter.Condition
	for _, v := range c.Left.Field.ValuesOf(b.asker) {
		if b.left < 0 {
			break
		}
		alternatives = append(alternatives, b.bind(c.Of[0].Rewrite(func(f filter.Field) bool { return f == filter.Element }, func(o filter.Operand) filter.Operand {
			if o.Slot != c.Slot {
				return o
			}
			return filter.ConstantOf(o.Function.Apply(v))
		})))
	}
	return filter.Or(alternatives...)
}

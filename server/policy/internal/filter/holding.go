package filter

import (
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// Holding gives the condition for an asker who holds the grants: what it says
// of some grant becomes what it says of the rows that each one opens.
func (c Condition) Holding(grants []question.GrantFact, now time.Time) Condition {
	c = c.Bind(FieldNow, Value{Text: now.UTC().Format(question.Stamp)})
	return c.holding(grants)
}

func (c Condition) holding(grants []question.GrantFact) Condition {
	if c.Op != OpSome || c.Left.Field != FieldGrants {
		return c.Each(func(p Condition) Condition { return p.holding(grants) })
	}
	var alternatives []Condition
	for _, h := range c.sameOf(grants) {
		alternatives = append(alternatives, h.opened()...)
	}
	return Or(alternatives...)
}

// held are the products of grants of which the condition says the same, but for
// the product itself.
type held struct {
	slot     int
	left     Condition // with the grant's product open
	products []Value
}

// sameOf puts grants together of which the condition says the same, which are
// nearly always all: it is made for somebody who holds thousands, too.
func (c Condition) sameOf(grants []question.GrantFact) []held {
	var all []held
	for i := range grants {
		left := c.Of[0].ofGrant(c.Slot, &grants[i], func(f Field) bool { return f.ofGrant() && f != grantProduct })
		if left.Never() {
			continue
		}
		at := slices.IndexFunc(all, func(h held) bool { return equal(h.left, left) })
		if at < 0 {
			at, all = len(all), append(all, held{slot: c.Slot, left: left})
		}
		all[at].products = append(all[at].products, Value{Text: string(grants[i].Product)})
	}
	return all
}

// grantProduct is the product that a grant is on.
var grantProduct = func() Field { return GrantFields()["product"] }()

// ofGrant puts the chosen fields of one grant into the condition.
func (c Condition) ofGrant(slot int, g *question.GrantFact, chosen func(Field) bool) Condition {
	return c.Rewrite(chosen, func(o Operand) Operand {
		if o.Slot != slot {
			return o
		}
		l := rowEval{}
		l.slots[slot] = element{grant: g}
		return ConstantOf(o.Function.Apply(Value{Text: l.ofElement(&o)}))
	})
}

// opened says which rows the grants open. Rules compare the grant's product with
// the row's, as a rule: that is one comparison with all of the products.
func (h held) opened() []Condition {
	opens := func(products ...Value) Condition {
		return Or(OneOf(Operand{Field: FieldID}, products...), OneOf(Operand{Field: FieldProduct}, products...))
	}
	if !h.left.Reads(grantProduct) {
		return []Condition{And(opens(h.products...), h.left)}
	}
	if field, rest, ok := h.pinned(); ok {
		return []Condition{And(OneOf(Operand{Field: field}, h.products...), rest)}
	}
	each := make([]Condition, len(h.products))
	for i, p := range h.products {
		g := question.GrantFact{Product: model.ID(p.Text)}
		each[i] = And(opens(p), h.left.ofGrant(h.slot, &g, func(f Field) bool { return f == grantProduct }))
	}
	return each
}

// pinned finds that the condition wants the grant's product to be the row's id or
// product, and says nothing else of it. Then the grant is on the row.
func (h held) pinned() (field Field, rest Condition, ok bool) {
	parts := []Condition{h.left}
	if h.left.Op == OpAnd {
		parts = h.left.Of
	}
	var others []Condition
	for _, p := range parts {
		of, pins := h.pins(p)
		switch {
		case pins && !ok:
			field, ok = of, true
		case p.Reads(grantProduct):
			return 0, Never, false
		default:
			others = append(others, p)
		}
	}
	return field, And(others...), ok
}

// pins recognises the comparison.
func (h held) pins(c Condition) (Field, bool) {
	if c.Op != OpEq || c.Left.Function != Plain || c.Right.Function != Plain {
		return 0, false
	}
	a, b := c.Left, c.Right
	if b.Field == grantProduct {
		a, b = b, a
	}
	return b.Field, a.Field == grantProduct && a.Slot == h.slot && (b.Field == FieldID || b.Field == FieldProduct)
}

package policy

import (
	"iter"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// timeForms are the ways in which a rule may write a time.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"}

// around gives the values at, right before and right after a number or a time
// that a rule names. Anything else has none.
func around(v ast.Value) []string {
	switch v := v.(type) {
	case ast.Number:
		return aroundNumber(v)
	case ast.String:
		return aroundTime(string(v))
	}
	return nil
}

// maxSize is how many digits of a number fit into a field of a question.
const maxSize = 18

func aroundNumber(n ast.Number) []string {
	exact, ok := new(big.Rat).SetString(clipDigits(string(n)))
	if !ok {
		return nil
	}
	floor := new(big.Int).Div(exact.Num(), exact.Denom())
	var near []string
	for step := int64(-1); step <= 2; step++ {
		if at := new(big.Int).Add(floor, big.NewInt(step)); step < 2 || !exact.IsInt() {
			near = append(near, at.String())
		}
	}
	return near
}

// clipDigits gives the number, or "" when its exponent would make it too long
// to write out.
func clipDigits(n string) string {
	if f, _, err := big.ParseFloat(n, 10, 64, big.ToNearestEven); err != nil || f.MantExp(nil) > 4*maxSize || f.MantExp(nil) < -4*maxSize {
		return ""
	}
	return n
}

func aroundTime(text string) []string {
	for _, form := range timeForms {
		at, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		var near []string
		for _, step := range []time.Duration{-time.Millisecond, 0, time.Millisecond} {
			near = append(near, instant(at.Add(step)))
		}
		if form == "2006-01-02" { // the whole day and the one after it
			near = append(near, instant(at.Add(12*time.Hour)), instant(at.AddDate(0, 0, 1)))
		}
		return near
	}
	return nil
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// instants reads a number as the seconds, milliseconds or nanoseconds since
// 1970, where that makes a time that somebody could mean.
func instants(n ast.Number) []string {
	whole, ok := n.Int64()
	if !ok {
		return nil
	}
	var near []string
	for _, at := range []time.Time{time.Unix(whole, 0), time.UnixMilli(whole), time.Unix(0, whole)} {
		if at.Year() >= 2000 && at.Year() < 2200 {
			near = append(near, aroundTime(instant(at))...)
		}
	}
	return near
}

// described makes the questions that a clause is about, as far as its
// conditions set plain fields against constants: of each of its actions, and of
// every classification that it does not rule out.
func (c clause) described(persona Question) iter.Seq[Question] {
	fields := map[string][]string{"action.name": spelled(Actions()...), "resource.classification": closed["input.resource.classification"]}
	for _, p := range c.conditions {
		if name, values := p.satisfying(); len(values) > 0 {
			fields[name] = values
		}
	}
	return func(yield func(Question) bool) {
		for _, action := range fields["action.name"] {
			for _, class := range fields["resource.classification"] {
				q := persona
				q.Action, q.Resource.Classification = model.Action(action), model.Classification(class)
				for _, name := range slices.Sorted(maps.Keys(fields)) {
					set(&q, name, fields[name][0])
				}
				q.Action, q.Resource.Classification = model.Action(action), model.Classification(class)
				if !yield(q) {
					return
				}
			}
		}
	}
}

// satisfying gives values of the field that meet the condition.
func (p premise) satisfying() (field string, values []string) {
	if len(p.field) <= len("input.") {
		return "", nil
	}
	field = p.field[len("input."):]
	switch {
	case p.among != nil:
		for _, t := range membersOf(p.among) {
			if s, ok := t.Value.(ast.String); ok {
				values = append(values, string(s))
			} else if n, ok := t.Value.(ast.Number); ok {
				values = append(values, string(n))
			}
		}
	case p.order != "":
		values = around(p.bound)
		if len(values) > 0 && p.order[0] == '>' {
			slices.Reverse(values)
		}
	}
	return field, values
}

// membersOf gives the members of a set in their order.
func membersOf(s ast.Set) []*ast.Term {
	var members []*ast.Term
	s.Sorted().Foreach(func(t *ast.Term) { members = append(members, t) })
	return members
}

package impact

import (
	"iter"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/usage"
)

// described makes the questions that a clause is about, as far as its
// conditions set plain fields against constants: of each of its actions, and of
// every classification that it does not rule out.
func (c clause) described(persona question.Question) iter.Seq[question.Question] {
	fields := map[string][]string{"action.name": question.Spelled(question.Actions()...), "resource.classification": question.ClosedWords["input.resource.classification"]}
	for _, p := range c.conditions {
		if name, values := p.satisfying(); len(values) > 0 {
			fields[name] = values
		}
	}
	return func(yield func(question.Question) bool) {
		for _, action := range fields["action.name"] {
			for _, class := range fields["resource.classification"] {
				q := persona
				q.Action, q.Resource.Classification = model.Action(action), model.Classification(class)
				for _, name := range slices.Sorted(maps.Keys(fields)) {
					question.Set(&q, name, fields[name][0])
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
		values = usage.Around(p.bound)
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

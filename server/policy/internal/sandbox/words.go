package sandbox

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// Comparisons name the functions that set two values against each other.
var Comparisons = []string{"eq", "equal", "assign", "neq", "internal.member_2"}

// words refuses comparisons with a word that the field never holds.
func (p *Pin) words(m *ast.Module) {
	ast.NewGenericVisitor(func(n any) bool {
		var call ast.Call
		switch n := n.(type) {
		case *ast.Expr:
			if !n.IsCall() {
				return false
			}
			call = n.Terms.([]*ast.Term)
		case *ast.Term:
			var ok bool
			if call, ok = n.Value.(ast.Call); !ok {
				return false
			}
		default:
			return false
		}
		if slices.Contains(Comparisons, call.Operator().String()) && len(call) > 2 {
			p.compared(call[1], call[2])
			p.compared(call[2], call[1])
		}
		return false
	}).Walk(m)
}

// compared looks at one side as the field and at the other as its words.
func (p *Pin) compared(field, with *ast.Term) {
	ref, ok := field.Value.(ast.Ref)
	if !ok {
		return
	}
	name := FieldName(ref)
	known := question.ClosedWords[name]
	if known == nil {
		return
	}
	for _, t := range Literals(with) {
		word := string(t.Value.(ast.String))
		switch {
		case word == "" || slices.Contains(known, word):
		case name == "input.action.name":
			if !question.Asked(model.Action(word)) {
				p.fault(t.Location, "%q is no action%s", word, guess(word, known))
			}
		default:
			p.fault(t.Location, "%q is no word of %s%s", word, name, guess(word, known))
		}
	}
}

func guess(word string, known []string) string {
	if near := closest(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// fields refuses a field that the input of the rule's actions does not have:
// the rule would never fire. A rule that names no action is about any.
func (p *Pin) fields(r *ast.Rule) {
	about := ActionsOf(r)
	if len(about) == 0 {
		return
	}
	ast.WalkRefs(r, func(ref ast.Ref) bool {
		name := FieldName(ref)
		for _, field := range slices.Sorted(maps.Keys(question.FieldsOfActions)) {
			has := func(a model.Action) bool { return slices.Contains(question.FieldsOfActions[field], a) }
			if (name == field || strings.HasPrefix(name, field+".")) && !slices.ContainsFunc(about, has) {
				p.fault(ref[0].Location, "%s is no field of %s; %s has it", field, about[0], question.FieldsOfActions[field][0])
			}
		}
		return false
	})
}

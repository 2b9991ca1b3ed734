package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// closed lists the fields of the input that hold words of a closed list. A
// rule that compares one with any other word never fires, so a misspelt word
// is an error of the compiler as a misspelt field is.
var closed = map[string][]string{
	"input.action.name":             actionWords(),
	"input.subject.roles":           spelled(model.RoleAdmin, model.RoleSteward, model.RoleEmployee, model.RolePEP, model.RoleTrusted),
	"input.subject.clearance":       spelled(model.Public, model.Internal, model.Confidential, model.Restricted),
	"input.resource.classification": spelled(model.Public, model.Internal, model.Confidential, model.Restricted),
	"input.resource.visibility":     spelled(model.VisibleToAll, model.VisibleToDomain),
	"input.facts.roles_held":        slices.Sorted(maps.Keys(approvers)),
}

func actionWords() []string { return spelled(Actions()...) }

func spelled[T ~string](of ...T) []string {
	words := make([]string, len(of))
	for i, w := range of {
		words[i] = string(w)
	}
	return words
}

// comparisons name the functions that set two values against each other.
var comparisons = []string{"eq", "equal", "assign", "neq", "internal.member_2"}

// words refuses comparisons with a word that the field never holds.
func (p *pin) words(m *ast.Module) {
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
		if slices.Contains(comparisons, call.Operator().String()) && len(call) > 2 {
			p.compared(call[1], call[2])
			p.compared(call[2], call[1])
		}
		return false
	}).Walk(m)
}

// compared looks at one side as the field and at the other as its words.
func (p *pin) compared(field, with *ast.Term) {
	ref, ok := field.Value.(ast.Ref)
	if !ok {
		return
	}
	name := fieldName(ref)
	known := closed[name]
	if known == nil {
		return
	}
	for _, t := range literals(with) {
		word := string(t.Value.(ast.String))
		switch {
		case word == "" || slices.Contains(known, word):
		case name == "input.action.name":
			if !Asked(model.Action(word)) {
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

// limited are the fields that the input has for some actions only.
var limited = map[string][]model.Action{
	"input.context.duration_s": {model.ActAccessRequest},
	"input.resource.findings":  {model.ActProductPublish},
	"input.facts.impact":       {model.ActPolicyApprove, model.ActPolicyActivate, model.ActPolicyRollback, model.ActPolicyDraft, model.ActPolicyComment},
}

// fields refuses a field that the input of the rule's actions does not have:
// the rule would never fire. A rule that names no action is about any.
func (p *pin) fields(r *ast.Rule) {
	about := actionsOf(r)
	if len(about) == 0 {
		return
	}
	ast.WalkRefs(r, func(ref ast.Ref) bool {
		name := fieldName(ref)
		for _, field := range slices.Sorted(maps.Keys(limited)) {
			has := func(a model.Action) bool { return slices.Contains(limited[field], a) }
			if (name == field || strings.HasPrefix(name, field+".")) && !slices.ContainsFunc(about, has) {
				p.fault(ref[0].Location, "%s is no field of %s; %s has it", field, about[0], limited[field][0])
			}
		}
		return false
	})
}

// fieldName spells the reference with dots, or gives "" when it is no plain
// field of the input.
func fieldName(ref ast.Ref) string {
	if len(ref) < 2 || ref[0].Value.Compare(ast.InputRootDocument.Value) != 0 {
		return ""
	}
	name := "input"
	for _, t := range ref[1:] {
		s, ok := t.Value.(ast.String)
		if !ok {
			break
		}
		name += "." + string(s)
	}
	return name
}

// literals gives the texts of a text, or of a collection of texts.
func literals(t *ast.Term) []*ast.Term {
	var texts []*ast.Term
	add := func(e *ast.Term) {
		if _, ok := e.Value.(ast.String); ok {
			texts = append(texts, e)
		}
	}
	switch v := t.Value.(type) {
	case ast.String:
		add(t)
	case *ast.Array:
		v.Foreach(add)
	case ast.Set:
		v.Foreach(add)
	}
	return texts
}

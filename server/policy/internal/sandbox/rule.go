package sandbox

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// IsField recognises a plain field of the input.
func IsField(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	return ok && ref.IsGround() && FieldName(ref) != ""
}

// ActionsOf lists the actions that a rule says it is about, in a condition of
// its own body. None stand for all.
func ActionsOf(r *ast.Rule) []model.Action {
	for _, e := range r.Body {
		if e.IsNegated() || !e.IsCall() || len(e.Operands()) != 2 {
			continue
		}
		operator, a, b := e.Operator().String(), e.Operand(0), e.Operand(1)
		if operator == "eq" || operator == "equal" || operator == "assign" {
			if isAction(b) {
				a, b = b, a
			}
		} else if operator != "internal.member_2" {
			continue
		}
		if !isAction(a) {
			continue
		}
		var about []model.Action
		for _, t := range Literals(b) {
			about = append(about, model.Action(t.Value.(ast.String)))
		}
		return about
	}
	return nil
}

func isAction(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	return ok && FieldName(ref) == "input.action.name"
}

// WordsOf gives the leading constant words of a reference.
func WordsOf(r ast.Ref) []string {
	var words []string
	for _, part := range r {
		switch v := part.Value.(type) {
		case ast.Var:
			if len(words) > 0 {
				return words
			}
			words = append(words, string(v))
		case ast.String:
			words = append(words, string(v))
		default:
			return words
		}
	}
	return words
}

// FieldName spells the reference with dots, or gives "" when it is no plain
// field of the input.
func FieldName(ref ast.Ref) string {
	if len(ref) < 2 || ref[0].Value.Compare(ast.InputRootDocument.Value) != 0 {
		return ""
	}
	var name strings.Builder
	name.WriteString("input")
	for _, t := range ref[1:] {
		s, ok := t.Value.(ast.String)
		if !ok {
			break
		}
		name.WriteString("." + string(s))
	}
	return name.String()
}

// Literals gives the texts of a text, or of a collection of texts.
func Literals(t *ast.Term) []*ast.Term {
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

package usage

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Wording is what the rules compare with what.
type Wording struct {
	Fields  map[string]map[string]bool // values by field, such as resource.status
	Actions map[model.Action]bool
}

// NewWording has no words yet.
func NewWording() *Wording {
	return &Wording{Fields: map[string]map[string]bool{}, Actions: map[model.Action]bool{}}
}

// Read collects the words of a package.
func (w *Wording) Read(u *sandbox.Unit) {
	trees := u.Parsed()
	for _, file := range sandbox.SortedFiles(trees) {
		for _, r := range trees[file].Rules {
			name := r.Head.Ref()[0].Value.String()
			if slices.Contains(sandbox.Entries, name) && len(sandbox.ActionsOf(r)) == 0 {
				for _, a := range question.Actions() {
					w.Actions[a] = true
				}
			}
			for _, a := range sandbox.ActionsOf(r) {
				w.Actions[a] = true
			}
		}
		ast.NewGenericVisitor(func(n any) bool { w.noteCall(n); return false }).Walk(trees[file])
		ast.WalkTerms(trees[file], func(t *ast.Term) bool { w.quantities(t); return false })
	}
}

// noteCall notes a call that sets a field beside constants.
func (w *Wording) noteCall(n any) {
	var call []*ast.Term
	switch n := n.(type) {
	case *ast.Expr:
		if n.IsCall() {
			call = n.Terms.([]*ast.Term)
		}
	case *ast.Term:
		if c, ok := n.Value.(ast.Call); ok {
			call = c
		}
	}
	if len(call) < 3 {
		return
	}
	for i, t := range call[1:] {
		field := fieldOf(t)
		if field == "" {
			continue
		}
		for j, other := range call[1:] {
			if i != j {
				w.note(field, other)
			}
		}
	}
}

func (w *Wording) note(field string, t *ast.Term) {
	for _, l := range sandbox.Literals(t) {
		w.add(field, string(l.Value.(ast.String)))
	}
	w.add(field, Around(t.Value)...)
}

func (w *Wording) add(field string, values ...string) {
	if len(values) > 0 && w.Fields[field] == nil {
		w.Fields[field] = map[string]bool{}
	}
	for _, v := range values {
		w.Fields[field][v] = true
	}
}

// quantities notes every time and every number that the rules name, wherever
// they stand: a rule may get at the clock, or at how long somebody wants the
// data, by a constant, a helper or a calculation.
func (w *Wording) quantities(t *ast.Term) {
	near := Around(t.Value)
	switch _, text := t.Value.(ast.String); {
	case text:
		w.add("context.now", near...)
	case len(near) > 0:
		w.add("context.duration_s", near...)
		w.add("resource.ports", near...)
		w.add("context.now", instants(t.Value.(ast.Number))...)
	}
}

// partOf tells of each field of the input which part it is of, as far as only
// one part has a field of the name.
var partOf = uniqueFields()

func uniqueFields() map[string]string {
	parts := map[string]string{}
	for _, f := range question.Table {
		part, name, _ := strings.Cut(f.Path, ".")
		if part == "facts" || strings.Contains(name, ".") {
			continue
		}
		if _, twice := parts[name]; twice {
			parts[name] = ""
			continue
		}
		parts[name] = part
	}
	return parts
}

// fieldOf names the field that a reference reads, or gives "". What a helper
// calls resource or subject is taken for that part of the input, and so is
// what has a field that only one part has.
func fieldOf(t *ast.Term) string {
	ref, ok := t.Value.(ast.Ref)
	if !ok || len(ref) < 2 {
		return ""
	}
	words := sandbox.WordsOf(ref)
	if len(words) > 0 && words[0] == "input" {
		words = words[1:]
	}
	if len(words) < 2 {
		return ""
	}
	if !slices.Contains([]string{"subject", "resource", "context", "properties"}, words[0]) {
		if words[0] = partOf[words[1]]; words[0] == "" {
			return ""
		}
	}
	return strings.Join(words, ".")
}

// Close adds the words of the closed lists, which rules of the library compare with.
func (w *Wording) Close() {
	for _, f := range question.Table {
		w.add(f.Path, f.Tried...)
	}
}

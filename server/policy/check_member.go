package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

func (l *lint) fail(code, file string, line int, message, fix string) {
	l.problems = append(l.problems, model.PolicyProblem{Severity: severityError, Code: code, File: file, Line: line, Message: message, Fix: fix})
}

// misnamed finds a set that is called almost as one of the rules that the
// server asks for: nobody would ever ask for it.
func (l *lint) misnamed(file, name string, r *ast.Rule) {
	near := model.Nearest(name, entries)
	if near == "" || r.Head.RuleKind() != ast.MultiValue || strings.HasPrefix(name, "_") {
		return
	}
	l.fail("policy.unknown_entry", file, r.Location.Row, "the server asks for no rule "+name,
		"did you mean "+near+"? A helper of your own begins with an underscore")
}

// member looks at what is written out of a member: whatever the server could
// not carry out breaks the decision whenever the rule fires.
func (l *lint) member(file, name string, r *ast.Rule) {
	if name == findingsEntry || r.Head.Key == nil {
		return
	}
	o, object := valueOf[ast.Object](r.Head.Key)
	switch {
	case !object && ast.IsConstant(r.Head.Key.Value):
		l.fail("policy.member", file, r.Location.Row, fmt.Sprintf("a member of %s is an object, not %s", name, r.Head.Key),
			`write it as: `+name+` contains {"code": ..., "message": ...} if { ... }`)
	case object && name == "obligations":
		l.word(file, r, o, "type", slices.Sorted(maps.Keys(dutyWords())), "is no type of obligation")
	case object && name == "approvals":
		l.word(file, r, o, "role", slices.Sorted(maps.Keys(approvers)), "is no role that can approve")
	}
}

func dutyWords() map[string]bool {
	words := map[string]bool{}
	for t := range duties {
		words[string(t)] = true
	}
	return words
}

// word refuses a word that is written out and is none of the known ones.
func (l *lint) word(file string, r *ast.Rule, o ast.Object, key string, known []string, what string) {
	word, ok := valueOf[ast.String](o.Get(ast.StringTerm(key)))
	if !ok || slices.Contains(known, string(word)) {
		return
	}
	fix := "use one of " + strings.Join(known, ", ")
	if near := model.Nearest(string(word), known); near != "" {
		fix = "did you mean " + near + "? Or " + fix
	}
	l.fail("policy.unknown_word", file, r.Location.Row, fmt.Sprintf("%q %s", string(word), what), fix)
}

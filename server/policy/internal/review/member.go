package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

func (l *lint) fail(code, file string, line int, message, fix string) {
	l.problems = append(l.problems, model.PolicyProblem{Severity: sandbox.SeverityError, Code: code, File: file, Line: line, Message: message, Fix: fix})
}

// misnamed finds a set that is called almost as one of the rules that the
// server asks for: nobody would ever ask for it.
func (l *lint) misnamed(file, name string, r *ast.Rule) {
	near := model.Nearest(name, sandbox.Entries)
	if near == "" || r.Head.RuleKind() != ast.MultiValue || strings.HasPrefix(name, "_") {
		return
	}
	l.fail("policy.unknown_entry", file, r.Location.Row, "the server asks for no rule "+name,
		"did you mean "+near+"? A helper of your own begins with an underscore")
}

// member looks at what is written out of a member: whatever the server could
// not carry out breaks the decision whenever the rule fires.
func (l *lint) member(file, name string, r *ast.Rule) {
	if name == sandbox.FindingsEntry || r.Head.Key == nil {
		return
	}
	o, object := question.ValueOf[ast.Object](r.Head.Key)
	switch {
	case !object && ast.IsConstant(r.Head.Key.Value):
		l.fail("policy.member", file, r.Location.Row, fmt.Sprintf("a member of %s is an object, not %s", name, r.Head.Key),
			`write it as: `+name+` contains {"code": ..., "message": ...} if { ... }`)
	case object && name == "obligations":
		l.word(file, r, o, "type", slices.Sorted(maps.Keys(dutyWords())), "is no type of obligation")
		l.params(file, r, o)
	case object && name == "approvals":
		l.word(file, r, o, "role", question.Spelled(model.ApproverRoles()...), "is no role that can approve")
	}
}

// params looks at the parameters of an obligation that are written out.
func (l *lint) params(file string, r *ast.Rule, o ast.Object) {
	kind, ok := question.ValueOf[ast.String](o.Get(ast.StringTerm("type")))
	d, known := verdict.Duties[model.ObligationType(kind)]
	params, written := question.ValueOf[ast.Object](o.Get(ast.StringTerm("params")))
	if !ok || !known || !written {
		return
	}
	names := slices.Concat(d.Needs, d.May)
	params.Foreach(func(key, _ *ast.Term) {
		if name, ok := question.ValueOf[ast.String](key); ok {
			l.known(file, r, string(name), names, "is no parameter of the obligation "+string(kind))
		}
	})
	switch model.ObligationType(kind) {
	case model.ObligeMask:
		l.word(file, r, params, "with", slices.Sorted(maps.Keys(verdict.MaskStrength)), "is nothing to mask with")
	case model.ObligeRowFilter:
		l.word(file, r, params, "op", verdict.FilterOps, "is no comparison of a row filter")
	default:
	}
}

func dutyWords() map[string]bool {
	words := map[string]bool{}
	for t := range verdict.Duties {
		words[string(t)] = true
	}
	return words
}

// word refuses a word that is written out and is none of the known ones.
func (l *lint) word(file string, r *ast.Rule, o ast.Object, key string, known []string, what string) {
	word, ok := question.ValueOf[ast.String](o.Get(ast.StringTerm(key)))
	if ok {
		l.known(file, r, string(word), known, what)
	}
}

func (l *lint) known(file string, r *ast.Rule, word string, known []string, what string) {
	if slices.Contains(known, word) {
		return
	}
	fix := "use one of " + strings.Join(known, ", ")
	if len(known) == 0 {
		fix = "leave it out"
	}
	if near := model.Nearest(word, known); near != "" {
		fix = "did you mean " + near + "? Or " + fix
	}
	l.fail("policy.unknown_word", file, r.Location.Row, fmt.Sprintf("%q %s", word, what), fix)
}

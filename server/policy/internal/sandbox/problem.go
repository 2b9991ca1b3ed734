package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// The severities of a problem. An error keeps a draft from going on.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// remedies are what an author can do, by a word of the engine's message, with
// the code that programs know the problem by.
var remedies = []struct{ word, code, text string }{
	{"declares package", "policy.wrong_package", "move the file to its own domain's folder, or correct its package line"},
	{"import rego.v2", "policy.no_version", "add the line: import rego.v2"},
	{"may use only itself", "policy.foreign_reference", "ask the server for the fact through input, or put what is shared into souk.lib"},
	{"with may replace", "policy.replacement", "move the rule into a file named *_test.rego"},
	{"must be a set", "policy.entry", "write it as: NAME contains {\"code\": ..., \"message\": ...} if { ... }"},
	{"has no code", "policy.no_code", "give it a code, which programs read, and a message, which people read"},
	{"has no message", "policy.no_code", "give it a code, which programs read, and a message, which people read"},
	{"undefined function", "policy.function", "use one of the built-in functions that policies may call; functions that read the clock, the network or chance are not among them"},
	{"is no action", "policy.unknown_word", "correct the word; actions of applications begin with app."},
	{"is no word", "policy.unknown_word", "correct the word"},
	{"bring a schema", "policy.own_schema", "take schemas out of the metadata; the fields of input are listed in policies/README.md"},
	{"is no field of", "policy.unknown_field", "leave the condition out, or write the rule for an action that has the field"},
	{"undefined ref", "policy.unknown_field", "correct the name; the fields of input are listed in policies/README.md"},
	{"unsafe", "policy.unsafe_variable", "give the variable a value before it is used"},
	{"is declared but not used", "policy.unused", "remove the import or the variable"},
	{"unused", "policy.unused", "remove the import or the variable"},
	{"recursive", "policy.recursion", "break the circle of rules that need one another"},
	{"match error", "policy.type", "compare values of one type; the fields of input are listed in policies/README.md"},
	{"more than", "policy.limit", "split the rule into helpers"},
	{"nest more than", "policy.limit", "name the inner part as a helper rule"},
	{"keyword is required", "policy.old_syntax", "this is Rego v0; write Rego v1: put if before the rule's body and contains before a set's member"},
}

// remedy gives the code and the remedy of what the engine found.
func remedy(e *ast.Error) (code, text string) {
	for _, r := range remedies {
		if strings.Contains(e.Message, r.word) {
			return r.code, r.text
		}
	}
	if e.Code == ast.ParseErr {
		return "policy.syntax", "correct the syntax at this line"
	}
	return "policy.invalid", "correct the rule at this line"
}

// found tells an author in plain words of one thing that the engine found.
func found(e *ast.Error) model.PolicyProblem {
	code, fix := remedy(e)
	p := model.PolicyProblem{Severity: SeverityError, Code: code, Message: strings.TrimSpace(e.Message), Fix: fix}
	if d, ok := e.Details.(*ast.RefErrInvalidDetail); ok {
		if near := nearest(d.Ref, d.Pos, d.OneOf); near != "" {
			p.Fix = fmt.Sprintf("did you mean %s? %s", near, fix)
		}
	}
	if e.Location != nil {
		p.File, p.Line = e.Location.File, max(1, e.Location.Row)
	}
	return p
}

// nearest spells the reference with the known word that is closest to the
// unknown one, or gives "" when none is close.
func nearest(ref ast.Ref, at int, known []ast.Value) string {
	if at >= len(ref) {
		return ""
	}
	wrong, _ := ref[at].Value.(ast.String)
	words := make([]string, 0, len(known))
	for _, v := range known {
		if s, ok := v.(ast.String); ok {
			words = append(words, string(s))
		}
	}
	word := closest(string(wrong), words)
	if word == "" {
		return ""
	}
	return ref[:at].String() + "." + word
}

// closest gives the word that takes the fewest edits, two at most.
func closest(wrong string, words []string) string {
	best, least := "", 3
	for _, w := range slices.Sorted(slices.Values(words)) {
		if n := edits(wrong, w); n < least {
			best, least = w, n
		}
	}
	return best
}

// edits counts the letters to add, drop or change from one word to the other.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// ProblemsOf lists what keeps a draft from compiling.
func ProblemsOf(err error) []model.PolicyProblem {
	if e, ok := errors.AsType[*model.Error](err); ok {
		p := model.PolicyProblem{Severity: SeverityError, Code: "policy.invalid", File: e.Field, Message: e.Message, Fix: e.Hint}
		if i := strings.LastIndexByte(e.Field, ':'); i >= 0 {
			if line, err := strconv.Atoi(e.Field[i+1:]); err == nil {
				p.File, p.Line = e.Field[:i], line
			}
		}
		return []model.PolicyProblem{p}
	}
	var problems []model.PolicyProblem
	for _, e := range AsErrors(err) {
		problems = append(problems, found(e))
	}
	return problems
}

// InOrder sorts problems by their place, each once.
func InOrder(problems []model.PolicyProblem) []model.PolicyProblem {
	slices.SortStableFunc(problems, func(a, b model.PolicyProblem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}

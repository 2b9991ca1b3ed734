package review

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// lint finds what the compiler accepts and an author would not want.
type lint struct {
	tests    string // the text of all the tests
	problems []model.PolicyProblem
}

func (l *lint) warn(code, file string, line int, message, fix string) {
	l.problems = append(l.problems, model.PolicyProblem{Severity: sandbox.SeverityWarning, Code: code, File: file, Line: line, Message: message, Fix: fix})
}

// Format gives the text of a file of rules as the check wants it. An error of
// kind Invalid names the line that is no Rego.
func Format(file, text string) (string, error) {
	want, err := format.SourceWithOpts(file, []byte(text), format.Opts{RegoVersion: ast.RegoV1})
	if err != nil {
		return "", sandbox.Invalid(sandbox.AsErrors(err))
	}
	return string(want), nil
}

// formatted compares the file with what the formatter makes of it.
func (l *lint) formatted(m model.PolicyModule) {
	want, err := format.SourceWithOpts(m.Path, []byte(m.Text), format.Opts{RegoVersion: ast.RegoV1})
	if err != nil || bytes.Equal(want, []byte(m.Text)) {
		return
	}
	line := 1
	is, shall := strings.Split(m.Text, "\n"), strings.Split(string(want), "\n")
	for line <= len(is) && line <= len(shall) && is[line-1] == shall[line-1] {
		line++
	}
	l.warn("policy.format", m.Path, line, "the file is not formatted", "run souk policy fmt over the folder, or opa fmt over the file")
}

// reasoned are the entries whose members are reasons.
var reasoned = []string{"allow", "deny", "visible", "consent"}

func (l *lint) rule(file string, r *ast.Rule) {
	name := r.Head.Ref()[0].Value.String()
	if !slices.Contains(sandbox.Entries, name) && name != sandbox.FindingsEntry {
		l.misnamed(file, name, r)
		return
	}
	l.member(file, name, r)
	if slices.Contains(reasoned, name) {
		l.reason(file, name, r)
	}
	if name != sandbox.FindingsEntry {
		l.first(file, r)
	}
}

// reason looks at a reason that is written out: it needs a code and a message,
// or its rule breaks the decision whenever it fires. Its code must stand in a test.
func (l *lint) reason(file, name string, r *ast.Rule) {
	reason, ok := question.ValueOf[ast.Object](r.Head.Key)
	if !ok {
		return
	}
	for _, key := range []*ast.Term{verdict.KeyCode, verdict.KeyMessage} {
		if t := reason.Get(key); t == nil || t.Value.Compare(ast.String("")) == 0 {
			l.problems = append(l.problems, model.PolicyProblem{
				Severity: sandbox.SeverityError, Code: "policy.no_code", File: file, Line: r.Location.Row,
				Message: fmt.Sprintf("the reason of %s has no %s", name, string(key.Value.(ast.String))),
				Fix:     "give it a code, which programs read, and a message, which people read",
			})
		}
	}
	if code := verdict.CodeOf(r); code != "" && l.tests != "" && !strings.Contains(l.tests, `"`+code+`"`) {
		l.warn("policy.untested", file, r.Location.Row, fmt.Sprintf("no test names the code %s of this rule", code), "write a test that expects the code")
	}
}

// first warns of a rule that the engine cannot pass over by its index.
func (l *lint) first(file string, r *ast.Rule) {
	if len(r.Body) == 0 || indexable(r.Body[0]) {
		return
	}
	l.warn("policy.slow_first_condition", file, r.Body[0].Location.Row, "the engine has to try this rule for every question",
		`begin with a condition that compares a field with a constant, such as input.action.name == "data.read"`)
}

// indexable reports a comparison of a field of the input with constants.
func indexable(e *ast.Expr) bool {
	if e.IsNegated() || len(e.With) > 0 {
		return false
	}
	if t, ok := e.Terms.(*ast.Term); ok {
		return sandbox.IsField(t) || t.Value.Compare(ast.Boolean(true)) == 0
	}
	if !e.IsCall() || len(e.Operands()) != 2 {
		return false
	}
	a, b := e.Operand(0), e.Operand(1)
	switch e.Operator().String() {
	case "eq", "equal", "assign":
		return (sandbox.IsField(a) && ast.IsConstant(b.Value)) || (sandbox.IsField(b) && ast.IsConstant(a.Value))
	case "internal.member_2":
		return sandbox.IsField(a) && ast.IsConstant(b.Value)
	}
	return false
}

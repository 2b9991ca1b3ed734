package verdict

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Findings reads the answer of standards.
func (r *Reader) Findings(t *ast.Term) ([]model.Finding, *sandbox.Fault) {
	answer, ok := question.ValueOf[ast.Object](t)
	if !ok {
		return nil, &sandbox.Fault{Code: sandbox.CodeInvalidOutput, Message: "the answer is no object"}
	}
	members := answer.Get(keyFindings)
	if members == nil {
		return nil, nil
	}
	if set, ok := question.ValueOf[ast.Set](members); ok && set.Len() > sandbox.MaxFindings {
		return nil, &sandbox.Fault{Code: sandbox.CodeInvalidOutput, Message: fmt.Sprintf("%s: more than %d of them about one noun", sandbox.FindingsEntry, sandbox.MaxFindings)}
	}
	return each(r, members, r.finding), r.fault
}

func (r *Reader) finding(o ast.Object) model.Finding {
	f := model.Finding{
		Code: r.text(o, KeyCode, true), Severity: model.Severity(r.text(o, keySeverity, true)), Standard: r.Origin,
		Field: r.text(o, keyField, false), Message: r.text(o, KeyMessage, true), Remedy: r.text(o, keyRemedy, true),
	}
	if f.Severity != model.SeverityError && f.Severity != model.SeverityWarning {
		r.fail("severity must be error or warning")
	}
	return f
}

var (
	keyFindings, keySeverity = ast.StringTerm(sandbox.FindingsEntry), ast.StringTerm("severity")
	keyRemedy, keyField      = ast.StringTerm("remedy"), ast.StringTerm("field")
)

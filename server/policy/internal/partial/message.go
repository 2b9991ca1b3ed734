package partial

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// stubDomain puts a stand-in where an approval is wanted of the row's own domain:
// whichever it is, it is a short text, and that is all that an answer needs.
func stubDomain(member *ast.Term) *ast.Term {
	object, ok := member.Value.(ast.Object)
	if !ok {
		return member
	}
	domain := object.Get(verdict.KeyDomain)
	if domain == nil || !rowFields[domain.Value.String()].Short() {
		return member
	}
	return exchanged(object, verdict.KeyDomain, "x")
}

// exchanged is the object with another text in one place.
func exchanged(object ast.Object, at *ast.Term, text string) *ast.Term {
	plain := ast.NewObject()
	object.Foreach(func(key, value *ast.Term) {
		if key.Equal(at) {
			value = ast.StringTerm(text)
		}
		plain.Insert(key, value)
	})
	return ast.NewTerm(plain)
}

// stubMessage puts a stand-in where a message is composed of short parts of the
// row: such a message is a text whatever the row.
func stubMessage(body ast.Body, member *ast.Term) (ast.Body, *ast.Term, error) {
	object, ok := member.Value.(ast.Object)
	if !ok {
		return body, member, nil
	}
	message := object.Get(verdict.KeyMessage)
	if message == nil || ast.IsConstant(message.Value) {
		return body, member, nil
	}
	i := slices.IndexFunc(body, func(e *ast.Expr) bool {
		return e.IsCall() && e.Operator().String() == sandbox.MeteredPrefix+"sprintf" && len(e.Operands()) == 3 && e.Operand(2).Equal(message)
	})
	call, inline := message.Value.(ast.Call)
	switch {
	case i >= 0:
		call = append(ast.Call{body[i].OperatorTerm()}, body[i].Operands()[:2]...)
		body = slices.Delete(slices.Clone(body), i, i+1)
	case !inline:
		return nil, nil, cannot(message.Location, "a message is composed of more than a format and short fields")
	}
	if !shortMessage(call) {
		return nil, nil, cannot(message.Location, "a message is composed of more than a format and short fields")
	}
	return body, exchanged(object, verdict.KeyMessage, strings.Repeat("x", 1024)), nil
}

func shortMessage(call ast.Call) bool {
	if call[0].String() != sandbox.MeteredPrefix+"sprintf" || len(call) != 3 {
		return false
	}
	format, ok := call[1].Value.(ast.String)
	args, list := call[2].Value.(*ast.Array)
	if !ok || !list || len(format) == 0 || len(format) > 512 || format[0] == '%' || sandbox.WideFormat(call[1]) {
		return false
	}
	return !args.Until(func(t *ast.Term) bool {
		field, ok := rowFields[t.Value.String()]
		return !ast.IsConstant(t.Value) && (!ok || !field.Short())
	})
}

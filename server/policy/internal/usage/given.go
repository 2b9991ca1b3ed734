package usage

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Given is what is known of a question before it is asked.
type Given struct {
	Action   model.Action
	NoGrants bool // the subject holds none on the resource
}

// reached gives the expressions of a body that count, and whether all do. They are
// evaluated one after the other until one does not hold, so nothing behind it is
// read. A rule may be passed over for what stands behind, too, which matters where
// something before it can break, since that is a refusal: then all count.
func (g *Given) reached(body ast.Body, known aliases) (part ast.Body, whole bool) {
	if g == nil {
		return body, true
	}
	at := slices.IndexFunc(body, func(e *ast.Expr) bool { return g.excludes(e, known) })
	if at < 0 || slices.ContainsFunc(body[:at], canBreak) {
		return body, true
	}
	return body[:at+1], false
}

// canBreak reports an expression that does more than compare.
func canBreak(e *ast.Expr) bool {
	_, call := e.Terms.([]*ast.Term)
	return len(e.With) > 0 || !call || (!e.IsEquality() && e.Operator().String() != ast.Member.Name)
}

// excludes reports an expression that cannot hold.
func (g *Given) excludes(e *ast.Expr, known aliases) bool {
	terms, call := e.Terms.([]*ast.Term)
	if e.Negated || len(e.With) > 0 || !call || len(terms) != 3 {
		return false
	}
	a, b := terms[1], terms[2]
	return g.otherAction(e, a, b, known) || (e.IsEquality() && (g.noGrant(a, known) || g.noGrant(b, known)))
}

// otherAction recognises a comparison with other actions.
func (g *Given) otherAction(e *ast.Expr, a, b *ast.Term, known aliases) bool {
	switch operator := e.Operator().String(); {
	case e.IsEquality():
		if isAction(b, known) {
			a, b = b, a
		}
		other, text := b.Value.(ast.String)
		return isAction(a, known) && text && string(other) != string(g.Action)
	case operator == ast.Member.Name:
		return isAction(a, known) && isText(b) && !slices.ContainsFunc(sandbox.Literals(b), func(t *ast.Term) bool {
			return string(t.Value.(ast.String)) == string(g.Action)
		})
	}
	return false
}

// isAction reports whether the term is the name of the action.
func isAction(t *ast.Term, known aliases) bool {
	at, exact := known.place(t)
	return at.ok && exact && at.path == "action.name"
}

// isText reports a collection of nothing but texts.
func isText(t *ast.Term) bool {
	switch v := t.Value.(type) {
	case ast.Set:
		return v.Len() == len(sandbox.Literals(t))
	case *ast.Array:
		return v.Len() == len(sandbox.Literals(t))
	}
	return false
}

// noGrant recognises a member of the grants, of which there is none.
func (g *Given) noGrant(t *ast.Term, known aliases) bool {
	ref, ok := t.Value.(ast.Ref)
	if !g.NoGrants || !ok {
		return false
	}
	for i := 1; i < len(ref); i++ {
		at, exact := known.place(ast.NewTerm(ref[:i]))
		if at.ok && exact && at.path == "facts.grants" {
			return true
		}
	}
	return false
}

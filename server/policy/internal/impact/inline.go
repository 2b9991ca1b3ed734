package impact

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// present are the parts of the input that every question has.
var present = []string{"input", "input.action", "input.subject", "input.resource", "input.facts", "input.context"}

// inline gives the bodies that a condition stands for when it calls a helper
// which is simply true or not. Anything else stays as it is.
func (c *clauses) inline(e *ast.Expr) ([]ast.Body, bool) {
	if e.IsNegated() || len(e.With) > 0 {
		return nil, false
	}
	var called ast.Ref
	var given []*ast.Term
	switch t := e.Terms.(type) {
	case *ast.Term:
		called, _ = t.Value.(ast.Ref)
	case []*ast.Term:
		called, _ = t[0].Value.(ast.Ref)
		given = t[1:]
	}
	name, ok := c.rule(called)
	if !ok || len(called) != len(c.own)+1 {
		return nil, false
	}
	mark := c.markOf(name, given)
	var bodies []ast.Body
	for _, r := range c.rules[name] {
		body, ok := opened(r, given, mark)
		if !ok {
			return nil, false
		}
		bodies = append(bodies, body)
	}
	return bodies, true
}

// markOf sets the variables of one call apart from those of every other.
func (c *clauses) markOf(name string, given []*ast.Term) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", name)
	for _, t := range given {
		fmt.Fprintf(h, " %q", c.text(t))
	}
	return "_" + hex.EncodeToString(h.Sum(nil)[:6])
}

// opened gives the body of a rule that is true or not, with what it is given
// in the place of its arguments.
func opened(r *ast.Rule, given []*ast.Term, mark string) (ast.Body, bool) {
	h := r.Head
	if r.Default || r.Else != nil || h.Key != nil || len(h.Ref()) != 1 || len(h.Args) != len(given) {
		return nil, false
	}
	if h.Value != nil && h.Value.Value.Compare(ast.Boolean(true)) != 0 {
		return nil, false
	}
	body, known := r.Body.Copy(), variablesOf(r.Body)
	args := map[ast.Var]*ast.Term{}
	for i, a := range h.Args {
		v, ok := a.Value.(ast.Var)
		if _, twice := args[v]; !ok || twice || !fits(given[i]) {
			return nil, false
		}
		args[v] = given[i]
	}
	if slices.ContainsFunc(declared(r.Body), func(v ast.Var) bool { return args[v] != nil }) {
		return nil, false
	}
	body, ok := renamed(body, known, mark)
	if !ok {
		return nil, false
	}
	for v, t := range args {
		if body, ok = placed(body, v+ast.Var(mark), t); !ok {
			return nil, false
		}
		if used := uses(r.Body, v); !used && !slices.Contains(present, t.Value.String()) {
			body = append(body, ast.NewExpr(t.Copy())) // a call with what is not there does not hold
		}
	}
	return body, true
}

// fits reports what can stand in the place of an argument.
func fits(t *ast.Term) bool {
	switch t.Value.(type) {
	case ast.Var, ast.Ref, ast.String, ast.Number, ast.Boolean:
		return true
	}
	return false
}

// variablesOf lists the variables of a body, but not the names of functions.
func variablesOf(body ast.Body) []ast.Var {
	outer, inner := variables(body)
	return slices.DeleteFunc(slices.Concat(outer, inner), func(v ast.Var) bool { return v.IsWildcard() || ast.RootDocumentNames.Contains(ast.NewTerm(v)) })
}

// declared lists the variables that a body declares, at any depth.
func declared(body ast.Body) []ast.Var {
	var vars []ast.Var
	add := func(t *ast.Term) {
		ast.WalkVars(t, func(v ast.Var) bool { vars = append(vars, v); return false })
	}
	ast.NewGenericVisitor(func(n any) bool {
		switch n := n.(type) {
		case *ast.SomeDecl:
			for _, s := range n.Symbols {
				if in, ok := s.Value.(ast.Call); ok { // some x in y: y is not declared here
					for _, t := range in[1 : len(in)-1] {
						add(t)
					}
				} else {
					add(s)
				}
			}
		case *ast.Every:
			add(n.Value)
			if n.Key != nil {
				add(n.Key)
			}
		case *ast.Expr:
			if n.IsAssignment() {
				add(n.Operand(0))
			}
		}
		return false
	}).Walk(body)
	return vars
}

// uses reports that the body does not hold unless the variable has a value.
func uses(body ast.Body, v ast.Var) bool {
	outer, _ := variables(body)
	return slices.Contains(outer, v)
}

// renamed gives the variables names that no other call has.
func renamed(body ast.Body, vars []ast.Var, mark string) (ast.Body, bool) {
	var t *ast.GenericTransformer
	t = ast.NewGenericTransformer(func(n any) (any, error) {
		switch n := n.(type) {
		case *ast.SomeDecl:
			return n, eachSymbol(n, t)
		case ast.Var:
			if slices.Contains(vars, n) {
				return n + ast.Var(mark), nil
			}
		}
		return n, nil
	})
	return complete(ast.Transform(t, body))(vars)
}

// placed puts a term in the place of a variable.
func placed(body ast.Body, v ast.Var, by *ast.Term) (ast.Body, bool) {
	done := true
	var t *ast.GenericTransformer
	t = ast.NewGenericTransformer(func(n any) (any, error) {
		switch n := n.(type) {
		case *ast.SomeDecl:
			return n, eachSymbol(n, t)
		case ast.Ref:
			if n[0].Value.Compare(v) != 0 {
				return n, nil
			}
			switch value := by.Value.(type) {
			case ast.Ref:
				return slices.Concat(value.Copy(), n[1:]), nil
			case ast.Var:
				return slices.Concat(ast.Ref{by}, n[1:]), nil
			default:
				done = false
			}
		case ast.Var:
			if n == v {
				return by.Copy().Value, nil
			}
		}
		return n, nil
	})
	out, ok := complete(ast.Transform(t, body))([]ast.Var{v})
	return out, ok && done
}

// complete accepts a body of which no variable was passed over.
func complete(x any, err error) func(vars []ast.Var) (ast.Body, bool) {
	return func(vars []ast.Var) (ast.Body, bool) {
		body, ok := x.(ast.Body)
		if err != nil || !ok {
			return nil, false
		}
		return body, !slices.ContainsFunc(variablesOf(body), func(v ast.Var) bool { return slices.Contains(vars, v) })
	}
}

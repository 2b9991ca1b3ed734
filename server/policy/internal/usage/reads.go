// Package usage tells from the text of rules what they use: the parts of the
// input that they read, the names that they mention, and the values that they
// compare fields with. It evaluates nothing. Where it does not understand a
// rule it says that the rule uses more, never less.
package usage

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// ReadBy gives what the chosen rules of the package read, and whatever they ask.
func ReadBy(u *sandbox.Unit, chosen func(*ast.Rule) bool) []string {
	return readBy(u, chosen, nil)
}

// ReadGiven gives what the rules of the package read to answer a question of which
// that much is known.
func ReadGiven(u *sandbox.Unit, known Given) []string {
	return readBy(u, func(*ast.Rule) bool { return true }, &known)
}

func readBy(u *sandbox.Unit, chosen func(*ast.Rule) bool, known *Given) []string {
	g := usage{compiler: u.Compiler, paths: map[string]bool{}, followed: map[string]bool{}, given: known}
	for _, m := range u.Compiler.Modules {
		if !m.Package.Path.Equal(u.Path) {
			continue
		}
		for _, r := range m.Rules {
			if len(r.Head.Args) == 0 && chosen(r) {
				g.follow(r, nil)
			}
		}
	}
	return slices.Sorted(maps.Keys(g.paths))
}

// usage follows rules to what they read of the input. It goes with an
// argument into the function that is called, so that a function that is given
// the whole subject and looks at its roles reads the roles alone. Whatever it
// does not understand counts as a use of the whole value.
type usage struct {
	compiler *ast.Compiler
	paths    map[string]bool
	followed map[string]bool // rules, by the places that their parameters stand for
	given    *Given          // nil is nothing
}

// spot is a part of the input, or nothing that is known.
type spot struct {
	path string
	ok   bool
}

// aliases are the variables of one rule that stand for a part of the input,
// and the expressions that say so.
type aliases struct {
	vars map[ast.Var]spot
	said map[*ast.Expr]bool
}

func (g *usage) follow(r *ast.Rule, args []spot) {
	key := fmt.Sprintf("%p %v", r, args)
	if g.followed[key] {
		return
	}
	g.followed[key] = true
	for ; r != nil; r = r.Else {
		known := aliases{vars: map[ast.Var]spot{}, said: map[*ast.Expr]bool{}}
		for i, param := range r.Head.Args {
			if i < len(args) && args[i].ok {
				g.bind(param, args[i], known)
			}
		}
		known.learn(r.Body)
		body, whole := g.given.reached(r.Body, known)
		g.visit(body, known)
		if whole {
			g.head(r.Head, known)
		}
	}
}

func (g *usage) head(h *ast.Head, known aliases) {
	for _, part := range append(slices.Clone(h.Reference), h.Key, h.Value) {
		if part != nil {
			g.visit(part, known)
		}
	}
}

// bind lets a parameter stand for its argument. A pattern, and a parameter that
// is there twice, compare it.
func (g *usage) bind(param *ast.Term, arg spot, known aliases) {
	v, ok := param.Value.(ast.Var)
	if _, twice := known.vars[v]; !ok || twice {
		g.paths[arg.path] = true
		return
	}
	known.vars[v] = arg
}

// learn finds the variables that the body gives a part of the input to. The
// first expression that does is no use of it; every further one compares.
func (a aliases) learn(body ast.Body) {
	for again := true; again; {
		again = false
		ast.WalkExprs(body, func(e *ast.Expr) bool {
			again = a.define(e) || again
			return false
		})
	}
}

func (a aliases) define(e *ast.Expr) bool {
	if e.Negated || len(e.With) > 0 || !e.IsEquality() || a.said[e] {
		return false
	}
	x, y := e.Operand(0), e.Operand(1)
	return a.stand(e, x, y) || a.stand(e, y, x)
}

func (a aliases) stand(e *ast.Expr, x, y *ast.Term) bool {
	v, ok := x.Value.(ast.Var)
	if _, known := a.vars[v]; !ok || known {
		return false
	}
	at, exact := a.place(y)
	if !at.ok || !exact {
		return false
	}
	a.vars[v], a.said[e] = at, true
	return true
}

// place tells which part of the input a term stands for, and whether it is
// that part exactly: what is chosen by a variable may be any of its members.
func (a aliases) place(t *ast.Term) (at spot, exact bool) {
	ref, ok := t.Value.(ast.Ref)
	if !ok {
		ref = ast.Ref{t}
	}
	head, ok := ref[0].Value.(ast.Var)
	if !ok {
		return spot{}, false
	}
	if at = a.vars[head]; head.Equal(ast.InputRootDocument.Value) {
		at = spot{ok: true}
	}
	for _, part := range ref[1:] {
		word, ok := part.Value.(ast.String)
		if !ok {
			return at, false
		}
		at.path = strings.TrimPrefix(at.path+"."+string(word), ".")
	}
	return at, true
}

// visit finds the uses in a part of a rule.
func (g *usage) visit(x any, known aliases) {
	ast.NewGenericVisitor(func(n any) bool {
		switch n := n.(type) {
		case *ast.Expr:
			if terms, ok := n.Terms.([]*ast.Term); ok && !known.said[n] {
				g.call(terms, known)
			}
			for _, w := range n.With {
				g.visit(w.Target, known)
				g.visit(w.Value, known)
			}
			return known.said[n] || n.IsCall()
		case *ast.Term:
			return g.term(n, known)
		}
		return false
	}).Walk(x)
}

// term reports whether it has looked at everything below.
func (g *usage) term(t *ast.Term, known aliases) bool {
	switch v := t.Value.(type) {
	case ast.Call:
		g.call(v, known)
	case ast.Var:
		g.use(t, known)
	case ast.Ref:
		g.use(t, known)
		if sandbox.IsData(v[0]) {
			for _, r := range g.compiler.GetRules(v.ConstantPrefix()) {
				g.follow(r, nil)
			}
		} else if _, named := v[0].Value.(ast.Var); !named {
			g.visit(v[0], known)
		}
		for _, part := range v[1:] {
			g.visit(part, known)
		}
	default:
		return false
	}
	return true
}

// use notes that the value of the term counts.
func (g *usage) use(t *ast.Term, known aliases) {
	if at, _ := known.place(t); at.ok {
		g.paths[at.path] = true
	}
}

// call goes into a function of the policies with those of the arguments that
// stand for a part of the input. A built-in function uses them whole.
func (g *usage) call(terms []*ast.Term, known aliases) {
	var rules []*ast.Rule
	if operator, ok := terms[0].Value.(ast.Ref); ok && sandbox.IsData(operator[0]) {
		rules = g.compiler.GetRules(operator)
	}
	args := make([]spot, 0, len(terms)-1)
	for i, t := range terms[1:] {
		at, exact := known.place(t)
		if len(rules) > 0 && at.ok && exact && i < len(rules[0].Head.Args) {
			args = append(args, at)
			continue
		}
		args = append(args, spot{})
		g.visit(t, known)
	}
	for _, r := range rules {
		g.follow(r, args)
	}
}

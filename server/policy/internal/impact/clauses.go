package impact

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// maxClauses bounds what one rule is spread out into; beyond it helpers stay
// calls, which are compared as they are written.
const maxClauses = 256

// clause is one way in which an entry rule comes to hold: what it says, and
// conditions that hold together.
type clause struct {
	head       string // what it says, in canonical text
	plain      bool   // that is a constant, which is never undefined
	conditions []premise
	outer      []ast.Var // variables of the rule itself
	inner      []ast.Var // those that only comprehensions and their like use
	file       string
	line       int
}

func (c clause) short() string {
	if text := []rune(c.head); len(text) > 80 {
		return string(text[:80]) + "..."
	}
	return c.head
}

// premise is one condition, in canonical text. One that sets a plain field
// against constants also says which.
type premise struct {
	text  string
	field string
	among ast.Set   // the field is one of these
	order string    // or stands in this order: <, <=, >, >=
	bound ast.Value // to this
}

// clauses are the rules of a package, spread out into clauses.
type clauses struct {
	own    ast.Ref // data and the package
	rules  map[string][]*ast.Rule
	prints map[string]string // of helpers: the same for the same meaning
	of     map[string][]clause
}

// readClauses spreads out the entries of a package. Names are resolved as the
// engine resolves them.
func readClauses(u *sandbox.Unit) (*clauses, error) {
	c := &clauses{own: ast.MustParseRef("data." + u.Pkg), rules: map[string][]*ast.Rule{}, prints: map[string]string{}, of: map[string][]clause{}}
	modules, err := resolved(u)
	if err != nil {
		return nil, err
	}
	for _, file := range sandbox.SortedFiles(modules) {
		for _, r := range modules[file].Rules {
			name := r.Head.Ref()[0].Value.String()
			c.rules[name] = append(c.rules[name], r)
		}
	}
	for _, entry := range sandbox.Entries {
		for _, r := range c.rules[entry] {
			c.of[entry] = append(c.of[entry], c.spread(r)...)
		}
	}
	return c, nil
}

// resolved gives the modules with every name spelled out as the engine
// understands it: what is left of variables belongs to the rule.
func resolved(u *sandbox.Unit) (map[string]*ast.Module, error) {
	taken := map[string]*ast.Module{}
	take := func(c *ast.Compiler) *ast.Error {
		for file, m := range c.Modules {
			taken[file] = m.Copy()
		}
		return ast.NewError(ast.CompileErr, nil, "this is as far as it has to go")
	}
	c := ast.NewCompiler().WithCapabilities(sandbox.Capabilities(false)).
		WithStageAfterID(ast.StageResolveRefs, ast.CompilerStageDefinition{Name: "Take", MetricName: "take", Stage: take})
	c.Compile(u.Parsed())
	if len(taken) == 0 {
		return nil, fmt.Errorf("read the rules: %w", c.Errors)
	}
	return taken, nil
}

// spread gives the clauses of an entry rule.
func (c *clauses) spread(r *ast.Rule) []clause {
	bodies, ok := c.unfold(r.Body, 0)
	if !ok {
		bodies = []ast.Body{r.Body}
	}
	var all []clause
	for _, body := range bodies {
		one := clause{head: c.text(r.Head.Key), plain: r.Head.Key != nil && ast.IsConstant(r.Head.Key.Value), line: r.Location.Row, file: r.Location.File}
		for _, e := range body {
			if p := c.premise(e); p.text != "true" {
				one.conditions = append(one.conditions, p)
			}
		}
		one.outer, one.inner = variables(body)
		all = append(all, one)
	}
	return all
}

// unfold replaces helpers by what they stand for: a body that calls one with
// two rules becomes two bodies. It reports false when these get too many.
func (c *clauses) unfold(body ast.Body, depth int) ([]ast.Body, bool) {
	bodies := []ast.Body{nil}
	for _, e := range body {
		alternatives := []ast.Body{{e}}
		if called, ok := c.inline(e); ok && depth < maxClauses/8 {
			alternatives = nil
			for _, body := range called {
				deeper, ok := c.unfold(body, depth+1)
				if !ok {
					return nil, false
				}
				alternatives = append(alternatives, deeper...)
			}
		}
		var next []ast.Body
		for _, b := range bodies {
			for _, more := range alternatives {
				next = append(next, slices.Concat(b, more))
			}
		}
		if bodies = next; len(bodies) > maxClauses {
			return nil, false
		}
	}
	return bodies, true
}

// premise reads an expression.
func (c *clauses) premise(e *ast.Expr) premise {
	read := premise{text: c.text(e)}
	if e.IsNegated() || len(e.With) > 0 || !e.IsCall() || len(e.Operands()) != 2 {
		return read
	}
	left, right, operator := c.term(e.Operand(0)), c.term(e.Operand(1)), e.Operator().String()
	if operator == "internal.member_2" {
		if set, ok := constants(right); ok && sandbox.IsField(left) {
			read.field, read.among = left.String(), set
		}
		return read
	}
	if sandbox.IsField(right) {
		left, right, operator = right, left, mirrored[operator]
	}
	if !sandbox.IsField(left) || !ast.IsConstant(right.Value) {
		return read
	}
	switch operator {
	case "equal", "eq":
		read.field, read.among = left.String(), ast.NewSet(right)
	case "lt", "lte", "gt", "gte":
		read.field, read.order, read.bound = left.String(), orders[operator], right.Value
	}
	return read
}

var (
	mirrored = map[string]string{"equal": "equal", "eq": "eq", "lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
	orders   = map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
)

// constants gives the members of a set or an array that is written out.
func constants(t *ast.Term) (ast.Set, bool) {
	if !ast.IsConstant(t.Value) {
		return nil, false
	}
	switch v := t.Value.(type) {
	case ast.Set:
		return v, true
	case *ast.Array:
		set := ast.NewSet()
		v.Foreach(set.Add)
		return set, true
	}
	return nil, false
}

// term is the term in canonical form.
func (c *clauses) term(t *ast.Term) *ast.Term {
	spelled, err := c.spell(t.Copy())
	if term, ok := spelled.(*ast.Term); ok && err == nil {
		return term
	}
	return t
}

// text is canonical: the same text has the same meaning in both packages.
// Helpers are named by what they say, and constants are written out.
func (c *clauses) text(x any) string {
	switch v := x.(type) {
	case *ast.Term:
		if v == nil {
			return ""
		}
		x = v.Copy()
	case *ast.Expr:
		x = v.Copy()
	case *ast.Rule:
		x = v.Copy()
	}
	spelled, err := c.spell(x)
	text := fmt.Sprint(spelled)
	if err != nil || strings.Contains(text, c.own.String()) { // a place that was not spelled: equal to nothing
		text += fmt.Sprintf(" %p", x)
	}
	return text
}

// spell rewrites x in place.
func (c *clauses) spell(x any) (any, error) {
	var t *ast.GenericTransformer
	t = ast.NewGenericTransformer(func(n any) (any, error) {
		switch n := n.(type) {
		case *ast.SomeDecl: // the engine's own walk passes it over
			return n, eachSymbol(n, t)
		case ast.Ref:
			return c.named(n), nil
		}
		return n, nil
	})
	if term, ok := x.(*ast.Term); ok {
		value, err := ast.Transform(t, term.Value)
		if v, ok := value.(ast.Value); ok && err == nil {
			return ast.NewTerm(v), nil
		}
		return x, err
	}
	return ast.Transform(t, x)
}

func eachSymbol(d *ast.SomeDecl, t ast.Transformer) error {
	for i, s := range d.Symbols {
		value, err := ast.Transform(t, s.Value)
		if err != nil {
			return err
		}
		if v, ok := value.(ast.Value); ok {
			d.Symbols[i] = ast.NewTerm(v)
		}
	}
	return nil
}

// named spells a reference to a rule of the package.
func (c *clauses) named(ref ast.Ref) ast.Value {
	name, ok := c.rule(ref)
	if !ok {
		return ref
	}
	if v, ok := c.constant(name); ok && len(ref) == len(c.own)+1 {
		return v
	}
	return append(ast.Ref{ast.VarTerm("own"), ast.StringTerm(name + "#" + c.print(name))}, ref[len(c.own)+1:]...)
}

// rule gives the name of the rule of the package that a reference is to.
func (c *clauses) rule(ref ast.Ref) (string, bool) {
	if len(ref) <= len(c.own) || !ref.HasPrefix(c.own) {
		return "", false
	}
	name, ok := ref[len(c.own)].Value.(ast.String)
	return string(name), ok && len(c.rules[string(name)]) > 0
}

// constant gives what a rule without conditions always is.
func (c *clauses) constant(name string) (ast.Value, bool) {
	if len(c.rules[name]) != 1 {
		return nil, false
	}
	r := c.rules[name][0]
	bare := r.Else == nil && len(r.Head.Args) == 0 && len(r.Head.Ref()) == 1 && r.Head.Key == nil && r.Head.Value != nil && c.unconditional(r)
	if !bare || !ast.IsConstant(r.Head.Value.Value) {
		return nil, false
	}
	return r.Head.Value.Value, true
}

func (c *clauses) unconditional(r *ast.Rule) bool {
	return len(r.Body) == 0 || (len(r.Body) == 1 && r.Body[0].String() == "true")
}

// print tells helpers of one name apart by everything that they say.
func (c *clauses) print(name string) string {
	if p, ok := c.prints[name]; ok {
		return p
	}
	c.prints[name] = "itself" // rules that need one another do not compile
	texts := make([]string, len(c.rules[name]))
	for i, r := range c.rules[name] {
		texts[i] = c.text(r)
	}
	slices.Sort(texts)
	sum := sha256.Sum256([]byte(strings.Join(texts, "\n")))
	c.prints[name] = hex.EncodeToString(sum[:8])
	return c.prints[name]
}

// variables tells those of the body itself from those that live in its
// comprehensions alone.
func variables(body ast.Body) (outer, inner []ast.Var) {
	top := ast.NewVarVisitor().WithParams(ast.VarVisitorParams{SkipRefCallHead: true, SkipClosures: true})
	all := ast.NewVarVisitor().WithParams(ast.VarVisitorParams{SkipRefCallHead: true})
	top.WalkBody(body)
	all.WalkBody(body)
	outer = slices.Sorted(maps.Keys(top.Vars()))
	for v := range all.Vars() {
		if !top.Vars().Contains(v) && !v.IsWildcard() {
			inner = append(inner, v)
		}
	}
	return outer, inner
}

package sandbox

import (
	"math"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxGrowth bounds, in doublings, how much larger than its parts a value can
// become by being put together: [x, x] doubles, [[x, x], [x, x]] doubles twice,
// and a rule inherits the doublings of the rules it names. Thirty lines of
// _b := [_a, _a] would keep the engine comparing for hours, at places where it
// cannot be interrupted; and not even the compiler's types would end.
const maxGrowth = 14

// growth sums the doublings over the rules of all the modules.
type growth struct {
	compiler *ast.Compiler
	known    map[string]float64
}

func (p *Pin) growth(c *ast.Compiler) {
	g := &growth{compiler: c, known: map[string]float64{}}
	byName := map[string][]*ast.Rule{}
	for _, file := range SortedFiles(c.Modules) {
		m := c.Modules[file]
		if IsTest(file) {
			continue
		}
		for _, r := range m.Rules {
			name := m.Package.Path.Extend(r.Head.Ref()).GroundPrefix().String()
			byName[name] = append(byName[name], r)
		}
	}
	for _, file := range SortedFiles(c.Modules) {
		m := c.Modules[file]
		if IsTest(file) || p.foreign(m) {
			continue
		}
		for _, r := range m.Rules {
			if g.rule(r, byName) > maxGrowth {
				p.fault(r.Location, "the rule puts values together that more than %d doublings could not outgrow", maxGrowth)
				return
			}
		}
	}
}

// named is the most that any rule of the name grows. A circle of rules counts
// nothing here: the compiler refuses it next.
func (g *growth) named(name string, byName map[string][]*ast.Rule) float64 {
	if bits, ok := g.known[name]; ok {
		return bits
	}
	g.known[name] = 0
	most := 0.0
	for _, r := range byName[name] {
		most = max(most, g.rule(r, byName))
	}
	g.known[name] = most
	return most
}

// rule adds up what the rule builds itself and what it inherits.
func (g *growth) rule(r *ast.Rule, byName map[string][]*ast.Rule) float64 {
	bits := 0.0
	weighed := map[*ast.Term]bool{} // operands of calls that the meter weighs
	ast.NewGenericVisitor(func(n any) bool {
		if e, ok := n.(*ast.Expr); ok && e.IsCall() {
			exempt(weighed, e.Operator(), e.Operands())
		}
		t, ok := n.(*ast.Term)
		if !ok || bits > maxGrowth {
			return bits > maxGrowth
		}
		if call, ok := t.Value.(ast.Call); ok {
			exempt(weighed, call.Operator(), call.Operands())
		}
		if ref, ok := t.Value.(ast.Ref); ok && IsData(ref[0]) {
			bits += g.named(prefixIn(ref, byName), byName)
		}
		if n := members(t); n > 1 && !weighed[t] {
			bits += math.Log2(float64(n))
		}
		return false
	}).Walk(r)
	return bits
}

func exempt(weighed map[*ast.Term]bool, operator ast.Ref, operands []*ast.Term) {
	if slices.Contains(Metered, operator.String()) {
		for _, o := range operands {
			weighed[o] = true
		}
	}
}

// prefixIn finds the rule that the reference begins with.
func prefixIn(ref ast.Ref, byName map[string][]*ast.Rule) string {
	ground := ref.GroundPrefix()
	for n := len(ground); n > 1; n-- {
		if name := ground[:n].String(); len(byName[name]) > 0 {
			return name
		}
	}
	return ""
}

// members counts the parts of a composite that are not constants.
func members(t *ast.Term) int {
	n := 0
	count := func(e *ast.Term) {
		if !ast.IsConstant(e.Value) {
			n++
		}
	}
	switch v := t.Value.(type) {
	case *ast.Array:
		v.Foreach(count)
	case ast.Set:
		v.Foreach(count)
	case ast.Object:
		v.Foreach(func(key, value *ast.Term) { count(key); count(value) })
	}
	return n
}

package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// Entries are the rules that the server asks a package for. Each is a set;
// everything else is a helper, which the server never looks at.
var Entries = []string{"allow", "deny", "obligations", "approvals", "visible", "consent"}

// Pin keeps a package inside its walls. It looks at the compiled tree, after
// imports and aliases are resolved, so no spelling hides a reference.
type Pin struct {
	Own    string // the package under check
	Gather bool   // go on after a fault, to hear of more
	Faults ast.Errors
}

// stage is the pin as a stage of the compiler.
func (p *Pin) stage(c *ast.Compiler) *ast.Error {
	for _, file := range SortedFiles(c.Modules) {
		if m := c.Modules[file]; !p.foreign(m) {
			p.module(m)
		}
	}
	lasting := len(p.Faults)
	p.growth(c)
	if len(p.Faults) == 0 || (p.Gather && len(p.Faults) == lasting) { // what grows would hold the compiler's next stages
		return nil
	}
	last := len(p.Faults) - 1
	c.Errors = append(c.Errors, p.Faults[:last]...)
	return p.Faults[last]
}

// foreign skips the library, which the domain does not write.
func (p *Pin) foreign(m *ast.Module) bool {
	return p.Own != "souk.lib" && packageOf(m) == "souk.lib" && strings.HasPrefix(m.Package.Location.File, FolderLib+"/")
}

func packageOf(m *ast.Module) string { return strings.TrimPrefix(m.Package.Path.String(), "data.") }

func (p *Pin) fault(loc *ast.Location, format string, args ...any) {
	p.Faults = append(p.Faults, ast.NewError(ast.CompileErr, loc, format, args...))
}

func (p *Pin) module(m *ast.Module) {
	test := IsTest(m.Package.Location.File)
	if !p.belongs(m, test) {
		return
	}
	p.imports(m)
	p.schemas(m)
	if len(m.Rules) > MaxRules {
		p.fault(m.Package.Location, "the file has more than %d rules", MaxRules)
	}
	for _, rule := range m.Rules {
		if !test {
			p.entry(rule)
		}
		p.nesting(rule, 0)
	}
	p.refs(m, test)
	if !test && !AreStandards(p.Own) {
		p.words(m)
		for _, rule := range m.Rules {
			p.fields(rule)
		}
	}
}

// belongs holds a module to the package that its folder stands for.
func (p *Pin) belongs(m *ast.Module, test bool) bool {
	want := p.Own
	if test {
		want += "_test"
	}
	if packageOf(m) == want {
		return true
	}
	p.fault(m.Package.Location, "the file declares package %s, but its folder belongs to package %s", packageOf(m), want)
	return false
}

// imports asks for Rego v2: there a condition under "not" that is undefined
// counts as not met, where older Rego silently drops the whole rule.
func (p *Pin) imports(m *ast.Module) {
	v2 := func(i *ast.Import) bool { return ast.RegoV2CompatibleRef.Equal(i.Path.Value) }
	if !slices.ContainsFunc(m.Imports, v2) {
		p.fault(m.Package.Location, "the file does not say import rego.v2")
	}
}

// schemas refuses a schema that an author brings along: it would take the place
// of the server's, and let misspelt fields pass.
func (p *Pin) schemas(m *ast.Module) {
	for _, a := range m.Annotations {
		if len(a.Schemas) > 0 {
			p.fault(a.Location, "the metadata bring a schema along; the server's is the one that holds")
		}
	}
}

// entry checks that a rule which the server asks for is a set of objects.
func (p *Pin) entry(rule *ast.Rule) {
	name := rule.Head.Ref()[0].Value.String()
	if slices.Contains(entriesFor(p.Own), name) && rule.Head.RuleKind() != ast.MultiValue {
		p.fault(rule.Location, "%s must be a set of reasons", name)
	}
}

// nesting bounds loops within loops, whose cost multiplies.
func (p *Pin) nesting(x any, depth int) {
	if depth > MaxNesting {
		p.fault(locationOf(x), "comprehensions nest more than %d deep", MaxNesting)
		return
	}
	loops := 0
	visit := func(n any) bool {
		switch n := n.(type) {
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
			if n != x {
				p.nesting(n, depth+1)
				return true
			}
		case *ast.SomeDecl:
			if loops += iterations(n); loops == MaxLoops+1 {
				p.fault(n.Location, "the body loops over more than %d collections at once", MaxLoops)
			}
		}
		return false
	}
	ast.NewGenericVisitor(visit).Walk(x)
}

func iterations(s *ast.SomeDecl) int {
	n := 0
	for _, symbol := range s.Symbols {
		if _, ok := symbol.Value.(ast.Call); ok {
			n++
		}
	}
	return n
}

func locationOf(x any) *ast.Location {
	var first *ast.Location
	ast.WalkTerms(x, func(t *ast.Term) bool {
		if first == nil {
			first = t.Location
		}
		return first != nil
	})
	return first
}

// refs refuses every way out: other packages, data as a whole, and replacing
// data or functions under a rule's feet.
func (p *Pin) refs(x any, test bool) {
	ast.NewGenericVisitor(func(n any) bool {
		switch n := n.(type) {
		case *ast.Package, *ast.Import:
			return true
		case *ast.With:
			p.with(n, test)
		case *ast.Term:
			return p.term(n, test)
		}
		return false
	}).Walk(x)
}

// term reports whether it has looked at everything below the term itself.
func (p *Pin) term(t *ast.Term, test bool) bool {
	switch v := t.Value.(type) {
	case ast.Ref:
		if strings.HasPrefix(v.String(), MeteredPrefix) {
			p.fault(t.Location, "undefined function %s", v)
		}
		if IsData(v[0]) && !p.mayRead(v, test) {
			p.fault(t.Location, "the rule refers to %s; package %s may use only itself, souk.lib and input", v, p.Own)
		}
		if !IsData(v[0]) {
			p.refs(v[0], test)
		}
		for _, part := range v[1:] {
			p.refs(part, test)
		}
		return true
	case ast.Var:
		if IsData(t) {
			p.fault(t.Location, "the rule refers to data as a whole; package %s may use only itself, souk.lib and input", p.Own)
		}
	}
	return false
}

// IsData recognises the root of what is no input.
func IsData(t *ast.Term) bool { return t.Value.Compare(ast.DefaultRootDocument.Value) == 0 }

// mayRead compares the ground words of the reference: a variable among them
// could stand for anything.
func (p *Pin) mayRead(r ast.Ref, test bool) bool {
	words := make([]string, 0, len(r))
	for _, t := range r[1:] {
		s, ok := t.Value.(ast.String)
		if !ok {
			break
		}
		words = append(words, string(s))
	}
	readable := []string{p.Own, "souk.lib"}
	if test {
		readable = append(readable, p.Own+"_test")
	}
	return slices.ContainsFunc(readable, func(pkg string) bool {
		want := strings.Split(pkg, ".")
		return len(words) >= len(want) && slices.Equal(words[:len(want)], want)
	})
}

func (p *Pin) with(w *ast.With, test bool) {
	head, ok := w.Target.Value.(ast.Ref)
	if test || (ok && head[0].Value.Compare(ast.InputRootDocument.Value) == 0) {
		return
	}
	p.fault(w.Location, "the rule replaces %s; outside tests, with may replace only input", w.Target)
}

// SortedFiles lists the files of modules in order.
func SortedFiles(modules map[string]*ast.Module) []string {
	files := make([]string, 0, len(modules))
	for file := range modules {
		files = append(files, file)
	}
	slices.Sort(files)
	return files
}

// Invalid tells an author in plain words what the compiler found: the first
// error with its remedy, then the places of the next few.
func Invalid(faults ast.Errors) error {
	faults.Sort()
	first := found(faults[0])
	e := &model.Error{Kind: model.KindInvalid, Code: "POLICY_INVALID", Field: position(faults[0]), Message: first.Message, Hint: first.Fix}
	var others []error
	for _, f := range faults[1:min(len(faults), 10)] {
		others = append(others, fmt.Errorf("%s: %s", position(f), strings.TrimSpace(f.Message)))
	}
	e.Err = errors.Join(others...)
	return e
}

func position(e *ast.Error) string {
	if e.Location == nil || e.Location.File == "" {
		return "policies"
	}
	return fmt.Sprintf("%s:%d", e.Location.File, max(1, e.Location.Row))
}

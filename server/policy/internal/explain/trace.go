package explain

import (
	"context"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// trace follows one evaluation and remembers, for each rule that the engine
// tried, how far it got.
type trace struct {
	frames []*frame // of rules, in the order in which they were tried
	byID   map[uint64]*frame
	now    map[uint64]*ast.Location // the expression that a query is at
}

// frame is one try of one rule, or the query of a negation or a comprehension.
type frame struct {
	rule   *ast.Rule // nil for a query that is no rule's
	parent *frame
	call   *ast.Location // where the parent asked for it
	held   bool
	at     int // place of the expression that failed, the furthest of all attempts
	failed *ast.Location
}

func newTrace() *trace {
	return &trace{byID: map[uint64]*frame{}, now: map[uint64]*ast.Location{}}
}

// Enabled is part of the engine's interface, as are Config and TraceEvent.
func (t *trace) Enabled() bool { return true }

// Config asks for no values of variables, which cost the most.
func (t *trace) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent notes what the explanation needs.
func (t *trace) TraceEvent(e topdown.Event) {
	switch e.Op {
	case topdown.EnterOp:
		f := &frame{parent: t.byID[e.ParentID], call: t.now[e.ParentID], at: -1}
		if r, ok := e.Node.(*ast.Rule); ok {
			f.rule = r
			t.frames = append(t.frames, f)
		}
		t.byID[e.QueryID] = f
	case topdown.EvalOp:
		if x, ok := e.Node.(*ast.Expr); ok {
			t.now[e.QueryID] = x.Location
		}
	case topdown.FailOp:
		f := t.byID[e.QueryID]
		if x, ok := e.Node.(*ast.Expr); ok && f != nil && x.Index > f.at {
			f.at, f.failed = x.Index, x.Location
		}
	case topdown.ExitOp:
		if f := t.byID[e.QueryID]; f != nil {
			f.held = true
		}
	default: // the other steps tell nothing of what a rule asked
	}
}

// follow evaluates the query with a trace of every rule, also of those that
// the index would pass over.
func follow(ctx context.Context, q rego.PreparedEvalQuery, input ast.Value) *trace {
	t := newTrace()
	b, timer := sandbox.StartBudget(ctx)
	defer timer.Stop()
	_, _ = q.Eval(ctx, rego.EvalParsedInput(input), rego.EvalExternalCancel(b), rego.EvalQueryTracer(t),
		rego.EvalRuleIndexing(false), rego.EvalEarlyExit(false), sandbox.Unsorted, sandbox.Unmeasured) // what it gives is known already
	return t
}

// reading makes an explanation of a trace: it finds the words of the authors
// for what the engine has rewritten.
type reading struct {
	*trace
	rules map[beginning]*ast.Rule // as written, of the package and the library
	input ast.Value
	envs  map[*frame]env
}

// beginning is where a rule begins.
type beginning struct {
	file     string
	row, col int
}

// env says what the parameters of a helper stand for, in terms of the input.
type env map[ast.Var]*ast.Term

func beginningOf(l *ast.Location) beginning { return beginning{l.File, l.Row, l.Col} }

func (a *Archive) read(u *sandbox.Unit, t *trace, input ast.Value) *reading {
	r := &reading{trace: t, rules: map[beginning]*ast.Rule{}, input: input, envs: map[*frame]env{}}
	for _, trees := range []map[string]*ast.Module{a.libraryTrees(), u.Parsed()} {
		for _, m := range trees {
			for _, rule := range m.Rules {
				r.rules[beginningOf(rule.Location)] = rule
			}
		}
	}
	return r
}

// source gives the rule of the frame as its author wrote it, or nil.
func (r *reading) source(f *frame) *ast.Rule {
	if f == nil || f.rule == nil || f.rule.Location == nil {
		return nil
	}
	return r.rules[beginningOf(f.rule.Location)]
}

// conditionAt gives the expression of the rule that the place lies in.
func conditionAt(rule *ast.Rule, at *ast.Location) *ast.Expr {
	if rule == nil || at == nil {
		return nil
	}
	var found *ast.Expr
	for _, e := range rule.Body {
		if e.Location != nil && e.Location.Offset <= at.Offset {
			found = e
		}
	}
	return found
}

// asker is the rule that tried this one, past the queries in between.
func (f *frame) asker() *frame {
	p := f.parent
	for p != nil && p.rule == nil {
		p = p.parent
	}
	return p
}

// callSite is where the asker's own body tried it.
func (f *frame) callSite() *ast.Location {
	at := f.call
	for p := f.parent; p != nil && p.rule == nil; p = p.parent {
		if at == nil {
			at = p.call
		}
	}
	return at
}

// env resolves the parameters of the frame's rule.
func (r *reading) env(f *frame) env {
	if known, ok := r.envs[f]; ok {
		return known
	}
	r.envs[f] = nil
	rule, asker := r.source(f), f.asker()
	if rule == nil || len(rule.Head.Args) == 0 || asker == nil {
		return nil
	}
	e := conditionAt(r.source(asker), f.callSite())
	if e == nil {
		return nil
	}
	resolved := env{}
	for _, call := range callsIn(e) {
		if nameOf(call[0]) != string(rule.Head.Name) || len(call)-1 < len(rule.Head.Args) {
			continue
		}
		for i, param := range rule.Head.Args {
			if v, ok := param.Value.(ast.Var); ok {
				resolved[v] = resolve(call[i+1], r.env(asker))
			}
		}
		break
	}
	r.envs[f] = resolved
	return resolved
}

// resolve puts what a parameter stands for in its place.
func resolve(t *ast.Term, in env) *ast.Term {
	switch v := t.Value.(type) {
	case ast.Var:
		if to := in[v]; to != nil {
			return to
		}
	case ast.Ref:
		head, _ := v[0].Value.(ast.Var)
		to := in[head]
		if to == nil {
			return t
		}
		switch base := to.Value.(type) {
		case ast.Ref:
			return ast.NewTerm(base.Concat(v[1:]))
		case ast.Var:
			return ast.NewTerm(append(ast.Ref{to}, v[1:]...))
		}
	}
	return t
}

// callsIn lists the calls in an expression, the outermost first.
func callsIn(x any) [][]*ast.Term {
	var calls [][]*ast.Term
	ast.NewGenericVisitor(func(n any) bool {
		switch n := n.(type) {
		case *ast.Expr:
			if n.IsCall() {
				calls = append(calls, n.Terms.([]*ast.Term))
			}
		case *ast.Term:
			if c, ok := n.Value.(ast.Call); ok {
				calls = append(calls, c)
			}
		}
		return false
	}).Walk(x)
	return calls
}

// nameOf is the last word of a function's name.
func nameOf(operator *ast.Term) string {
	switch v := operator.Value.(type) {
	case ast.Var:
		return string(v)
	case ast.Ref:
		last := v[len(v)-1].Value
		if s, ok := last.(ast.String); ok {
			return string(s)
		}
		if s, ok := last.(ast.Var); ok {
			return string(s)
		}
	}
	return ""
}

// asked spells a call with its arguments resolved, to know it again.
func asked(name string, args []*ast.Term, in env) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = resolve(a, in).String()
	}
	return name + "(" + strings.Join(words, ", ") + ")"
}

// askedOf spells the call that the frame answers.
func (r *reading) askedOf(f *frame) string {
	rule := r.source(f)
	args := make([]*ast.Term, len(rule.Head.Args))
	copy(args, rule.Head.Args)
	return asked(string(rule.Head.Name), args, r.env(f))
}

// maxBecause is how deep the conditions of helpers are followed.
const maxBecause = 4

// failure tells of the first condition that the frame's rule did not meet.
func (r *reading) failure(f *frame, depth int) *model.FailedCondition {
	e := conditionAt(r.source(f), f.failed)
	if e == nil {
		return nil
	}
	in := r.env(f)
	c := &model.FailedCondition{
		File: e.Location.File, Line: e.Location.Row, Column: e.Location.Col,
		Text: strings.Join(strings.Fields(string(e.Location.Text)), " "), Values: r.values(e, in),
	}
	if !e.IsNegated() && depth < maxBecause {
		c.Because = r.because(e, in, depth+1)
	}
	return c
}

// because finds the helpers that the condition asked and that did not hold.
func (r *reading) because(e *ast.Expr, in env, depth int) []model.FailedCondition {
	var list []model.FailedCondition
	seen := map[*ast.Rule]bool{}
	for _, f := range r.tried(e, in) {
		rule := r.source(f)
		if f.held || seen[rule] {
			continue
		}
		seen[rule] = true
		if c := r.failure(f, depth); c != nil {
			list = append(list, *c)
		}
	}
	return list
}

// tried gives the tries of the helpers that the expression asks. A helper that
// was asked the same before has answered from memory, and the earlier tries
// tell of it.
func (r *reading) tried(e *ast.Expr, in env) []*frame {
	var list []*frame
	for _, call := range callsIn(e) {
		name := nameOf(call[0])
		key := asked(name, call[1:], in)
		for _, f := range r.frames {
			if string(f.rule.Head.Name) == name && r.source(f) != nil && r.askedOf(f) == key {
				list = append(list, f)
			}
		}
	}
	return list
}

// maxValue is how much of a value is shown.
const maxValue = 200

// values lists the fields of the input that the condition looks at. A whole
// object is no value: the conditions of the helper name its fields. Where the
// helper held and was not to, those that it looked at are listed here.
func (r *reading) values(e *ast.Expr, in env) []model.ComparedValue {
	list := r.valuesOf(e, in)
	if e.IsNegated() {
		for _, f := range r.tried(e, in) {
			for _, inner := range r.source(f).Body {
				list = append(list, r.valuesOf(inner, r.env(f))...)
			}
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(v model.ComparedValue) bool {
		again := seen[v.Path]
		seen[v.Path] = true
		return again
	})
}

func (r *reading) valuesOf(e *ast.Expr, in env) []model.ComparedValue {
	var list []model.ComparedValue
	ast.WalkTerms(e, func(t *ast.Term) bool {
		_, ref := t.Value.(ast.Ref)
		if _, v := t.Value.(ast.Var); ref || v {
			if c, ok := r.value(resolve(t, in)); ok {
				list = append(list, c)
			}
		}
		return ref
	})
	return list
}

// value gives what the input holds at the reference.
func (r *reading) value(t *ast.Term) (model.ComparedValue, bool) {
	ref, _ := t.Value.(ast.Ref)
	path := sandbox.FieldName(ref)
	if path == "" || path == "input" {
		return model.ComparedValue{}, false
	}
	v := question.ValueAt(r.input, strings.Split(path, ".")[1:]...)
	if v == nil {
		return model.ComparedValue{Path: path, Missing: true}, true
	}
	_, whole := v.(ast.Object)
	return model.ComparedValue{Path: path, Value: shortened(string(question.AppendJSON(nil, v)))}, !whole
}

func shortened(text string) string {
	if len(text) <= maxValue {
		return text
	}
	return strings.ToValidUTF8(text[:maxValue], "") + "..."
}

package review

import (
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// watch is a tracer of tests: besides the lines that they reach it notes, for
// each question that they ask the package, whether it was allowed or denied.
type watch struct {
	cover       *cover.Cover
	pkg         ast.Ref
	mu          sync.Mutex
	byInput     map[*ast.Term]*seen // one input is one question
	allow, deny ast.Ref
}

// seen is what the tests have shown of an action.
type seen struct {
	allowed bool // allow gave a reason
	refused bool // allow gave none
	denied  bool // deny gave a reason
	passed  bool // deny gave none

	action                model.Action
	askedAllow, askedDeny bool
}

func newWatch(pkg string) *watch {
	path := ast.MustParseRef("data." + pkg)
	return &watch{
		cover: cover.New(), pkg: path, byInput: map[*ast.Term]*seen{},
		allow: path.Append(ast.StringTerm("allow")), deny: path.Append(ast.StringTerm("deny")),
	}
}

// Enabled is part of the engine's interface, as are Config and TraceEvent.
func (w *watch) Enabled() bool { return true }

// Config asks for no values of variables, which cost the most.
func (w *watch) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent notes the question when the engine looks for the rules of an
// entry, and the answer when one of them gives a reason.
func (w *watch) TraceEvent(e topdown.Event) {
	w.cover.TraceEvent(e)
	switch e.Op {
	case topdown.IndexOp:
		if e.Ref != nil {
			w.asked(e.Input(), *e.Ref)
		}
	case topdown.ExitOp:
		if r, ok := e.Node.(*ast.Rule); ok && r.Module != nil && r.Module.Package.Path.Equal(w.pkg) {
			w.answered(e.Input(), r.Head.Ref()[0].Value.String())
		}
	default: // the other steps neither ask nor answer
	}
}

func (w *watch) asked(input *ast.Term, ref ast.Ref) {
	allow, deny := ref.HasPrefix(w.allow), ref.HasPrefix(w.deny)
	if input == nil || (!allow && !deny) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.at(input)
	s.askedAllow, s.askedDeny = s.askedAllow || allow, s.askedDeny || deny
}

func (w *watch) answered(input *ast.Term, entry string) {
	if input == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch entry {
	case "allow":
		w.at(input).allowed = true
	case "deny":
		w.at(input).denied = true
	}
}

func (w *watch) at(input *ast.Term) *seen {
	s, ok := w.byInput[input]
	if !ok {
		s = &seen{action: model.Action(question.TextAt(input.Value, "action", "name"))}
		w.byInput[input] = s
	}
	return s
}

// of sums up what was seen of an action; "" is any.
func (w *watch) of(action model.Action) seen {
	var sum seen
	for _, s := range w.byInput {
		if action != "" && s.action != action {
			continue
		}
		sum.allowed = sum.allowed || s.allowed
		sum.denied = sum.denied || s.denied
		sum.refused = sum.refused || (s.askedAllow && !s.allowed)
		sum.passed = sum.passed || (s.askedDeny && !s.denied)
	}
	return sum
}

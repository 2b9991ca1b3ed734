package decide

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/usage"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// Alike are the answers to the questions of one request, by what the rules read of
// them: of a hundred products most differ in nothing that the rules look at, and
// those have the same answer. It is for resources that the subject may know of: an
// answer that comes quicker tells that another resource is alike.
type Alike struct {
	mu      sync.Mutex
	answers map[string]*shared
}

type shared struct {
	once     sync.Once
	decision model.Decision
}

// answer gives the answer to the questions of the key, which are decided once,
// also where several are at the same time. What the rules' trouble answers is one
// question's own.
func (a *Alike) answer(key string, decide func() model.Decision) model.Decision {
	of, own := a.of(key), false
	of.once.Do(func() { of.decision, own = decide(), true })
	if own || !troubled(of.decision) {
		return of.decision
	}
	return decide()
}

func (a *Alike) of(key string) *shared {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answers == nil {
		a.answers = map[string]*shared{}
	}
	if a.answers[key] == nil {
		a.answers[key] = new(shared)
	}
	return a.answers[key]
}

func troubled(d model.Decision) bool {
	return slices.ContainsFunc(d.Reasons, func(r model.Reason) bool { return r.Origin == verdict.OriginEngine && r.Code != sandbox.CodeNoRule })
}

// keyOf is the same for questions that no rule which is asked can tell apart.
func (s *Snapshot) keyOf(q question.Question, right question.Rights, input ast.Value) string {
	key := make([]byte, 0, 512)
	for _, word := range []string{string(q.Action), string(q.Resource.Domain), string(q.Subject.Domain)} {
		key = append(binary.AppendUvarint(key, uint64(len(word))), word...)
	}
	packages := []*Package{s.platform}
	if q.Resource.Domain != "" && !right.Alone {
		packages = append(packages, s.Of(q.Resource.Domain))
		if u := s.ConsentOf(q, right); u != nil {
			packages = append(packages, u)
		}
	}
	for _, p := range packages {
		for _, path := range p.readsGiven(q) {
			key = append(appendAt(key, input, path), '\n')
		}
	}
	return string(key)
}

// appendAt writes what is at the path; nothing where nothing is, which is not null.
func appendAt(key []byte, v ast.Value, path ast.Ref) []byte {
	for _, name := range path {
		o, ok := v.(ast.Object)
		if !ok {
			return key
		}
		t := o.Get(name)
		if t == nil {
			return key
		}
		v = t.Value
	}
	return question.AppendJSON(key, v)
}

// readsGiven gives the paths that the rules read for a question like this one.
func (p *Package) readsGiven(q question.Question) []ast.Ref {
	known := usage.Given{Action: q.Action, NoGrants: len(q.Facts.Grants) == 0}
	if !question.Known(q.Action) { // strangers name others, without end
		return split(p.reads())
	}
	if paths, ok := p.given.Load(known); ok {
		return paths.([]ast.Ref)
	}
	paths := split(usage.ReadGiven(p.Unit, known))
	p.given.Store(known, paths)
	return paths
}

func split(paths []string) []ast.Ref {
	refs := make([]ast.Ref, len(paths))
	for i, path := range paths {
		for name := range strings.SplitSeq(path, ".") {
			if name != "" { // no name at all is the whole input
				refs[i] = append(refs[i], ast.InternedTerm(name))
			}
		}
	}
	return refs
}

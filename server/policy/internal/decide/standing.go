package decide

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// maxStanding is how many answers a package remembers; it begins anew then.
const maxStanding = 1024

// standing is what a package has allowed, by the whole question but for its time.
type standing struct {
	mu      sync.Mutex
	allowed map[string]model.Decision
}

func (s *standing) get(key []byte) (model.Decision, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.allowed[string(key)]
	return d, ok
}

func (s *standing) put(key []byte, d model.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.allowed == nil || len(s.allowed) >= maxStanding {
		s.allowed = map[string]model.Decision{}
	}
	s.allowed[string(key)] = d
}

// Standing decides what a caller may do wherever they stand, such as whether they
// may ask about others: a question that each of their requests begins with, and
// that the platform alone has a say in. As long as its rules do not read the
// time, the same question has the same answer, so one that was allowed is not
// put to them again; a refusal is, and tells why. It is for questions about the
// caller alone: elsewhere a quick answer would tell what somebody else has asked.
func (s *Snapshot) Standing(ctx context.Context, q question.Question) model.Decision {
	right := question.RightsByAction[q.Action]
	if s.trial || !right.Alone || s.platform.readsTime() || s.engine.shadows.on() {
		return s.Decide(ctx, q)
	}
	timeless := q
	timeless.Context.Now = time.Time{}
	key := question.Written(timeless.Value())
	if d, ok := s.platform.standing.get(key); ok {
		return d
	}
	d := s.Decide(ctx, q)
	if d.Allowed() {
		s.platform.standing.put(key, d)
	}
	return d
}

// readsTime reports rules that can answer the same question otherwise later.
func (p *Package) readsTime() bool {
	return slices.ContainsFunc(p.reads(), func(path string) bool {
		return path == "" || path == "context" || path == "context.now" || strings.HasPrefix(path, "context.now.")
	})
}

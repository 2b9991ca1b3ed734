package decide

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// The circuit breaker of one domain: so many faults within the window close
// the domain for the pause. Others never notice.
const (
	quarantineFaults = 5
	quarantineWindow = time.Minute
	quarantinePause  = time.Minute
)

// guard keeps one domain's evaluations from taking more than half of the
// machine while others ask, and stops asking rules that keep failing.
type guard struct {
	places places
	mu     sync.Mutex
	faults []time.Time  // the last few
	why    string       // it is closed
	closed atomic.Int64 // until when, in Unix nanoseconds; 0 is open
}

func newGuard(m *machine) *guard {
	return &guard{places: places{machine: m, half: max(1, int(m.processors/2))}}
}

// enter waits for a free place. The fault says why there is none.
func (g *guard) enter(ctx context.Context) *sandbox.Fault {
	if until := g.closed.Load(); until != 0 && time.Now().UnixNano() < until {
		return &sandbox.Fault{Code: sandbox.CodeQuarantined, Message: g.reason() + " and rest for a minute; a steward can put an earlier revision in force"}
	}
	turn := g.places.take()
	if turn == nil {
		return nil
	}
	return g.wait(ctx, turn)
}

// wait waits for the turn. One that comes as the wait ends is given back.
func (g *guard) wait(ctx context.Context, turn chan struct{}) *sandbox.Fault {
	timer := time.NewTimer(sandbox.Deadline)
	defer timer.Stop()
	f := &sandbox.Fault{Code: sandbox.CodeBusy, Message: "too many questions about this domain wait already"}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		f = &sandbox.Fault{Code: sandbox.CodeCancelled, Message: "the caller went away before it was their turn"}
	case <-timer.C:
	}
	g.places.forget(turn)
	return f
}

// leave frees the place and remembers trouble. That a caller went away is no
// fault of the rules.
func (g *guard) leave(f *sandbox.Fault) {
	g.places.free()
	if f == nil || f.Code == sandbox.CodeCancelled {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for len(g.faults) > 0 && now.Sub(g.faults[0]) > quarantineWindow {
		g.faults = g.faults[1:]
	}
	if g.faults = append(g.faults, now); len(g.faults) >= quarantineFaults {
		g.faults = nil
		g.close(now, "they failed again and again")
	}
}

// close lets the rules rest. Whoever calls it holds the lock.
func (g *guard) close(now time.Time, why string) {
	g.why = why
	g.closed.Store(now.Add(quarantinePause).UnixNano())
}

// reason says why the rules rest, or last rested.
func (g *guard) reason() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// Overspent lets the rules of a domain rest that took more than a list may
// spend on its rows. It does nothing when other rules decide meanwhile.
func (s *Snapshot) Overspent(domain model.Slug) {
	if s.trial || s.Of(domain) != s.engine.Snapshot().Of(domain) {
		return
	}
	g := s.engine.guard(domain)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.close(time.Now(), "they took too much for the rows of one list")
}

// Quarantined lists the domains whose rules rest now, and until when.
func (s *Snapshot) Quarantined() map[model.Slug]time.Time {
	var resting map[model.Slug]time.Time
	s.engine.guards.Range(func(domain, g any) bool {
		if !g.(*guard).rests() {
			return true
		}
		if resting == nil {
			resting = map[model.Slug]time.Time{}
		}
		resting[domain.(model.Slug)] = time.Unix(0, g.(*guard).closed.Load()).UTC()
		return true
	})
	return resting
}

// QuarantineReason says why the domain's rules rest, or last rested: "they failed
// again and again". It is "" when they never did since they came into force.
func (e *Engine) QuarantineReason(domain model.Slug) string {
	g, ok := e.guards.Load(domain)
	if !ok {
		return ""
	}
	return g.(*guard).reason()
}

// QuarantinedUntil tells until when the domain's rules rest, or last rested, because
// they kept failing; zero when they never did since they came into force.
func (e *Engine) QuarantinedUntil(domain model.Slug) time.Time {
	g, ok := e.guards.Load(domain)
	if !ok {
		return time.Time{}
	}
	until := g.(*guard).closed.Load()
	if until == 0 {
		return time.Time{}
	}
	return time.Unix(0, until).UTC()
}

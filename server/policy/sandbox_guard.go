package policy

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// The circuit breaker of one domain: so many faults within the window close
// the domain for the pause. Others never notice.
const (
	quarantineFaults = 5
	quarantineWindow = time.Minute
	quarantinePause  = time.Minute
)

// guard keeps one domain's evaluations from taking more than half of the
// machine, and stops asking rules that keep failing.
type guard struct {
	slots  chan struct{}
	mu     sync.Mutex
	faults []time.Time  // the last few
	closed atomic.Int64 // until when, in Unix nanoseconds; 0 is open
}

func newGuard() *guard {
	return &guard{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// enter waits for a free place. The fault says why there is none.
func (g *guard) enter(ctx context.Context) *fault {
	if until := g.closed.Load(); until != 0 && time.Now().UnixNano() < until {
		return &fault{codeQuarantined, "they failed again and again and rest for a minute; a steward can put an earlier revision in force"}
	}
	select {
	case g.slots <- struct{}{}:
		return nil
	default:
		return g.wait(ctx)
	}
}

func (g *guard) wait(ctx context.Context) *fault {
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &fault{codeCancelled, "the caller went away before it was their turn"}
	case <-timer.C:
		return &fault{codeBusy, "too many questions about this domain wait already"}
	}
}

// leave frees the place and remembers trouble. That a caller went away is no
// fault of the rules.
func (g *guard) leave(f *fault) {
	<-g.slots
	if f == nil || f.code == codeCancelled {
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
		g.closed.Store(now.Add(quarantinePause).UnixNano())
	}
}

// Rested tells until when the domain's rules rest, or last rested, because
// they kept failing; zero when they never did since they came into force.
func (e *Engine) Rested(domain model.Slug) time.Time {
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

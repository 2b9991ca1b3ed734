package decide

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// shadowQueue is how many decisions wait to be made again; those beyond are
// not tried.
const shadowQueue = 256

// shadows are the drafts that are tried on live decisions, by domain. The
// decisions wait in one queue, and whoever is asked while nobody works on it
// starts the one who does, who ends when it is empty: a server without drafts
// on trial runs nothing, and one with many spends no more than one thread.
type shadows struct {
	byDomain atomic.Pointer[map[model.Slug]*shadow]
	mu       sync.Mutex // over what follows, and over changes of byDomain
	queue    []shadowCase
	working  bool
}

// shadow is one draft on trial.
type shadow struct {
	domain model.Slug
	rules  *Package
	on     func(q question.Question, active, shadow model.Decision)
	ended  atomic.Bool
}

// shadowCase is a live decision that a draft shall make as well.
type shadowCase struct {
	shadow   *shadow
	snapshot *Snapshot // that made it
	question question.Question
	input    ast.Value
	active   model.Decision
}

// Shadow evaluates the draft beside the revision in force for every decision
// about the domain, and tells On of each that comes out otherwise. It changes
// no answer and holds none up: when too many wait, some are not tried. On is
// called from one goroutine at a time. A draft without modules ends the trial.
func (e *Engine) Shadow(ctx context.Context, d sandbox.Draft, on func(q question.Question, active, shadow model.Decision)) error {
	u, err := e.Compile(ctx, d)
	if err != nil {
		return err
	}
	var next *shadow
	if u != nil {
		next = &shadow{domain: d.Domain, rules: u, on: on}
	}
	e.shadows.put(d.Domain, next)
	return nil
}

// put begins the trial of a domain, or ends it with nil.
func (s *shadows) put(domain model.Slug, next *shadow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[model.Slug]*shadow{}
	if old := s.byDomain.Load(); old != nil {
		maps.Copy(all, *old)
	}
	if old := all[domain]; old != nil {
		old.ended.Store(true)
	}
	if delete(all, domain); next != nil {
		all[domain] = next
	}
	if len(all) == 0 {
		s.byDomain.Store(nil)
		return
	}
	s.byDomain.Store(&all)
}

// on reports that some draft wants to see live decisions.
func (s *shadows) on() bool { return s.byDomain.Load() != nil }

// offer hands a live decision to the shadow of its domain and to the platform's.
func (s *shadows) offer(snapshot *Snapshot, q question.Question, input ast.Value, d model.Decision) {
	all := s.byDomain.Load()
	if all == nil {
		return
	}
	if sh := (*all)[""]; sh != nil {
		s.wait(shadowCase{sh, snapshot, q, input, d})
	}
	if sh := (*all)[q.Resource.Domain]; sh != nil && q.Resource.Domain != "" {
		s.wait(shadowCase{sh, snapshot, q, input, d})
	}
}

func (s *shadows) wait(c shadowCase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) >= shadowQueue {
		return
	}
	s.queue = append(s.queue, c)
	if !s.working {
		s.working = true
		go s.work()
	}
}

// work tries what waits and ends.
func (s *shadows) work() {
	for {
		s.mu.Lock()
		batch := s.queue
		if s.queue = nil; len(batch) == 0 {
			s.working = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, c := range batch {
			c.try(context.Background())
		}
	}
}

// try decides by the draft. What the caller shares with others is only read.
func (c shadowCase) try(ctx context.Context) {
	right, ok := question.RightsOf(c.question.Action)
	if !ok || c.shadow.ended.Load() || verdict.Failed(c.active) {
		return
	}
	trial := c.snapshot.With(c.shadow.domain, c.shadow.rules).OnTrial()
	d := trial.decide(ctx, c.question, right, c.input)
	d.Revisions = trial.revisions(c.question)
	if verdict.ChangeOf(c.active, d) != "" && !c.shadow.ended.Load() {
		c.shadow.on(c.question, c.active, d)
	}
}

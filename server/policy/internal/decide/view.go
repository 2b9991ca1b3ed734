package decide

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/partial"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// View turns the rules that decide the question into conditions over the rows
// of its resource's type. Nothing else of the resource is looked at, and
// nothing of the facts: both may differ from row to row, as may the time.
func (s *Snapshot) View(ctx context.Context, q question.Question) filter.View {
	right, known := question.RightsOf(q.Action)
	if !known {
		return filter.View{Platform: &filter.Never, Template: &filter.Never}
	}
	q.Resource, q.Facts = question.Resource{Type: q.Resource.Type}, question.Facts{}
	if s.trial || s.engine.anyRests() {
		return s.view(ctx, partial.AskerOf(q), right)
	}
	a := partial.AskerOf(q)
	key := a.WholeKey()
	if v, ok := s.engine.views.get(s, key); ok {
		return v
	}
	v := s.view(ctx, a, right)
	if ctx.Err() == nil {
		s.engine.views.put(s, key, v)
	}
	return v
}

// view joins what the packages say.
func (s *Snapshot) view(ctx context.Context, a partial.Asker, right question.Rights) filter.View {
	a = a.Bound()
	platform := s.platform.View(ctx, a)
	v := filter.View{Platform: partial.Joined(question.Rights{Platform: true}, platform, nil), Domains: make(map[model.Slug]*filter.Condition, len(s.domains))}
	switch {
	case right.Alone:
		v.Template = partial.Joined(right, platform, nil)
		return v
	case right.Approval || right.Consent:
		for domain := range s.domains {
			v.Domains[domain] = nil
		}
		return v
	}
	v.Template = partial.Joined(right, platform, s.template.View(ctx, a))
	for domain, u := range s.domains {
		v.Domains[domain] = s.viewOfDomain(ctx, a, right, platform, u)
	}
	return v
}

func (s *Snapshot) viewOfDomain(ctx context.Context, a partial.Asker, right question.Rights, platform *partial.View, u *Package) *filter.Condition {
	if !s.trial && s.engine.guard(u.Domain).rests() {
		return &filter.Never
	}
	c := partial.Joined(right, platform, u.View(ctx, a))
	if c == nil {
		return nil
	}
	bound := c.Bind(filter.FieldDomain, filter.Value{Text: string(u.Domain)})
	return &bound
}

// Visible gives the condition for the rows of the question's domain. It is
// false when no condition can express the rules; then each row is asked about.
func (s *Snapshot) Visible(ctx context.Context, q question.Question) (filter.Condition, bool) {
	domain := q.Resource.Domain
	c := s.View(ctx, q).Of(domain)
	if c == nil {
		return filter.Never, false
	}
	return c.Bind(filter.FieldDomain, filter.Value{Text: string(domain)}), true
}

// rests reports whether the domain is in quarantine and refuses everything.
func (g *guard) rests() bool {
	until := g.closed.Load()
	return until != 0 && time.Now().UnixNano() < until
}

func (e *Engine) anyRests() (rests bool) {
	e.guards.Range(func(_, g any) bool {
		rests = g.(*guard).rests()
		return !rests
	})
	return rests
}

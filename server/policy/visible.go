package policy

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// View is what one asker may do with the rows of one type: a condition for the
// rows of each domain that writes its own rules, one for those of all others,
// and one for what belongs to the platform. A part that no condition can
// express is nil, and its rows have to be asked about one by one.
type View struct {
	Platform *Condition
	Template *Condition
	Domains  map[model.Slug]*Condition
}

// Of gives the condition for the rows of a domain; "" is the platform.
func (v View) Of(domain model.Slug) *Condition {
	if domain == "" {
		return v.Platform
	}
	if c, own := v.Domains[domain]; own {
		return c
	}
	return v.Template
}

// Whole reports whether conditions express all rules.
func (v View) Whole() bool {
	for _, c := range v.Domains {
		if c == nil {
			return false
		}
	}
	return v.Platform != nil && v.Template != nil
}

// View turns the rules that decide the question into conditions over the rows
// of its resource's type. Nothing else of the resource is looked at, and
// nothing of the facts: both may differ from row to row, as may the time.
func (s *Snapshot) View(ctx context.Context, q Question) View {
	right, known := rightsOf(q.Action)
	if !known {
		return View{Platform: &never, Template: &never}
	}
	q.Resource, q.Facts = Resource{Type: q.Resource.Type}, Facts{}
	if s.trial || s.engine.anyRests() {
		return s.view(ctx, askerOf(q), right)
	}
	a := askerOf(q)
	key := a.wholeKey()
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
func (s *Snapshot) view(ctx context.Context, a asker, right rights) View {
	a = a.bound()
	platform := s.platform.view(ctx, a)
	v := View{Platform: joined(rights{platform: true}, platform, nil), Domains: make(map[model.Slug]*Condition, len(s.domains))}
	switch {
	case right.alone:
		v.Template = joined(right, platform, nil)
		return v
	case right.approval || right.consent:
		for domain := range s.domains {
			v.Domains[domain] = nil
		}
		return v
	}
	v.Template = joined(right, platform, s.template.view(ctx, a))
	for domain, u := range s.domains {
		v.Domains[domain] = s.viewOfDomain(ctx, a, right, platform, u)
	}
	return v
}

func (s *Snapshot) viewOfDomain(ctx context.Context, a asker, right rights, platform *packageView, u *rulePackage) *Condition {
	if !s.trial && s.engine.guard(u.domain).rests() {
		return &never
	}
	c := joined(right, platform, u.view(ctx, a))
	if c == nil {
		return nil
	}
	bound := c.Bind(FieldDomain, Value{Text: string(u.domain)})
	return &bound
}

// Visible gives the condition for the rows of the question's domain. It is
// false when no condition can express the rules; then each row is asked about.
func (s *Snapshot) Visible(ctx context.Context, q Question) (Condition, bool) {
	domain := q.Resource.Domain
	c := s.View(ctx, q).Of(domain)
	if c == nil {
		return never, false
	}
	return c.Bind(FieldDomain, Value{Text: string(domain)}), true
}

// packageView is what one package says: when it denies and when it allows.
type packageView struct {
	deny, allow Condition
	opaque      error // no condition can express it
}

// joined combines the packages as combine does: any denial refuses, then any
// allow of whoever may allow is enough.
func joined(right rights, platform, owner *packageView) *Condition {
	if platform.opaque != nil || (owner != nil && owner.opaque != nil) {
		return nil
	}
	deny, allow := platform.deny, never
	if right.platform {
		allow = platform.allow
	}
	if owner != nil {
		deny, allow = or(deny, owner.deny), or(allow, owner.allow)
	}
	c := and(not(deny), allow)
	return &c
}

// rests reports whether the domain is in quarantine and refuses everything.
func (g *guard) rests() bool {
	until := g.closed.Load()
	return until != 0 && time.Now().UnixNano() < until
}

func (e *engine) anyRests() (rests bool) {
	e.guards.Range(func(_, g any) bool {
		rests = g.(*guard).rests()
		return !rests
	})
	return rests
}

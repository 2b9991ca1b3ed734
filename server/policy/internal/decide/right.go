package decide

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/partial"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// Rights is what one asker may do with the rows of one type, by the rows' domain.
type Rights struct {
	action   model.Action
	platform *partial.Right
	template *partial.Right
	domains  map[model.Slug]*partial.Right
}

// Rights turns the rules that decide the question into conditions, as View does,
// and for every action: how the question comes out for a row, not only whether
// it is allowed. Of the resource only its type is looked at.
func (s *Snapshot) Rights(ctx context.Context, q question.Question) Rights {
	right, known := question.RightsOf(q.Action)
	if !known {
		never := partial.JoinedRight(right, &partial.View{}, nil, false)
		return Rights{action: q.Action, platform: never, template: never}
	}
	q.Resource, q.Facts = question.Resource{Type: q.Resource.Type}, question.Facts{}
	a := partial.AskerOf(q)
	if s.trial || s.engine.anyRests() {
		return s.rights(ctx, a, right)
	}
	key := a.WholeKey()
	if v, ok := s.engine.rights.get(s, key); ok {
		return v
	}
	v := s.rights(ctx, a, right)
	if ctx.Err() == nil {
		s.engine.rights.put(s, key, v)
	}
	return v
}

func (s *Snapshot) rights(ctx context.Context, a partial.Asker, right question.Rights) Rights {
	a = a.Bound()
	platform := s.platform.View(ctx, a)
	r := Rights{action: a.Action, platform: partial.JoinedRight(question.Rights{Platform: true, Approval: right.Approval}, platform, nil, false)}
	if right.Alone {
		r.template = partial.JoinedRight(right, platform, nil, false)
		return r
	}
	heard := s.consents(a.Subject.Domain, right)
	r.template = partial.JoinedRight(right, platform, s.template.View(ctx, a), heard)
	r.domains = make(map[model.Slug]*partial.Right, len(s.domains))
	for domain, u := range s.domains {
		if !s.trial && s.engine.guard(u.Domain).rests() {
			r.domains[domain] = partial.JoinedRight(right, &partial.View{}, nil, false)
			continue
		}
		own := partial.JoinedRight(right, platform, u.View(ctx, a), heard && domain != a.Subject.Domain)
		r.domains[domain] = own.Bind(filter.FieldDomain, filter.Value{Text: string(u.Domain)})
	}
	return r
}

// consents reports that the asker's own domain has a say in what is another's.
func (s *Snapshot) consents(asker model.Slug, right question.Rights) bool {
	u, ok := s.domains[asker]
	return right.Consent && ok && u.Consent != nil
}

// Judge tells how a question comes out that differs in its resource, its facts
// and its time from the one that the rights were made for. It is false where the
// rules have to be asked.
func (r Rights) Judge(q *question.Question) (model.Outcome, bool) {
	if q.Action != r.action {
		return "", false
	}
	if q.Resource.Domain == "" {
		return r.platform.Judge(q)
	}
	if own, ok := r.domains[q.Resource.Domain]; ok {
		return own.Judge(q)
	}
	return r.template.Judge(q)
}

package governance

import (
	"context"
	"iter"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// How far an assessment looks back: so long, and at most so many decisions.
const (
	replayFor  = 30 * 24 * time.Hour
	replayMost = 50_000
)

// decisions is where the decisions of the past are kept.
type decisions interface {
	// Count tells how many Recent would give.
	Count(ctx context.Context, domain model.Slug, since time.Time, most int) (int, error)
	// Recent gives the decisions about a domain's resources, "" about all, the newest first.
	Recent(ctx context.Context, domain model.Slug, since time.Time, most int) iter.Seq2[model.DecisionRecord, error]
}

// recorded are the decisions that the store keeps beside the changes.
type recorded struct{ store store.Store }

func (r recorded) query(domain model.Slug, since time.Time) store.Query {
	return store.Query{Index: "by_time", Where: store.Between("at", since, nil), Desc: true, Limit: store.MaxPage}.
		Narrowed(store.Condition{Index: "by_domain", Path: "domain", Value: string(domain)})
}

// Count reads the rows without looking into them.
func (r recorded) Count(ctx context.Context, domain model.Slug, since time.Time, most int) (int, error) {
	q := r.query(domain, since)
	q.Kind = store.Decisions.Kind()
	n := 0
	for {
		page, err := r.store.Find(ctx, q)
		if err != nil {
			return 0, err
		}
		if n += len(page.Records); !page.More || n >= most {
			return min(n, most), nil
		}
		q.After = page.Cursors[len(page.Cursors)-1]
	}
}

// Recent reads page after page, as far as it is asked.
func (r recorded) Recent(ctx context.Context, domain model.Slug, since time.Time, most int) iter.Seq2[model.DecisionRecord, error] {
	return func(yield func(model.DecisionRecord, error) bool) {
		n := 0
		for d, err := range store.Decisions.All(ctx, r.store, r.query(domain, since)) {
			if n++; n > most || !yield(d, err) {
				return
			}
		}
	}
}

// evidence is what a draft for the domain is tried on.
func (s *Service) evidence(ctx context.Context, domain model.Slug) (policy.Evidence, error) {
	since := s.now().Add(-replayFor)
	e := policy.Evidence{Decisions: replayable(s.history.Recent(ctx, domain, since, replayMost)), Grants: s.grants(ctx, domain)}
	var err error
	if e.Total, err = s.history.Count(ctx, domain, since, replayMost); err != nil {
		return e, err
	}
	for _, err := range s.live(ctx, domain) {
		if err != nil {
			return e, err
		}
		e.TotalGrants++
	}
	return e, nil
}

// replayable leaves out rows that tell of whole lists or have lost their input.
func replayable(records iter.Seq2[model.DecisionRecord, error]) iter.Seq2[model.DecisionRecord, error] {
	return func(yield func(model.DecisionRecord, error) bool) {
		for d, err := range records {
			if err == nil && len(d.Input) == 0 {
				continue
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// live gives the grants of the domain's products that open something now.
func (s *Service) live(ctx context.Context, domain model.Slug) iter.Seq2[model.Grant, error] {
	return func(yield func(model.Grant, error) bool) {
		q := store.Query{Index: "by_status", Where: store.Eq("status", string(model.GrantActive)), Limit: store.MaxPage, Budget: wide}
		if domain != "" {
			d, err := store.DomainNamed(ctx, s.store, domain)
			if err != nil {
				yield(model.Grant{}, err)
				return
			}
			q = q.Narrowed(store.Condition{Index: "by_domain", Path: "domain", Value: string(d.ID)})
		}
		for g, err := range store.Grants.All(ctx, s.store, q) {
			if err == nil && !g.Live(s.now()) {
				continue
			}
			if !yield(g, err) {
				return
			}
		}
	}
}

// grants gives each live grant as its holder's wish to read.
func (s *Service) grants(ctx context.Context, domain model.Slug) iter.Seq2[policy.Question, error] {
	in := s.gate.Session()
	return func(yield func(policy.Question, error) bool) {
		for g, err := range s.live(ctx, domain) {
			var question policy.Question
			if err == nil {
				question, err = s.reading(ctx, in, g)
			}
			if model.Is(err, model.KindNotFound) {
				continue // the holder or the product is gone, and the grant opens nothing
			}
			if !yield(question, err) {
				return
			}
		}
	}
}

// reading is the question whether the holder of a grant may use it.
func (s *Service) reading(ctx context.Context, in *gate.Session, g model.Grant) (policy.Question, error) {
	holder, err := store.Principals.Get(ctx, s.store, g.PrincipalID)
	if err != nil {
		return policy.Question{}, err
	}
	p, err := store.Products.Get(ctx, s.store, g.ProductID)
	if err != nil {
		return policy.Question{}, err
	}
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return policy.Question{}, err
	}
	return in.Question(model.WithPrincipal(ctx, holder), model.ActDataRead, res, gate.Extra{Purpose: g.Purpose})
}

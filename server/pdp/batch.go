package pdp

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/souk-mesh/souk/graph/model"
)

// Semantic says when a batch of questions ends.
type Semantic string

// The semantics of a batch, in the words of AuthZEN.
const (
	ExecuteAll    Semantic = "execute_all"
	DenyOnFirst   Semantic = "deny_on_first_deny"
	PermitOnFirst Semantic = "permit_on_first_permit"
)

// ends reports whether no further question needs an answer.
func (s Semantic) ends(d model.Decision) bool {
	return (s == DenyOnFirst && !d.Allowed()) || (s == PermitOnFirst && d.Allowed())
}

// Item is one question of a batch, or why it is none.
type Item struct {
	Question Question
	Flaw     error // of kind Invalid: the item is refused, and the others go on
}

// Batch answers the items in their order, all by the same policies. The list
// is shorter than the items when the semantic ended it.
func (s *Service) Batch(ctx context.Context, items []Item, semantic Semantic, c Client) ([]model.Decision, error) {
	r := s.batch(c)
	answer := r.oneByOne
	if semantic == ExecuteAll {
		answer = r.all
	}
	decisions, err := answer(ctx, items, semantic)
	if err != nil {
		return nil, err
	}
	return decisions, r.keep(ctx)
}

// oneByOne answers until the semantic ends the batch.
func (r *batch) oneByOne(ctx context.Context, items []Item, semantic Semantic) ([]model.Decision, error) {
	decisions := make([]model.Decision, 0, len(items))
	for _, item := range items {
		c, err := r.item(ctx, item)
		if err != nil {
			return nil, err
		}
		r.decide(ctx, &c)
		d, err := r.conclude(ctx, c)
		if err != nil {
			return nil, err
		}
		if decisions = append(decisions, d); semantic.ends(d) {
			break
		}
	}
	return decisions, nil
}

// all answers every item. What is read for them is read in their order; the
// decisions are then made side by side, since they take most of the time and
// none depends on another.
func (r *batch) all(ctx context.Context, items []Item, _ Semantic) ([]model.Decision, error) {
	questions, decisions := make([]inquiry, len(items)), make([]model.Decision, len(items))
	for i, item := range items {
		var err error
		if questions[i], err = r.item(ctx, item); err != nil {
			return nil, err
		}
	}
	sideBySide(len(items), func(i int) { r.decide(ctx, &questions[i]) })
	for i, c := range questions {
		var err error
		if decisions[i], err = r.conclude(ctx, c); err != nil {
			return nil, err
		}
	}
	return decisions, nil
}

// item prepares an item.
func (r *batch) item(ctx context.Context, i Item) (inquiry, error) {
	if i.Flaw != nil {
		return answered(unknown("evaluation.invalid", i.Flaw.Error())), nil //nolint:nilerr // a flawed item is refused by itself, and the others go on
	}
	return r.prepare(ctx, i.Question)
}

// sideBySide calls do with each number below n, on as many processors as there are.
func sideBySide(n int, do func(int)) {
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	work.Wait()
}

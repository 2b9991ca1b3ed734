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

// Batch is many questions at once. One that is asked several times is one item,
// which is decided once, and answered and logged at each of its places.
type Batch struct {
	Items    []Item
	Order    []int // the item that is asked at each place
	Semantic Semantic
}

// Batch answers in the order of the places, all by the same policies. The list
// is shorter than they are when the semantic ended it.
func (s *Service) Batch(ctx context.Context, b Batch, c Client) ([]model.Decision, error) {
	r := s.batch(c)
	answer := r.oneByOne
	if b.Semantic == ExecuteAll {
		answer = r.all
	}
	decisions, err := answer(ctx, b)
	if err != nil {
		return nil, err
	}
	return decisions, r.keep(ctx)
}

// oneByOne answers until the semantic ends the batch.
func (r *batch) oneByOne(ctx context.Context, b Batch) ([]model.Decision, error) {
	decisions := make([]model.Decision, 0, len(b.Order))
	for _, i := range b.Order {
		c, err := r.item(ctx, b.Items[i])
		if err != nil {
			return nil, err
		}
		r.decide(ctx, &c)
		d, err := r.conclude(ctx, c)
		if err != nil {
			return nil, err
		}
		if decisions = append(decisions, d); b.Semantic.ends(d) {
			break
		}
	}
	return decisions, nil
}

// all answers every item. What is read for them is read in their order; the
// decisions are then made side by side, since they take most of the time and
// none depends on another.
func (r *batch) all(ctx context.Context, b Batch) ([]model.Decision, error) {
	questions, decisions := make([]inquiry, len(b.Items)), make([]model.Decision, len(b.Order))
	for i, item := range b.Items {
		var err error
		if questions[i], err = r.item(ctx, item); err != nil {
			return nil, err
		}
		if err := r.look(ctx, &questions[i]); err != nil {
			return nil, err
		}
	}
	sideBySide(len(b.Items), func(i int) { r.decide(ctx, &questions[i]) })
	for at, i := range b.Order {
		var err error
		if decisions[at], err = r.conclude(ctx, questions[i]); err != nil {
			return nil, err
		}
		questions[i].answer = questions[i].answer.Again()
	}
	return decisions, nil
}

// look finds whether the question may be decided with others that are alike. What
// is hidden may not, nor what does not exist, which is looked at all the same: how
// long the batch takes must not tell the two apart.
func (r *batch) look(ctx context.Context, c *inquiry) error {
	if c.said != nil {
		return nil
	}
	sees, err := r.session.SeesAtOnce(ctx, c.who, c.what.res)
	c.seen = sees && !c.what.absent
	return err
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

package pdp

import (
	"context"

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
	decisions := make([]model.Decision, 0, len(items))
	for _, item := range items {
		d, err := r.item(ctx, item)
		if err != nil {
			return nil, err
		}
		decisions = append(decisions, d)
		if semantic.ends(d) {
			break
		}
	}
	return decisions, r.keep(ctx)
}

func (r *batch) item(ctx context.Context, i Item) (model.Decision, error) {
	if i.Flaw != nil {
		return unknown("evaluation.invalid", i.Flaw.Error()), nil //nolint:nilerr // a flawed item is refused by itself
	}
	return r.evaluate(ctx, i.Question)
}

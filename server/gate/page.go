package gate

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Finder is a typed table.
type Finder[T any] interface {
	Find(ctx context.Context, s store.Store, q store.Query) (store.Nouns[T], error)
}

// A list whose rows are mostly hidden reads on in growing steps, up to a bound.
const (
	maxRounds = 20
	stepRows  = 200
)

// Describe tells the policies about the rows of one page, all at once.
type Describe[T any] func(context.Context, []T) ([]policy.Resource, error)

// Each makes a Describe of a function that needs to look at one row only.
func Each[T any](one func(context.Context, T) (policy.Resource, error)) Describe[T] {
	return func(ctx context.Context, rows []T) ([]policy.Resource, error) {
		resources := make([]policy.Resource, len(rows))
		for i, row := range rows {
			res, err := one(ctx, row)
			if err != nil {
				return nil, err
			}
			resources[i] = res
		}
		return resources, nil
	}
}

// List reads one page of the rows that the viewer may see. It asks once per
// page of the store, and goes on while hidden rows leave the viewer's page short.
func List[T any](ctx context.Context, by Asker, table Finder[T], q store.Query, p model.Paging, describe Describe[T]) (model.Page[T], error) {
	return ListFor(ctx, by, model.ActMetadataView, table, q, p, describe)
}

// ListFor is List for rows that another action than looking at metadata opens.
func ListFor[T any](ctx context.Context, by Asker, action model.Action, table Finder[T], q store.Query, p model.Paging, describe Describe[T]) (model.Page[T], error) {
	in, asked := by.session(), 0
	counted := func(ctx context.Context, rows []T) ([]policy.Resource, error) {
		asked += len(rows)
		return describe(ctx, rows)
	}
	page, err := listFor(ctx, in, action, table, q, p, counted)
	if err == nil {
		err = in.noteList(ctx, action, table, q, asked, len(page.Nodes))
	}
	return page, err
}

func listFor[T any](ctx context.Context, in *Session, action model.Action, table Finder[T], q store.Query, p model.Paging, describe Describe[T]) (page model.Page[T], err error) {
	if err := p.Validate(); err != nil {
		return page, err
	}
	v, err := in.Viewer(ctx, action)
	if err != nil {
		return page, err
	}
	defer func() { page.LeftOut = v.leftOut() }()
	seen := true
	if named, ok := table.(interface{ Kind() store.Kind }); ok {
		if q.Only, seen, err = v.narrow(ctx, named.Kind()); err != nil {
			return page, err
		}
	}
	if q.Only.Op != "" {
		q.Budget = max(q.Budget, narrowBudget)
	}
	q.Limit, q.After = min(p.First+1, store.MaxPage), store.Cursor(p.After)
	if !seen { // the query itself is judged all the same: its faults and its cursor are the caller's
		q.Only, q.Limit = store.Or(), 1
	}
	for round := range maxRounds {
		rows, err := table.Find(ctx, in.gate.store, q)
		if err != nil {
			return page, err
		}
		more, err := appendVisible(ctx, v, &page, rows, p.First, describe)
		if err != nil || more || !rows.More {
			return page, err
		}
		q.After = rows.Cursors[len(rows.Cursors)-1]
		q.Limit = min(p.First+(round+1)*stepRows, store.MaxPage)
	}
	if len(page.Nodes) == 0 { // without a row there is no cursor to go on from
		return page, model.Invalid("filter", "too many rows in a row are hidden from you", "narrow the list with a filter")
	}
	page.More = true
	return page, nil
}

// appendVisible adds the visible rows until the page holds limit of them and
// one more is found. That one sets More, which tells nothing of hidden rows.
func appendVisible[T any](ctx context.Context, v *Viewer, page *model.Page[T], rows store.Nouns[T], limit int, describe Describe[T]) (bool, error) {
	resources, err := describe(ctx, rows.Nodes)
	if err != nil {
		return false, err
	}
	for i, n := range rows.Nodes {
		if !v.May(ctx, resources[i]) {
			continue
		}
		if len(page.Nodes) == limit {
			page.More = true
			return true, nil
		}
		page.Nodes, page.Cursors = append(page.Nodes, n), append(page.Cursors, string(rows.Cursors[i]))
	}
	return false, nil
}

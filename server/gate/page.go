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
func List[T any](ctx context.Context, g *Gate, table Finder[T], q store.Query, p model.Paging, describe Describe[T]) (model.Page[T], error) {
	return ListFor(ctx, g, model.ActMetadataView, table, q, p, describe)
}

// ListFor is List for rows that another action than looking at metadata opens.
func ListFor[T any](ctx context.Context, g *Gate, action model.Action, table Finder[T], q store.Query, p model.Paging, describe Describe[T]) (model.Page[T], error) {
	var page model.Page[T]
	if err := p.Validate(); err != nil {
		return page, err
	}
	q.Limit, q.After = p.First, store.Cursor(p.After)
	for round := range maxRounds {
		rows, err := table.Find(ctx, g.store, q)
		if err != nil {
			return page, err
		}
		full, err := appendVisible(ctx, g, action, &page, rows, p.First, describe)
		if err != nil || full || !rows.More {
			page.More = page.More || (full && rows.More)
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

// appendVisible adds the visible rows until the page holds limit of them, and
// reports whether it does. More is set when visible rows are left over.
func appendVisible[T any](ctx context.Context, g *Gate, action model.Action, page *model.Page[T], rows store.Nouns[T], limit int, describe Describe[T]) (bool, error) {
	resources, err := describe(ctx, rows.Nodes)
	if err != nil {
		return false, err
	}
	visible, err := g.Filter(ctx, action, resources)
	if err != nil {
		return false, err
	}
	for i, n := range rows.Nodes {
		if !visible[i] {
			continue
		}
		if len(page.Nodes) == limit {
			page.More = true
			return true, nil
		}
		page.Nodes, page.Cursors = append(page.Nodes, n), append(page.Cursors, string(rows.Cursors[i]))
	}
	return len(page.Nodes) == limit, nil
}

package lineage

import (
	"context"
	"slices"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

const (
	readers  = 4            // pages of edges that one walk reads at the same time
	maxEdges = 4 * MaxNodes // edges of up to sixteen assets that one walk looks at
)

// edgesOf reads the edges that leave the assets in the direction, in an order
// that depends on the assets alone. It reports whether it left some out.
func (s *Service) edgesOf(ctx context.Context, ids []model.ID, d model.Direction) (edges []model.Edge, cut bool, err error) {
	values := make([]store.Value, len(ids))
	for i, id := range ids {
		values[i] = string(id)
	}
	var queries []store.Query
	for part := range slices.Chunk(values, store.MaxIn) {
		if d != model.Upstream {
			queries = append(queries, store.Query{Index: "by_from", Where: store.In("from", part...), Limit: store.MaxPage})
		}
		if d != model.Downstream {
			queries = append(queries, store.Query{Index: "by_to", Where: store.In("to", part...), Limit: store.MaxPage})
		}
	}
	answers := make([][]model.Edge, len(queries))
	errs := make([]error, len(queries))
	turns := make(chan struct{}, readers)
	var reading sync.WaitGroup
	for i, q := range queries {
		turns <- struct{}{}
		reading.Go(func() {
			answers[i], errs[i] = s.read(ctx, q)
			<-turns
		})
	}
	reading.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, false, err
		}
		cut = cut || len(answers[i]) == maxEdges
	}
	return slices.Concat(answers...), cut, nil
}

func (s *Service) read(ctx context.Context, q store.Query) ([]model.Edge, error) {
	var edges []model.Edge
	for e, err := range store.Edges.All(ctx, s.store, q) {
		if err != nil {
			return nil, err
		}
		if edges = append(edges, e); len(edges) == maxEdges {
			break
		}
	}
	return edges, nil
}

package server

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// guarded is the store as the services see it: while the decision log cannot
// be written nothing is changed, because every change carries decisions that
// the log has to keep.
type guarded struct {
	store.Store

	trouble func() error // of the decision log
}

// Apply implements store.Store.
func (g guarded) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if err := g.trouble(); err != nil {
		return model.Event{}, err
	}
	return g.Store.Apply(ctx, c)
}

package server

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// guarded is the store as the services see it: a change comes after the
// decisions that it carries are in the decision log, and while that cannot be
// written nothing is changed. To ask the log first how it is would leave the
// moment between the answer and the change.
type guarded struct {
	store.Store

	log interface {
		Trouble() error
		Promise(ctx context.Context, decisions ...model.DecisionRecord) error
	}
}

// Apply implements store.Store.
func (g guarded) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if err := g.log.Trouble(); err != nil {
		return model.Event{}, err
	}
	decisions, err := decisionsIn(c)
	if err != nil {
		return model.Event{}, err
	}
	if err := g.log.Promise(ctx, decisions...); err != nil {
		return model.Event{}, err
	}
	return g.Store.Apply(ctx, c)
}

// decisionsIn reads the decisions that a change writes.
func decisionsIn(c store.Change) ([]model.DecisionRecord, error) {
	var decisions []model.DecisionRecord
	for _, w := range c.Writes {
		if w.Record.Kind != store.Decisions.Kind() || w.Delete {
			continue
		}
		d, err := store.Decisions.Written(w)
		if err != nil {
			return nil, err
		}
		decisions = append(decisions, d)
	}
	return decisions, nil
}

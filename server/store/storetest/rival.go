package storetest

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Rival is a store in which somebody else writes right after each change, over
// every record that the change has put: whoever reads back what they wrote
// reads the rival's version.
type Rival struct{ store.Store }

// Apply implements store.Store.
func (r Rival) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	event, err := r.Store.Apply(ctx, c)
	if err != nil {
		return event, err
	}
	later := store.Change{Actor: "prn_rival", Action: "rival.write"}
	for _, w := range c.Writes {
		if !w.Delete {
			w.Record.Revision++
			later.Writes = append(later.Writes, w)
		}
	}
	_, err = r.Store.Apply(ctx, later)
	return event, err
}

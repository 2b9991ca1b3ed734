package sourcegrants

import (
	"context"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Filter narrows a list of grants in sources; empty fields do not.
type Filter struct {
	GrantID  model.ID
	SourceID model.ID
	State    model.SourceGrantState
}

// Grants lists what grants mean in sources, to whoever may see the grants. The
// newest come first.
func (s *Service) Grants(ctx context.Context, f Filter, p model.Paging) (model.Page[model.SourceGrant], error) {
	q := store.Query{Index: "by_created", Desc: true}.Narrowed(
		store.Condition{Index: "by_grant", Path: "grant", Value: string(f.GrantID)},
		store.Condition{Index: "by_source", Path: "source", Value: string(f.SourceID)},
		store.Condition{Index: "by_state", Path: "state", Value: string(f.State)})
	return gate.List(ctx, s.gate, store.SourceGrants, q, p, s.gate.SourceGrants)
}

// Repair is what somebody who administers the source has decided on a row, having
// seen it with the statements that it would take.
type Repair struct {
	ID        model.ID
	Seen      model.Revision
	TakesOver bool // what the role has on the asset by another hand counts as the grant's from now on
}

// Repair has a right given again that has drifted, tried again that could not be
// given or taken away, or taken away that nobody knows of.
func (s *Service) Repair(ctx context.Context, r Repair) (model.SourceGrant, error) {
	in := s.gate.Session()
	row, _, err := gate.See(ctx, in, store.SourceGrants, r.ID, s.gate.SourceGrant)
	if err != nil {
		return row, err
	}
	_, answer, err := s.administered(ctx, in, row.SourceID)
	if err == nil {
		err = r.check(row)
	}
	if err != nil {
		return model.SourceGrant{}, err
	}
	action := "source_grant.repair"
	if r.TakesOver {
		row.TakesOver, action = true, "source_grant.take_over"
	}
	row.State, row.DueAt, row.Tries = model.SourceGrantPending, s.now(), 0
	return store.SourceGrants.Apply(ctx, s.store, in.Change(ctx, action, row.ID, strings.Join(row.Drift, "; "), answer, store.SourceGrants.Put(row)))
}

// check says why there is nothing to repair.
func (r Repair) check(row model.SourceGrant) error {
	switch {
	case row.Revision != r.Seen:
		return model.Stale("expectedVersion", "it has changed since it was read", "read it again, and look at what would be done")
	case r.TakesOver && row.Wanted == nil:
		return model.Conflict("takesOver", "the source shall not have this right, so that there is nothing to take over for it", "take over for a grant that lives")
	case r.TakesOver:
		return nil
	case row.Settled() && len(row.Drift) == 0:
		return model.Conflict("id", "there is nothing to repair", "the source has what it shall have, as far as it was looked at")
	case row.Wanted == nil && row.Given == nil:
		return model.Conflict("id", "nothing can be given as things stand", "do what the failure says")
	}
	return nil
}

package sourcegrants

import (
	"context"

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

// Repair has a right given again that has drifted, or tried again that could not
// be given or taken away. It is for whoever administers the source and has seen
// this revision, with the statements that it would take.
func (s *Service) Repair(ctx context.Context, id model.ID, seen model.Revision) (model.SourceGrant, error) {
	in := s.gate.Session()
	row, _, err := gate.See(ctx, in, store.SourceGrants, id, s.gate.SourceGrant)
	if err != nil {
		return row, err
	}
	_, answer, err := s.administered(ctx, in, row.SourceID)
	if err != nil {
		return model.SourceGrant{}, err
	}
	switch {
	case row.Revision != seen:
		return model.SourceGrant{}, model.Stale("expectedVersion", "it has changed since it was read", "read it again, and look at what would be done")
	case row.Settled() && len(row.Drift) == 0:
		return model.SourceGrant{}, model.Conflict("id", "there is nothing to repair", "the source has what it shall have, as far as it was looked at")
	case row.Wanted == nil && row.Given == nil:
		return model.SourceGrant{}, model.Conflict("id", "nothing can be given as things stand", "do what the failure says")
	}
	row.State, row.DueAt, row.Tries = model.SourceGrantPending, s.now(), 0
	return store.SourceGrants.Apply(ctx, s.store, in.Change(ctx, "source_grant.repair", row.ID, "", answer, store.SourceGrants.Put(row)))
}

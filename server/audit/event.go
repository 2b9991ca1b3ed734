package audit

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// budget is how many rows a filter that no index serves may look at.
const budget = 200_000

// Events reads the audit feed, the newest first. The actor sees what the
// policies let them: all of it, that of a domain, or their own deeds.
func (s *Service) Events(ctx context.Context, f EventFilter, p model.Paging) (model.Page[model.Event], error) {
	q := store.Query{Index: "by_seq", Desc: true, Budget: budget}.Narrowed(
		store.Condition{Index: "by_actor", Path: "actor", Value: string(f.ActorID)},
		store.Condition{Index: "by_subject", Path: "subject", Value: string(f.SubjectID)})
	return gate.ListFor(ctx, s.gate, model.ActAuditRead, store.Events, q, p, s.gate.Events)
}

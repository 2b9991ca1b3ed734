package audit

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Decisions reads the decision log, the newest first. The actor sees what the
// policies let them: all of it, that of a domain, or what they had asked.
func (s *Service) Decisions(ctx context.Context, f DecisionFilter, p model.Paging) (model.Page[model.DecisionRecord], error) {
	return gate.ListFor(ctx, s.gate, model.ActAuditRead, store.Decisions, f.query(), p, gate.Each(s.gate.Decision))
}

// query names the index that the narrowest condition begins.
func (f DecisionFilter) query() store.Query {
	q := store.Query{Index: "by_time", Desc: true, Budget: budget}
	var given []store.Filter
	if f.Outcome != "" {
		given = append(given, store.Eq("outcome", f.Outcome))
	}
	for _, c := range []struct {
		index string
		path  store.Path
		value string
	}{
		{"by_domain", "domain", string(f.Domain)}, {"by_principal", "principal", string(f.PrincipalID)}, {"by_resource", "resource", string(f.ResourceID)},
	} {
		if c.value != "" {
			q.Index, given = c.index, append(given, store.Eq(c.path, c.value))
		}
	}
	if len(given) > 0 {
		q.Where = store.And(given...)
	}
	return q
}

// Decision returns one row of the log, or an error of kind NotFound to whoever
// may not read it.
func (s *Service) Decision(ctx context.Context, id model.ID) (model.DecisionRecord, error) {
	d, _, err := gate.SeeFor(ctx, s.gate, model.ActAuditRead, store.Decisions, id, s.gate.Decision)
	return d, err
}

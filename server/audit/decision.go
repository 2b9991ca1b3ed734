package audit

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Decisions reads the decision log, the newest first. The actor sees what the
// policies let them: all of it, that of a domain, or what they had asked.
func (s *Service) Decisions(ctx context.Context, f DecisionFilter, p model.Paging) (model.Page[model.DecisionRecord], error) {
	if s.log != nil {
		return gate.ListFor(ctx, s.gate, model.ActAuditRead, logged{s.log, f}, f.query(), p, gate.Each(s.gate.Decision))
	}
	return gate.ListFor(ctx, s.gate, model.ActAuditRead, store.Decisions, f.query(), p, gate.Each(s.gate.Decision))
}

// logged reads pages of the log where gate reads pages of a table.
type logged struct {
	log    *decisionlog.Log
	filter DecisionFilter
}

// Kind names what is listed.
func (logged) Kind() store.Kind { return store.Decisions.Kind() }

// Find implements gate.Finder.
func (l logged) Find(ctx context.Context, _ store.Store, q store.Query) (store.Nouns[model.DecisionRecord], error) {
	f := decisionlog.Filter{
		PrincipalID: l.filter.PrincipalID, ResourceID: l.filter.ResourceID, Domain: l.filter.Domain, Outcome: l.filter.Outcome,
		From: l.filter.From, To: l.filter.To, Only: q.Only,
	}
	if l.filter.Action != "" {
		f.Actions = []model.Action{l.filter.Action}
	}
	page, err := l.log.Find(ctx, f, model.Paging{First: q.Limit, After: string(q.After)})
	rows := store.Nouns[model.DecisionRecord]{Nodes: page.Nodes, Cursors: make([]store.Cursor, len(page.Cursors)), More: page.More}
	for i, c := range page.Cursors {
		rows.Cursors[i] = store.Cursor(c)
	}
	return rows, err
}

// query gives the conditions from the widest to the narrowest.
func (f DecisionFilter) query() store.Query {
	q := store.Query{Index: "by_time", Desc: true, Budget: budget}
	if !f.From.IsZero() || !f.To.IsZero() {
		q.Where = store.Between("at", millis(f.From), millis(f.To))
	}
	return q.Narrowed(
		store.Condition{Path: "outcome", Value: string(f.Outcome)},
		store.Condition{Path: "action", Value: string(f.Action)},
		store.Condition{Index: "by_domain", Path: "domain", Value: string(f.Domain)},
		store.Condition{Index: "by_principal", Path: "principal", Value: string(f.PrincipalID)},
		store.Condition{Index: "by_resource", Path: "resource", Value: string(f.ResourceID)})
}

// millis is the time as the store keeps it; none leaves a side open.
func millis(t time.Time) store.Value {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// maxID is longer than any id we mint.
const maxID = 64

// Decision returns one row of the log, or an error of kind NotFound to whoever
// may not read it.
func (s *Service) Decision(ctx context.Context, id model.ID) (model.DecisionRecord, error) {
	d, err := s.row(ctx, id)
	if err != nil {
		return model.DecisionRecord{}, err
	}
	return gate.SeeLoaded(ctx, s.gate, model.ActAuditRead, "decision", d, s.gate.Decision)
}

// row loads a row of the log, whoever asks.
func (s *Service) row(ctx context.Context, id model.ID) (model.DecisionRecord, error) {
	if len(id) > maxID || !utf8.ValidString(string(id)) {
		return model.DecisionRecord{}, model.NotFound("decision", id)
	}
	if s.log == nil {
		return store.Decisions.Get(ctx, s.store, id)
	}
	return s.log.Get(ctx, id)
}

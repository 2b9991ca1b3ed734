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

// query names the index that the narrowest condition begins.
func (f DecisionFilter) query() store.Query {
	q := store.Query{Index: "by_time", Desc: true, Budget: budget}
	var given []store.Filter
	if f.Outcome != "" {
		given = append(given, store.Eq("outcome", f.Outcome))
	}
	if f.Action != "" {
		given = append(given, store.Eq("action", f.Action))
	}
	if !f.From.IsZero() || !f.To.IsZero() {
		given = append(given, store.Between("at", millis(f.From), millis(f.To)))
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

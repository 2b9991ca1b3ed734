package resolver

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/audit"
)

// AuditEvents resolves the field auditEvents.
func (q query) AuditEvents(ctx context.Context, filter *graph.AuditEventFilter, first int, after *string) (*graph.AuditEventConnection, error) {
	f := deref(filter)
	page, err := q.s.Audit.Events(ctx, audit.EventFilter{SubjectID: given(f.SubjectID), ActorID: given(f.ActorID)}, paging(first, after))
	return (*graph.AuditEventConnection)(connect[model.Event, graph.AuditEventEdge](ctx, page)), err
}

// Decision resolves the field decision.
func (q query) Decision(ctx context.Context, id model.ID) (*model.DecisionRecord, error) {
	d, err := q.s.Audit.Decision(ctx, id)
	return orNull(ctx, d, err)
}

// WhyDenied resolves the field whyDenied.
func (q query) WhyDenied(ctx context.Context, decisionID model.ID) (*model.Explanation, error) {
	x, err := q.s.Audit.Explain(ctx, decisionID)
	return orNull(ctx, x, err)
}

// Decisions resolves the field decisions.
func (q query) Decisions(ctx context.Context, filter *graph.DecisionFilter, first int, after *string) (*graph.DecisionRecordConnection, error) {
	f := deref(filter)
	page, err := q.s.Audit.Decisions(ctx, audit.DecisionFilter{
		PrincipalID: given(f.PrincipalID), ResourceID: given(f.ResourceID), Domain: given(f.Domain), Outcome: given(f.Outcome),
		Action: given(f.Action), From: given(f.From), To: given(f.To),
	}, paging(first, after))
	return (*graph.DecisionRecordConnection)(connect[model.DecisionRecord, graph.DecisionRecordEdge](ctx, page)), err
}

// Actor resolves who did it.
func (auditEvent) Actor(ctx context.Context, e *model.Event) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, e.ActorID)
}

// Principal resolves whom a decision is about.
func (decisionRecord) Principal(ctx context.Context, d *model.DecisionRecord) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, d.PrincipalID)
}

// Input resolves the question, as far as the viewer may see it.
func (decisionRecord) Input(ctx context.Context, d *model.DecisionRecord) (json.RawMessage, error) {
	l := linksFrom(ctx)
	l.asked.put(*d)
	input, _, err := l.inputs.one(ctx, d.ID)
	return input, err
}

// asked remembers the decisions that the operation shows: their inputs are
// looked at together.
type asked struct {
	mu   sync.Mutex
	rows map[model.ID]model.DecisionRecord
}

func (a *asked) put(d model.DecisionRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rows == nil {
		a.rows = map[model.ID]model.DecisionRecord{}
	}
	a.rows[d.ID] = d
}

func (a *asked) of(ids []model.ID) []model.DecisionRecord {
	a.mu.Lock()
	defer a.mu.Unlock()
	rows := make([]model.DecisionRecord, len(ids))
	for i, id := range ids {
		rows[i] = a.rows[id]
	}
	return rows
}

// AskedBy resolves who asked about somebody else.
func (decisionRecord) AskedBy(ctx context.Context, d *model.DecisionRecord) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, d.AskedBy)
}

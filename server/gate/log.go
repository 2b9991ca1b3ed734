package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// recorder is the decision log. It copies the rows that changes carry by
// itself; here it takes those that no change carries.
type recorder interface {
	Append(ctx context.Context, d model.DecisionRecord) error     // returns when the row is durable
	Note(ctx context.Context, rows ...model.DecisionRecord) error // does not wait for the disk
}

// Keep logs an answer that changes nothing, before the caller hears of it.
func (g *Gate) Keep(ctx context.Context, action string, subject model.ID, reason string, answer Answer) error {
	if g.log != nil {
		return g.log.Append(ctx, answer.Row)
	}
	_, err := g.store.Apply(ctx, g.permitted(ctx, action, subject, reason, answer))
	return err
}

// noteHidden logs that the viewer was kept from a noun. One that does not exist
// takes the same question, so that the two cannot be told apart by their cost,
// and leaves nothing.
func (s *Session) noteHidden(ctx context.Context, action model.Action, res policy.Resource, exists bool) error {
	if s.gate.log == nil {
		return nil
	}
	answer, err := s.Ask(ctx, action, res, Extra{})
	if err != nil || !exists {
		return err
	}
	answer.Row.Hidden = true
	return unlessReadsOnly(s.gate.log.Note(ctx, answer.Row))
}

// unlessReadsOnly lets people read on while the log cannot be written: what
// changes nothing and gives nobody an answer to act on may go unlogged then.
func unlessReadsOnly(err error) error {
	if e, ok := errors.AsType[*model.Error](err); ok && e.Code == model.CodeReadsOnly {
		return nil
	}
	return err
}

// noteList logs a list of a table.
func (s *Session) noteList(ctx context.Context, action model.Action, table any, q store.Query, asked, shown int) error {
	kind := q.Index
	if named, ok := table.(interface{ Kind() store.Kind }); ok {
		kind = string(named.Kind())
	}
	return s.Listed(ctx, action, kind, []any{q.Index, q.Desc, q.Where}, asked, shown)
}

// Listed logs the decisions about the rows of a list as a whole: they would be
// too many one by one. The filter is kept as a hash. The server's own lists
// are no business of the log.
func (s *Session) Listed(ctx context.Context, action model.Action, kind string, filter any, asked, shown int) error {
	p, err := model.PrincipalFrom(ctx)
	if err != nil || s.gate.log == nil || p.ID == model.System().ID {
		return err
	}
	id := model.NewID(model.PrefixDecision)
	revisions := model.Revisions{Platform: s.snapshot.PlatformRevision()}
	return unlessReadsOnly(s.gate.log.Note(ctx, model.DecisionRecord{
		Meta: model.Meta{ID: id}, At: s.now, Action: action, PrincipalID: p.ID, Outcome: model.Allow, RequestID: model.RequestIDFrom(ctx),
		Decision: model.Decision{ID: id, Outcome: model.Allow, Reasons: []model.Reason{}, Revisions: revisions},
		List:     &model.DecisionList{Kind: kind, Filter: hashOf(filter), Asked: asked, Shown: shown},
	}))
}

// hashOf is the same for the same filter and order.
func hashOf(filter any) string {
	text, _ := json.Marshal(filter) // plain data always marshals
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

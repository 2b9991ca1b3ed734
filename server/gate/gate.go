// Package gate is the one way from the services to the policies. It owns the
// facts that a question needs (who asks, which grants they hold, which votes
// they may cast) and the record that a decision leaves. It decides nothing:
// policy does.
package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Gate asks the policies on behalf of whoever the context names.
type Gate struct {
	store   store.Store
	engine  *policy.Engine
	now     func() time.Time
	log     recorder // nil for none
	names   nameCache
	offered store.Kept[map[model.ID]bool]
	granted store.Kept[[]model.Grant]
	nouns   []Noun
	unasked []Noun
}

// New makes a gate. The log takes the decisions that no change carries; without
// one, which is nil, an answer that must be kept goes into the store, and lists
// leave no trace.
func New(s store.Store, e *policy.Engine, now func() time.Time, log recorder) *Gate {
	g := &Gate{store: s, engine: e, now: now, log: log}
	g.nouns, g.unasked = nouns(g), unasked(g)
	return g
}

// Extra is what a question may carry beside its resource.
type Extra struct {
	Purpose  string
	Duration time.Duration
	Roles    []model.ApproverRole // approving roles that count here beside those over the resource's own domain
	Impact   *policy.ImpactFact   // of a draft of rules
	Change   *policy.ChangeFact   // of a product on offer
	Ending   *policy.EndingFact   // of a product that shall end
	Wanted   *model.DataProduct   // the product as it shall be, for what the standards say of it

	Properties policy.Properties // what the caller of another door said beside
}

// Answer is a decision with the row that the decision log shall keep of it.
// Whoever goes on to change something puts Record into the same Change.
type Answer struct {
	model.Decision
	Record store.Write
	Row    model.DecisionRecord // what Record writes
}

// Again is the answer to the same question asked once more: a decision of its
// own in the log.
func (a Answer) Again() Answer {
	if a.ID != "" {
		a.ID = model.NewID(model.PrefixDecision)
		a.Row.ID, a.Row.Decision.ID = a.ID, a.ID
	}
	return a
}

// Ask is Session.Ask for an operation with one question.
func (g *Gate) Ask(ctx context.Context, action model.Action, res policy.Resource, extra Extra) (Answer, error) {
	return g.Session().Ask(ctx, action, res, extra)
}

// Require is Session.Require for an operation with one question.
func (g *Gate) Require(ctx context.Context, action model.Action, res policy.Resource) (Answer, error) {
	return g.Session().Require(ctx, action, res)
}

// refuse logs a refusal and gives the error that tells of it, with the next
// step that would be legal where there is one.
func (g *Gate) refuse(ctx context.Context, action model.Action, res policy.Resource, answer Answer) error {
	_, err := g.store.Apply(ctx, g.permitted(ctx, string(action)+".refused", res.ID, "", answer))
	if err != nil {
		return err
	}
	denied := model.Denied(answer.Decision)
	if answer.Outcome == model.NeedsApproval {
		denied.Message = "the policy wants the approval of " + voters(answer.Approvals) + " first"
	}
	if step := g.Next(ctx, answer); step != "" {
		denied.Message, denied.Hint = "no rule allows this as things stand", step
	}
	return denied
}

// Next says what the asker can do to be allowed, when nothing but a rule that
// allows is missing; "" when there is nothing that one person could do.
func (g *Gate) Next(ctx context.Context, answer Answer) string {
	if answer.Outcome != model.Deny || len(answer.Reasons) != 1 || answer.Reasons[0].Code != "no.rule" || len(answer.Row.Input) == 0 {
		return ""
	}
	x, err := g.engine.Explain(ctx, answer.Row, nil)
	if err != nil || len(x.Paths) == 0 {
		return ""
	}
	return x.Paths[0].Message
}

// voters lists who has to approve: "1 domain_steward of sales, 1 platform_steward".
func voters(approvals []model.Approval) string {
	words := make([]string, len(approvals))
	for i, a := range approvals {
		words[i] = fmt.Sprintf("%d %s", a.Min, a.Role)
		if a.Domain != "" {
			words[i] += " of " + string(a.Domain)
		}
	}
	return strings.Join(words, ", ")
}

// Change begins a change that nobody was asked about: one that follows from
// another, or from the clock. It names the actor.
func (g *Gate) Change(ctx context.Context, action string, subject model.ID, reason string, writes ...store.Write) store.Change {
	return g.permitted(ctx, action, subject, reason, Answer{}, writes...)
}

// permitted is Change with the row of the decision that permits it, so that the
// log and the deed share a transaction.
func (g *Gate) permitted(ctx context.Context, action string, subject model.ID, reason string, answer Answer, writes ...store.Write) store.Change {
	c := store.Change{Action: action, Subject: subject, Reason: reason, Decision: answer.ID, Request: model.RequestIDFrom(ctx), Writes: writes}
	if p, err := model.PrincipalFrom(ctx); err == nil {
		c.Actor = p.ID
	}
	if answer.ID != "" {
		c.Writes = append(c.Writes, answer.Record)
	}
	return c
}

// Filter is Session.Filter for an operation that asks once.
func (g *Gate) Filter(ctx context.Context, action model.Action, resources []policy.Resource) ([]bool, error) {
	return g.Session().Filter(ctx, action, resources)
}

// decide puts the question to the policies and makes the row of the answer.
func decide(ctx context.Context, by *policy.Snapshot, q policy.Question, others *policy.Alike) Answer {
	d, input := by.DecideAlike(ctx, q, others)
	d.ID = model.NewID(model.PrefixDecision)
	return Answer{Decision: d, Row: record(ctx, q, d, input)}
}

func record(ctx context.Context, q policy.Question, d model.Decision, input json.RawMessage) model.DecisionRecord {
	r := model.DecisionRecord{
		Meta: model.Meta{ID: d.ID}, At: q.Context.Now, Action: q.Action, PrincipalID: q.Subject.ID, ResourceID: q.Resource.ID,
		Domain: q.Resource.Domain, Outcome: d.Outcome, Decision: d, Input: input, RequestID: model.RequestIDFrom(ctx),
	}
	if asker, err := model.PrincipalFrom(ctx); err == nil && asker.ID != q.Subject.ID {
		r.AskedBy = asker.ID
	}
	return r
}

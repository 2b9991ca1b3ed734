// Package governance owns the way of rules into force: drafts, the checks that
// they go through, the working group's comments and votes, activation, trial
// and rollback. It also keeps the engine in step with the store, so that every
// replica decides by the same rules. It decides nothing itself: policy does,
// about the rules as about everything else.
package governance

import (
	"context"
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/approval"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Service looks after the policies.
type Service struct {
	store   store.Store
	gate    *gate.Gate
	engine  *policy.Engine
	votes   *approval.Room
	now     func() time.Time
	history decisions
	log     *slog.Logger
	serving serving
	jobs    jobs
	trials  trials
}

// Config says what the service works with.
type Config struct {
	Store   store.Store
	Gate    *gate.Gate
	Engine  *policy.Engine
	History decisions // that drafts are tried on; nil tries them on those that the store keeps beside changes
	Now     func() time.Time
	Log     *slog.Logger
}

// New makes the service. Until Load the engine decides with what it was
// started with.
func New(c Config) *Service {
	if c.History == nil {
		c.History = recorded{c.Store}
	}
	svc := &Service{store: c.Store, gate: c.Gate, engine: c.Engine, votes: approval.New(c.Store), now: c.Now, history: c.History, log: c.Log}
	svc.jobs.log = c.Log
	svc.serving.domains = map[model.Slug]served{}
	svc.jobs.all = map[model.ID]*job{}
	svc.trials.counts = map[model.ID]model.PolicyDifference{}
	return svc
}

// Policies lists the packages that the server decides with, the platform's
// first. It returns an error of kind Denied to whoever may not read them.
func (s *Service) Policies(ctx context.Context) ([]model.PolicyPackage, error) {
	if _, err := s.gate.Require(ctx, model.ActPolicyRead, s.gate.Platform("policy", "policies")); err != nil {
		return nil, err
	}
	return s.engine.Snapshot().Packages(), nil
}

// Can tells what the policies let the actor do with a proposal.
func (s *Service) Can(ctx context.Context, id model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	in := s.gate.Session()
	p, res, err := s.see(ctx, in, id)
	if err != nil {
		return nil, err
	}
	tally, err := s.tally(ctx, in, p)
	if err != nil {
		return nil, err
	}
	can := make(map[model.Action]model.Outcome, len(actions))
	for _, action := range actions {
		answer, err := s.ask(ctx, in, action, p, res, tally)
		if err != nil {
			return nil, err
		}
		can[action] = answer.Outcome
		if action != model.ActPolicyApprove || !answer.Allowed() {
			continue
		}
		if may, err := mayVote(ctx, p, tally); err != nil {
			return nil, err
		} else if !may {
			can[action] = model.Deny
		}
	}
	return can, nil
}

// ask puts a question about a proposal. What the policies know of it is its
// impact and the roles that its approvals name.
func (s *Service) ask(ctx context.Context, in *gate.Session, action model.Action, p model.PolicyProposal, res policy.Resource, tally approval.Tally) (gate.Answer, error) {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return gate.Answer{}, err
	}
	extra := gate.Extra{Impact: impactFact(p)}
	for _, a := range tally.Seats(actor.ID) {
		extra.Roles = append(extra.Roles, a.Role)
	}
	return in.Ask(ctx, action, res, extra)
}

// require is ask for an action that cannot go on without a plain allow. It gives
// the count of votes that it asked with.
func (s *Service) require(ctx context.Context, in *gate.Session, action model.Action, p model.PolicyProposal, res policy.Resource) (gate.Answer, approval.Tally, error) {
	tally, err := s.tally(ctx, in, p)
	if err != nil {
		return gate.Answer{}, tally, err
	}
	answer, err := s.ask(ctx, in, action, p, res, tally)
	if err != nil || answer.Allowed() {
		return answer, tally, err
	}
	return answer, tally, in.Refuse(ctx, action, res, answer)
}

// impactFact is the report as the policies see it; nil when there is none.
func impactFact(p model.PolicyProposal) *policy.ImpactFact {
	if p.Impact == nil {
		return nil
	}
	flips, all := 0, p.Impact.Replayed+p.Impact.Grants+p.Impact.Generated
	for _, f := range p.Impact.Flips {
		flips += f.Count
	}
	fact := &policy.ImpactFact{Loosens: p.Impact.Loosens, Sensitive: p.Impact.Sensitive, Touches: p.Touches}
	if flips > 0 {
		fact.FlipPercent = min(100, (100*flips+max(all, flips)-1)/max(all, flips))
	}
	return fact
}

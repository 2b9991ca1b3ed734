package governance

import (
	"context"
	"errors"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Assess begins to replay what was decided lately, and every live grant,
// against a tested draft. It goes on in the background; WatchAssessment tells
// how far it is. The report opens the vote.
func (s *Service) Assess(ctx context.Context, id model.ID) (model.PolicyAssessment, error) {
	none := model.PolicyAssessment{}
	in := s.gate.Session()
	p, _, err := s.see(ctx, in, id)
	if err != nil {
		return none, err
	}
	answer, err := in.Require(ctx, model.ActPolicyDraft, s.gate.Policy(p.Domain))
	if err != nil {
		return none, err
	}
	if err := assessable(p); err != nil {
		return none, err
	}
	_, d, err := s.draftOf(ctx, p)
	if err != nil {
		return none, err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j, err := s.jobs.begin(id, cancel)
	if err != nil {
		cancel()
		return none, err
	}
	go func() {
		defer s.jobs.working.Done()
		defer cancel()
		err := s.assess(background, j, p, d, answer)
		s.jobs.end(background, id, j, err)
		if err != nil {
			s.giveUp(background, p, answer)
		}
	}()
	return j.Now(), nil
}

func assessable(p model.PolicyProposal) error {
	switch p.Status {
	case model.ProposalTested, model.ProposalAssessed, model.ProposalApproved:
		return nil
	case model.ProposalDraft, model.ProposalChecked:
		return model.Conflict("status", "the draft has not passed its tests", "check and test it first")
	case model.ProposalActive, model.ProposalSuperseded, model.ProposalRolledBack, model.ProposalRejected:
	}
	return model.Conflict("status", "the proposal is "+string(p.Status)+" already", "")
}

// assess makes the report and, unless the rules were changed meanwhile, puts
// it on the proposal together with the votes that the platform's rules want.
func (s *Service) assess(ctx context.Context, j *job, p model.PolicyProposal, d policy.Draft, answer gate.Answer) error {
	_, base, err := s.inForce(ctx, p.Domain)
	if err != nil {
		return err
	}
	evidence, err := s.evidence(ctx, p.Domain)
	if err != nil {
		return err
	}
	impact, err := s.engine.Assess(ctx, d, evidence, j.progress)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if impact.BaseHash != base {
		return errBase()
	}
	if _, err = s.again(func(in *gate.Session) (model.PolicyProposal, error) { return s.report(ctx, in, p, impact, answer) }); err != nil {
		return err
	}
	j.finish(impact.Hash)
	return nil
}

// report puts the impact on the proposal. Votes for another report are dropped.
func (s *Service) report(ctx context.Context, in *gate.Session, assessed model.PolicyProposal, impact model.PolicyImpact, answer gate.Answer) (model.PolicyProposal, error) {
	p, err := store.PolicyProposals.Get(ctx, s.store, assessed.ID)
	if err != nil {
		return p, err
	}
	if p.RevisionID != assessed.RevisionID {
		return p, model.Conflict("status", "the draft was changed while it was assessed", "check, test and assess the new rules")
	}
	if err := assessable(p); err != nil {
		return p, err
	}
	if p.Status == model.ProposalApproved && assessed.Status != model.ProposalApproved {
		return p, model.Conflict("status", "the proposal was approved while it was assessed anew", "activate it on the report that its approvers signed, or assess it once more")
	}
	p.Status, p.Impact = model.ProposalAssessed, &impact
	var votes []model.PolicyVote
	for _, v := range p.Votes {
		if v.ReportHash == impact.Hash {
			votes = append(votes, v)
		}
	}
	p.Votes = votes
	wants, err := s.wants(ctx, in, p)
	if err != nil {
		return p, err
	}
	p.Approvals = wants.Approvals
	tally, err := s.tally(ctx, in, p)
	if err != nil {
		return p, err
	}
	if len(tally.Missing) == 0 {
		p.Status = model.ProposalApproved
	}
	return s.put(ctx, in, "policy.assess", p, "report "+impact.Hash, answer, wants.Record)
}

// wants asks the platform's rules, in the server's own name, which votes the
// proposal needs. Their denial is an error of kind Denied.
func (s *Service) wants(ctx context.Context, in *gate.Session, p model.PolicyProposal) (gate.Answer, error) {
	res, err := s.gate.Proposal(ctx, p)
	if err != nil {
		return gate.Answer{}, err
	}
	answer, err := in.Ask(model.WithPrincipal(ctx, model.System()), model.ActPolicyActivate, res, gate.Extra{Impact: impactFact(p)})
	if err == nil && answer.Outcome == model.Deny {
		err = model.Denied(answer.Decision)
	}
	return answer, err
}

// giveUp leaves a trace of an assessment that came to nothing.
func (s *Service) giveUp(ctx context.Context, p model.PolicyProposal, answer gate.Answer) {
	ctx = context.WithoutCancel(ctx)
	if _, err := s.store.Apply(ctx, s.gate.Session().Change(ctx, "policy.assess.failed", p.ID, "", answer)); err != nil {
		s.log.ErrorContext(ctx, "an assessment that came to nothing left no trace", "proposal", p.ID, "error", err)
	}
}

func errBase() error {
	return model.Conflict("baseHash", "the rules in force have changed since the impact was assessed", "assess the proposal again, and have the new report approved")
}

// CancelAssessment ends the replay that is under way on this server.
func (s *Service) CancelAssessment(ctx context.Context, id model.ID) (model.PolicyAssessment, error) {
	in := s.gate.Session()
	p, _, err := s.see(ctx, in, id)
	if err != nil {
		return model.PolicyAssessment{}, err
	}
	if _, err := in.Require(ctx, model.ActPolicyDraft, s.gate.Policy(p.Domain)); err != nil {
		return model.PolicyAssessment{}, err
	}
	j := s.jobs.of(id)
	if j == nil || !s.jobs.cancel(id) {
		return model.PolicyAssessment{}, model.Conflict("id", "no assessment of the proposal is under way on this server", "it may have ended; look at the proposal")
	}
	<-j.Done()
	return j.Now(), nil
}

// WatchAssessment gives the states of the assessment: the present one at once,
// then whatever is the latest when the reader is ready, and always the last
// one. Where none is under way on this server there is just the outcome. It
// counts decisions, so it is for those who may discuss the proposal.
func (s *Service) WatchAssessment(ctx context.Context, id model.ID) (<-chan model.PolicyAssessment, error) {
	j := s.jobs.of(id) // before the proposal is read: what has ended by now is on it
	in := s.gate.Session()
	p, res, err := s.see(ctx, in, id)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.require(ctx, in, model.ActPolicyComment, p, res); err != nil {
		return nil, err
	}
	if j != nil {
		return j.Watch(ctx), nil
	}
	a := model.PolicyAssessment{ProposalID: id, State: model.AssessmentNone}
	if p.Impact != nil {
		a.State, a.ReportHash = model.AssessmentDone, p.Impact.Hash
		a.Total = p.Impact.Replayed + p.Impact.Skipped + p.Impact.Grants + p.Impact.Generated
		a.Done = a.Total
	}
	states := make(chan model.PolicyAssessment, 1)
	states <- a
	close(states)
	return states, nil
}

// Close ends what is under way and waits for it.
func (s *Service) Close() {
	s.jobs.cancelAll()
	s.jobs.working.Wait()
}

// told says in one line why an assessment failed, without what is nobody's
// business but the operator's.
func told(err error) string {
	if e, ok := errors.AsType[*model.Error](err); ok && e.Kind != model.KindInternal {
		return e.Error()
	}
	return "something went wrong; the log knows it"
}

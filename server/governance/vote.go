package governance

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/approval"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Comment adds a remark of the working group.
func (s *Service) Comment(ctx context.Context, id model.ID, text string) (model.PolicyProposal, error) {
	if err := (model.Text{Field: "text", Least: 1, Most: maxComment, Prose: true}).Check(text); err != nil {
		return model.PolicyProposal{}, err
	}
	return s.again(func(in *gate.Session) (model.PolicyProposal, error) {
		p, res, err := s.see(ctx, in, id)
		if err != nil {
			return p, err
		}
		answer, _, err := s.require(ctx, in, model.ActPolicyComment, p, res)
		if err != nil {
			return p, err
		}
		if len(p.Comments) >= maxComments {
			return p, model.Conflict("id", "the proposal has as many comments as it can hold", "draft another proposal that takes them up")
		}
		actor, err := model.PrincipalFrom(ctx)
		if err != nil {
			return p, err
		}
		p.Comments = append(p.Comments, model.PolicyComment{AuthorID: actor.ID, Text: text, At: model.Instant(s.now())})
		return s.put(ctx, in, string(model.ActPolicyComment), p, "", answer)
	})
}

// Approve casts the actor's vote in every role that the policies named and the
// actor holds. The vote is for the report of that hash; when it is not the
// proposal's any more the error is of kind Conflict. The last vote wanted
// approves the proposal, which puts nothing in force yet. An approved one whose
// votes do not suffice any more takes votes again.
func (s *Service) Approve(ctx context.Context, id model.ID, report, comment string) (model.PolicyProposal, error) {
	if err := (model.Text{Field: "comment", Most: maxComment, Prose: true}).Check(comment); err != nil {
		return model.PolicyProposal{}, err
	}
	return s.again(func(in *gate.Session) (model.PolicyProposal, error) {
		p, res, err := s.see(ctx, in, id)
		if err != nil {
			return p, err
		}
		answer, tally, err := s.require(ctx, in, model.ActPolicyApprove, p, res)
		if err != nil {
			return p, err
		}
		if tally, err = s.votable(ctx, in, &p, report, tally); err != nil {
			return p, err
		}
		if tally, err = s.cast(ctx, &p, comment, tally); err != nil {
			return p, err
		}
		if len(tally.Missing) == 0 && p.Status != model.ProposalApproved {
			if err := p.Move(model.ProposalApproved); err != nil {
				return p, err
			}
		}
		return s.put(ctx, in, string(model.ActPolicyApprove), p, comment, answer)
	})
}

// votable reports why there is nothing to vote on: no report, another report,
// one about rules that are no longer in force, or no vote missing. What an
// approved proposal wants is asked anew, and the votes are counted again.
func (s *Service) votable(ctx context.Context, in *gate.Session, p *model.PolicyProposal, report string, tally approval.Tally) (approval.Tally, error) {
	switch {
	case p.Impact == nil || (p.Status != model.ProposalAssessed && p.Status != model.ProposalApproved):
		return tally, model.Conflict("status", "the proposal is "+string(p.Status)+" and has no report to vote on", "check, test and assess it first")
	case report != p.Impact.Hash:
		return tally, model.Conflict("reportHash", "this is not the report that the proposal has now", "read the impact again and approve that one")
	}
	_, base, err := s.inForce(ctx, p.Domain)
	if err != nil {
		return tally, err
	}
	if base != p.Impact.BaseHash {
		return tally, errBase()
	}
	if p.Status != model.ProposalApproved {
		return tally, nil
	}
	wants, err := s.wants(ctx, in, *p)
	if err != nil {
		return tally, err
	}
	p.Approvals = wants.Approvals
	tally, err = s.tally(ctx, in, *p)
	if err == nil && len(tally.Missing) == 0 {
		err = model.Conflict("status", "the proposal has every vote that it needs", "activate it")
	}
	return tally, err
}

// cast records a vote for each approval that the actor's word counts towards.
// It gives the count with them. Nobody votes for what they wrote, even if
// somebody else proposes it.
func (s *Service) cast(ctx context.Context, p *model.PolicyProposal, comment string, tally approval.Tally) (approval.Tally, error) {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return tally, err
	}
	if _, err := tally.Allow(actor.ID); err != nil {
		return tally, s.explainRefusal(ctx, *p, actor, err)
	}
	votes := tally.Cast(actor.ID, comment, model.Instant(s.now()))
	for _, v := range votes {
		p.Votes = append(p.Votes, model.PolicyVote{Vote: v, ReportHash: p.Impact.Hash})
	}
	return tally.With(votes...), nil
}

// explainRefusal tells those who can never vote why.
func (s *Service) explainRefusal(ctx context.Context, p model.PolicyProposal, actor model.Principal, refusal error) error {
	authors, err := s.authors(ctx, p)
	switch {
	case err != nil:
		return err
	case slices.Contains(authors, actor.ID):
		return &model.Error{Kind: model.KindDenied, Message: "nobody may approve the rules that they wrote", Hint: "another steward has to"}
	case actor.Kind != model.Person:
		return onlyPersons(ctx)
	}
	return refusal
}

// authors are whoever proposed the rules and whoever wrote them first.
func (s *Service) authors(ctx context.Context, p model.PolicyProposal) ([]model.ID, error) {
	revisions, err := store.PolicyRevisions.GetMany(ctx, s.store, p.RevisionID)
	authors := []model.ID{p.AuthorID}
	for _, r := range revisions {
		authors = append(authors, r.AuthorID)
	}
	return authors, err
}

// tally counts the votes for the report that the proposal has, on the roles as
// they are at this moment. Where no votes are wanted there is nothing to count.
func (s *Service) tally(ctx context.Context, in *gate.Session, p model.PolicyProposal) (approval.Tally, error) {
	if len(p.Approvals) == 0 {
		return approval.Tally{}, nil
	}
	authors, err := s.authors(ctx, p)
	if err != nil {
		return approval.Tally{}, err
	}
	read, err := in.Stewarded(ctx)
	if err != nil {
		return approval.Tally{}, err
	}
	return s.votes.Tally(ctx, matter(p, authors), read...)
}

func matter(p model.PolicyProposal, authors []model.ID) approval.Matter {
	m := approval.Matter{Approvals: p.Approvals, Domain: p.Domain, Excluded: authors}
	for _, v := range p.Votes {
		if p.Impact != nil && v.ReportHash == p.Impact.Hash {
			m.Votes = append(m.Votes, v.Vote)
		}
	}
	return m
}

// mayVote reports whether Approve would take the actor's vote, once the
// policies allow it: it is what cast asks.
func mayVote(ctx context.Context, p model.PolicyProposal, tally approval.Tally) (bool, error) {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil || actor.Kind != model.Person {
		return false, err
	}
	if p.Impact == nil {
		return true, nil // nobody knows yet whose vote is wanted
	}
	if p.Status == model.ProposalApproved && len(tally.Missing) == 0 {
		return false, nil
	}
	_, refusal := tally.Allow(actor.ID)
	return refusal == nil, nil
}

// Wanted lists the votes that each of the proposals lacks at this moment, who
// could give them, and what to do if nobody can. It is for those who may see
// the proposal.
func (s *Service) Wanted(ctx context.Context, id model.ID) ([]model.WantedVote, error) {
	in := s.gate.Session()
	p, _, err := s.see(ctx, in, id)
	if err != nil || p.Impact == nil || !p.Open() {
		return nil, err
	}
	tally, err := s.tally(ctx, in, p)
	return tally.Wanted, err
}

// Reject turns a proposal down. One word of whoever may approve it is enough.
func (s *Service) Reject(ctx context.Context, id model.ID, comment string) (model.PolicyProposal, error) {
	return s.turnDown(ctx, model.ActPolicyApprove, "policy.reject", id, "comment", comment)
}

// turnDown ends a proposal that is not in force, whatever it has come to.
func (s *Service) turnDown(ctx context.Context, action model.Action, event string, id model.ID, field, why string) (model.PolicyProposal, error) {
	if err := (model.Text{Field: field, Most: maxComment, Prose: true}).Check(why); err != nil {
		return model.PolicyProposal{}, err
	}
	p, err := s.again(func(in *gate.Session) (model.PolicyProposal, error) {
		p, res, err := s.see(ctx, in, id)
		if err != nil {
			return p, err
		}
		answer, _, err := s.require(ctx, in, action, p, res)
		if err != nil {
			return p, err
		}
		if err := p.Move(model.ProposalRejected); err != nil {
			return p, err
		}
		at := model.Instant(s.now())
		p.ClosedAt = &at
		if action == model.ActPolicyApprove {
			if err := onlyPersons(ctx); err != nil {
				return p, err
			}
			if err := s.refuseIt(ctx, &p, why); err != nil {
				return p, err
			}
		}
		writes, err := s.endTrial(ctx, p)
		if err != nil {
			return p, err
		}
		return s.put(ctx, in, event, p, why, answer, writes...)
	})
	if err != nil {
		return p, err
	}
	s.jobs.cancel(id)
	return p, s.reload(ctx, p.Domain)
}

// onlyPersons keeps services from voting, against something too.
func onlyPersons(ctx context.Context) error {
	actor, err := model.PrincipalFrom(ctx)
	if err == nil && actor.Kind != model.Person {
		err = &model.Error{Kind: model.KindDenied, Message: "services do not vote on rules", Hint: "a person in the role has to"}
	}
	return err
}

// refuseIt replaces whatever the actor had voted by a vote against.
func (s *Service) refuseIt(ctx context.Context, p *model.PolicyProposal, comment string) error {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return err
	}
	v := model.PolicyVote{Vote: model.Vote{ApproverID: actor.ID, Comment: comment, At: model.Instant(s.now())}}
	if p.Impact != nil {
		v.ReportHash = p.Impact.Hash
	}
	p.Votes = append(slices.DeleteFunc(p.Votes, func(o model.PolicyVote) bool { return o.ApproverID == actor.ID }), v)
	return nil
}

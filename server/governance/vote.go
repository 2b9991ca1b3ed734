package governance

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Comment adds a remark of the working group.
func (s *Service) Comment(ctx context.Context, id model.ID, text string) (model.PolicyProposal, error) {
	if err := (model.Text{Field: "text", Least: 1, Most: maxComment, Prose: true}).Check(text); err != nil {
		return model.PolicyProposal{}, err
	}
	return again(func() (model.PolicyProposal, error) {
		p, res, err := s.see(ctx, id)
		if err != nil {
			return p, err
		}
		answer, err := s.require(ctx, model.ActPolicyComment, p, res)
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
		return s.put(ctx, string(model.ActPolicyComment), p, "", answer)
	})
}

// Approve casts the actor's vote in every role that the policies named and the
// actor holds. The vote is for the report of that hash; when it is not the
// proposal's any more the error is of kind Conflict. The last vote wanted
// approves the proposal, which puts nothing in force yet.
func (s *Service) Approve(ctx context.Context, id model.ID, report, comment string) (model.PolicyProposal, error) {
	if err := (model.Text{Field: "comment", Most: maxComment, Prose: true}).Check(comment); err != nil {
		return model.PolicyProposal{}, err
	}
	return again(func() (model.PolicyProposal, error) {
		p, res, err := s.see(ctx, id)
		if err != nil {
			return p, err
		}
		answer, err := s.require(ctx, model.ActPolicyApprove, p, res)
		if err != nil {
			return p, err
		}
		if err := s.votable(ctx, p, report); err != nil {
			return p, err
		}
		if err := s.cast(ctx, &p, res, comment); err != nil {
			return p, err
		}
		if len(p.Missing()) == 0 {
			if err := p.Move(model.ProposalApproved); err != nil {
				return p, err
			}
		}
		return s.put(ctx, string(model.ActPolicyApprove), p, comment, answer)
	})
}

// votable reports why there is nothing to vote on: no report, another report,
// or one about rules that are no longer in force.
func (s *Service) votable(ctx context.Context, p model.PolicyProposal, report string) error {
	switch {
	case p.Status == model.ProposalApproved:
		return model.Conflict("status", "the proposal has every vote that it needs", "activate it")
	case p.Status != model.ProposalAssessed || p.Impact == nil:
		return model.Conflict("status", "the proposal is "+string(p.Status)+" and has no report to vote on", "check, test and assess it first")
	case report != p.Impact.Hash:
		return model.Conflict("reportHash", "this is not the report that the proposal has now", "read the impact again and approve that one")
	}
	_, base, err := s.inForce(ctx, p.Domain)
	if err == nil && base != p.Impact.BaseHash {
		err = errBase()
	}
	return err
}

// cast records a vote for each approval that the actor's word counts towards.
// Nobody votes for what they wrote, even if somebody else proposes it.
func (s *Service) cast(ctx context.Context, p *model.PolicyProposal, res policy.Resource, comment string) error {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return err
	}
	r, err := store.PolicyRevisions.Get(ctx, s.store, p.RevisionID)
	if err != nil {
		return err
	}
	if actor.ID == p.AuthorID || actor.ID == r.AuthorID {
		return &model.Error{Kind: model.KindDenied, Message: "nobody may approve the rules that they wrote", Hint: "another steward has to"}
	}
	wanted, err := s.wanted(ctx, *p, res)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return &model.Error{Kind: model.KindDenied, Message: "the proposal wants other approvers than you", Hint: "its approvals name the roles that count"}
	}
	votes := len(p.Votes)
	for _, a := range wanted {
		cast := func(v model.PolicyVote) bool {
			return v.ApproverID == actor.ID && v.Role == a.Role && v.Domain == a.Domain && v.ReportHash == p.Impact.Hash
		}
		if !slices.ContainsFunc(p.Votes, cast) {
			v := model.Vote{ApproverID: actor.ID, Role: a.Role, Domain: a.Domain, Approve: true, Comment: comment, At: model.Instant(s.now())}
			p.Votes = append(p.Votes, model.PolicyVote{Vote: v, ReportHash: p.Impact.Hash})
		}
	}
	if len(p.Votes) == votes {
		return model.Conflict("id", "you have approved this proposal already", "others have to approve it too")
	}
	return nil
}

// wanted lists the approvals of the proposal that the actor's word counts towards.
func (s *Service) wanted(ctx context.Context, p model.PolicyProposal, res policy.Resource) ([]model.Approval, error) {
	var wanted []model.Approval
	for _, a := range p.Approvals {
		may, err := s.mayVote(ctx, p, res, a)
		if err != nil {
			return nil, err
		}
		if may {
			wanted = append(wanted, a)
		}
	}
	return wanted, nil
}

// mayVote lets a platform steward stand in for a domain whose only steward
// wrote the rules: nobody else could ever speak for it.
func (s *Service) mayVote(ctx context.Context, p model.PolicyProposal, res policy.Resource, a model.Approval) (bool, error) {
	may, err := s.gate.MayVote(ctx, res, a)
	if may || err != nil || a.Role != gate.RoleDomainSteward {
		return may, err
	}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil || actor.ID == p.AuthorID || !actor.Has(model.RoleSteward) {
		return false, err
	}
	d, err := store.Domains.First(ctx, s.store, store.Query{Index: "by_name", Where: store.Eq("name", string(a.Domain))})
	if model.Is(err, model.KindNotFound) {
		return false, nil
	}
	others := slices.ContainsFunc(d.StewardIDs, func(id model.ID) bool { return id != p.AuthorID })
	return err == nil && !others, err
}

// missing lists the approvals that lack votes as things stand now: whoever
// lost the role that they voted in, or was suspended, has no word any more.
func (s *Service) missing(ctx context.Context, p model.PolicyProposal, res policy.Resource) ([]model.Approval, error) {
	var counting []model.PolicyVote
	for _, v := range p.Votes {
		voters, err := store.Principals.GetMany(ctx, s.store, v.ApproverID)
		if err != nil {
			return nil, err
		}
		if len(voters) == 0 || voters[0].Suspended {
			continue
		}
		may, err := s.mayVote(model.WithPrincipal(ctx, voters[0]), p, res, model.Approval{Role: v.Role, Domain: v.Domain})
		if err != nil {
			return nil, err
		}
		if may {
			counting = append(counting, v)
		}
	}
	p.Votes = counting
	return p.Missing(), nil
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
	p, err := again(func() (model.PolicyProposal, error) {
		p, res, err := s.see(ctx, id)
		if err != nil {
			return p, err
		}
		answer, err := s.require(ctx, action, p, res)
		if err != nil {
			return p, err
		}
		if err := p.Move(model.ProposalRejected); err != nil {
			return p, err
		}
		at := model.Instant(s.now())
		p.ClosedAt = &at
		if action == model.ActPolicyApprove {
			if err := s.refuseIt(ctx, &p, why); err != nil {
				return p, err
			}
		}
		writes, err := s.endTrial(ctx, p)
		if err != nil {
			return p, err
		}
		return s.put(ctx, event, p, why, answer, writes...)
	})
	if err != nil {
		return p, err
	}
	s.jobs.cancel(id)
	return p, s.reload(ctx, p.Domain)
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

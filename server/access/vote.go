package access

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Approve casts the actor's vote for the request, in every role that the
// policies named and the actor holds. When no vote is missing any more the
// policies are asked again, as things stand now: only if they still agree the
// grant is made, in the same change as the vote.
func (s *Service) Approve(ctx context.Context, id model.ID, comment string) (model.AccessRequest, error) {
	r, res, answer, err := s.decide(ctx, id, model.ActRequestApprove, "comment", comment)
	if err != nil {
		return model.AccessRequest{}, err
	}
	if err := s.cast(ctx, &r, res, comment); err != nil {
		return model.AccessRequest{}, err
	}
	var writes []store.Write
	if len(r.Missing()) == 0 {
		if writes, err = s.settle(ctx, &r); err != nil {
			return model.AccessRequest{}, err
		}
	}
	return s.put(ctx, "request.approve", r, comment, answer, writes...)
}

// cast records a vote for each approval that the actor's word counts towards.
func (s *Service) cast(ctx context.Context, r *model.AccessRequest, res policy.Resource, comment string) error {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return err
	}
	wanted, err := s.wanted(ctx, *r, res)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return &model.Error{Kind: model.KindDenied, Message: "the request wants other approvers than you", Hint: "its approvals name the roles that count"}
	}
	votes := 0
	for _, a := range wanted {
		vote := model.Vote{ApproverID: actor.ID, Role: a.Role, Domain: a.Domain, Approve: true, Comment: comment, At: model.Instant(s.now())}
		if err := r.Cast(vote); err == nil {
			votes++
		}
	}
	if votes == 0 {
		return model.Conflict("id", "you have approved this request already", "others have to approve it too")
	}
	return nil
}

// wanted lists the approvals of the request that the actor's word counts towards.
func (s *Service) wanted(ctx context.Context, r model.AccessRequest, res policy.Resource) ([]model.Approval, error) {
	var wanted []model.Approval
	for _, a := range r.Approvals {
		may, err := s.gate.MayVote(ctx, res, a)
		if err != nil {
			return nil, err
		}
		if may {
			wanted = append(wanted, a)
		}
	}
	return wanted, nil
}

// ask puts a question about the request. The roles that its approvals name
// count, those of other domains too.
func (s *Service) ask(ctx context.Context, action model.Action, r model.AccessRequest, res policy.Resource) (gate.Answer, error) {
	wanted, err := s.wanted(ctx, r, res)
	if err != nil {
		return gate.Answer{}, err
	}
	var extra gate.Extra
	for _, a := range wanted {
		extra.Roles = append(extra.Roles, a.Role)
	}
	return s.gate.Ask(ctx, action, res, extra)
}

// settle asks the policies again, on behalf of the requester, and closes the
// request as they say. It gives what has to be written beside the request.
func (s *Service) settle(ctx context.Context, r *model.AccessRequest) ([]store.Write, error) {
	requester, err := store.Principals.Get(ctx, s.store, r.RequesterID)
	if err != nil {
		return nil, err
	}
	p, err := store.Products.Get(ctx, s.store, r.ProductID)
	if err != nil {
		return nil, err
	}
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return nil, err
	}
	fresh, err := s.gate.Ask(model.WithPrincipal(ctx, requester), model.ActAccessRequest, res, gate.Extra{Purpose: r.Purpose, Duration: r.Duration})
	if err != nil {
		return nil, err
	}
	writes := []store.Write{fresh.Record}
	if fresh.Outcome == model.Deny {
		r.Reasons = fresh.Reasons
		return writes, r.Close(model.RequestDenied, model.Instant(s.now()))
	}
	if r.Approvals = fresh.Approvals; len(r.Missing()) > 0 {
		return writes, nil // the policies have come to want more
	}
	grant, err := s.grant(r, fresh.Decision)
	if err != nil {
		return nil, err
	}
	return append(writes, store.Grants.Put(grant)), nil
}

// Reject refuses the request. One word of whoever the policies let decide is enough.
func (s *Service) Reject(ctx context.Context, id model.ID, comment string) (model.AccessRequest, error) {
	r, res, answer, err := s.decide(ctx, id, model.ActRequestReject, "comment", comment)
	if err != nil {
		return model.AccessRequest{}, err
	}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return model.AccessRequest{}, err
	}
	at := model.Instant(s.now())
	wanted, err := s.wanted(ctx, r, res)
	if err != nil {
		return model.AccessRequest{}, err
	}
	vote := model.Vote{ApproverID: actor.ID, Comment: comment, At: at}
	if len(wanted) > 0 {
		vote.Role, vote.Domain = wanted[0].Role, wanted[0].Domain
	}
	// Whoever has approved may still change their mind.
	r.Votes = append(slices.DeleteFunc(r.Votes, func(v model.Vote) bool { return v.ApproverID == actor.ID }), vote)
	message := "An approver has rejected the request."
	if comment != "" {
		message += " They say: " + comment
	}
	r.Reasons = []model.Reason{{Code: "request.rejected", Message: message, Origin: string(res.Domain)}}
	if err := r.Close(model.RequestDenied, at); err != nil {
		return model.AccessRequest{}, err
	}
	return s.put(ctx, "request.reject", r, comment, answer)
}

// Cancel withdraws the request.
func (s *Service) Cancel(ctx context.Context, id model.ID, reason string) (model.AccessRequest, error) {
	r, _, answer, err := s.decide(ctx, id, model.ActRequestCancel, "reason", reason)
	if err != nil {
		return model.AccessRequest{}, err
	}
	if err := r.Close(model.RequestCancelled, model.Instant(s.now())); err != nil {
		return model.AccessRequest{}, err
	}
	return s.put(ctx, "request.cancel", r, reason, answer)
}

// decide loads a pending request and requires that the actor may do the
// action. A closed one is an error of kind Conflict, to whoever may see it.
func (s *Service) decide(ctx context.Context, id model.ID, action model.Action, field, text string) (model.AccessRequest, policy.Resource, gate.Answer, error) {
	if err := (model.Text{Field: field, Most: maxComment, Prose: true}).Check(text); err != nil {
		return model.AccessRequest{}, policy.Resource{}, gate.Answer{}, err
	}
	r, res, err := s.see(ctx, id)
	if err != nil {
		return r, res, gate.Answer{}, err
	}
	answer, err := s.ask(ctx, action, r, res)
	switch {
	case err != nil:
		return r, res, answer, err
	case !answer.Allowed():
		return r, res, answer, s.gate.Refuse(ctx, action, res, answer)
	case r.Status != model.RequestPending:
		return r, res, answer, model.Conflict("status", "the request is already "+string(r.Status), "")
	}
	return r, res, answer, nil
}

func (s *Service) put(ctx context.Context, action string, r model.AccessRequest, reason string, answer gate.Answer, more ...store.Write) (model.AccessRequest, error) {
	writes := append([]store.Write{store.Requests.Put(r)}, more...)
	if _, err := s.store.Apply(ctx, s.gate.Change(ctx, action, r.ID, reason, answer, writes...)); err != nil {
		return model.AccessRequest{}, err
	}
	return store.Requests.Get(ctx, s.store, r.ID)
}

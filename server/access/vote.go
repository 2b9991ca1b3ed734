package access

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/approval"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// vote is a request before the eyes of an actor, with the votes as they count now.
type vote struct {
	request model.AccessRequest
	res     policy.Resource
	tally   approval.Tally
	actor   model.Principal
	product model.DataProduct
}

// matter is what is voted on. Nobody votes for what they asked for themselves.
func matter(r model.AccessRequest, res policy.Resource) approval.Matter {
	return approval.Matter{
		Approvals: r.Approvals, Votes: r.Votes, Domain: res.Domain, Owner: res.Owner, Excluded: []model.ID{r.RequesterID},
	}
}

// count counts the votes of a request as they are for the actor.
func (s *Service) count(ctx context.Context, in *gate.Session, c *vote) (err error) {
	if c.actor, err = model.PrincipalFrom(ctx); err != nil {
		return err
	}
	read, err := in.Stewarded(ctx)
	if err != nil {
		return err
	}
	c.tally, err = s.votes.Tally(ctx, matter(c.request, c.res), read...)
	return err
}

func (c vote) retired() bool { return c.product.Status == model.Retired }

// open reports why the action has nothing to act on, for whoever may do it.
func (c vote) open(action model.Action) error {
	if c.request.Status != model.RequestPending {
		why := ""
		if c.retired() {
			why = ", and its product is retired"
		}
		return model.Conflict("id", "the request is already "+string(c.request.Status)+why, "")
	}
	if action != model.ActRequestApprove {
		return nil
	}
	if c.retired() {
		return model.Conflict("id", "the product is retired and has nothing left to give", "the requester can ask for its successor")
	}
	_, err := c.tally.Allow(c.actor.ID)
	return err
}

// Approve casts the actor's vote for the request, in every role that the
// policies named and the actor holds. When no vote is missing any more the
// policies are asked again, as things stand now, and the votes are counted
// again: only if all still agree the grant is made, in the same change as the vote.
func (s *Service) Approve(ctx context.Context, id model.ID, comment string) (model.AccessRequest, error) {
	in := s.gate.Session()
	c, answer, err := s.decide(ctx, in, id, model.ActRequestApprove, "comment", comment)
	if err != nil {
		return model.AccessRequest{}, err
	}
	r := c.request
	for _, v := range c.tally.Cast(c.actor.ID, comment, model.Instant(s.now())) {
		if err := r.Cast(v); err != nil {
			return model.AccessRequest{}, err
		}
	}
	writes, err := s.settle(ctx, in, &r, c)
	if err != nil {
		return model.AccessRequest{}, err
	}
	return s.put(ctx, in, "request.approve", r, comment, answer, writes...)
}

// ask puts a question about the request. The roles that its approvals name
// count, those of other domains too.
func (s *Service) ask(ctx context.Context, in *gate.Session, action model.Action, c vote) (gate.Answer, error) {
	var extra gate.Extra
	for _, a := range c.tally.Seats(c.actor.ID) {
		extra.Roles = append(extra.Roles, a.Role)
	}
	return in.Ask(ctx, action, c.res, extra)
}

// settle counts the votes and, when none is missing, asks the policies again on
// behalf of the requester and closes the request as they say. It gives what has
// to be written beside the request.
func (s *Service) settle(ctx context.Context, in *gate.Session, r *model.AccessRequest, c vote) ([]store.Write, error) {
	if waits, err := s.waits(ctx, r, c); err != nil || waits {
		return nil, err
	}
	requester, err := store.Principals.Get(ctx, s.store, r.RequesterID)
	if err != nil {
		return nil, err
	}
	product, err := s.gate.Product(ctx, c.product)
	if err != nil {
		return nil, err
	}
	fresh, err := in.Ask(model.WithPrincipal(ctx, requester), model.ActAccessRequest, product, gate.Extra{Purpose: r.Purpose, Duration: r.Duration})
	if err != nil {
		return nil, err
	}
	writes := []store.Write{fresh.Record}
	if fresh.Outcome == model.Deny {
		r.Reasons = fresh.Reasons
		return writes, r.Close(model.RequestDenied, model.Instant(s.now()))
	}
	r.Approvals = fresh.Approvals // the policies may have come to want more
	if waits, err := s.waits(ctx, r, c); err != nil || waits {
		return writes, err
	}
	grant, err := s.grant(r, fresh.Decision)
	if err != nil {
		return nil, err
	}
	return append(writes, store.Grants.Put(grant)), nil
}

// waits reports whether votes are missing, and notes on the request which.
func (s *Service) waits(ctx context.Context, r *model.AccessRequest, c vote) (bool, error) {
	tally, err := s.votes.Recount(ctx, c.tally, matter(*r, c.res))
	if err != nil || len(tally.Missing) == 0 {
		return false, err
	}
	reasons := slices.DeleteFunc(slices.Clone(r.Reasons), func(o model.Reason) bool { return o.Code == approval.CodeMissing })
	r.Reasons = append(reasons, tally.Reason())
	return true, nil
}

// Reject refuses the request. One word of whoever the policies let decide is enough.
func (s *Service) Reject(ctx context.Context, id model.ID, comment string) (model.AccessRequest, error) {
	in := s.gate.Session()
	c, answer, err := s.decide(ctx, in, id, model.ActRequestReject, "comment", comment)
	if err != nil {
		return model.AccessRequest{}, err
	}
	r, at := c.request, model.Instant(s.now())
	against := model.Vote{ApproverID: c.actor.ID, Comment: comment, At: at}
	if seats := c.tally.Seats(c.actor.ID); len(seats) > 0 {
		against.Role, against.Domain = seats[0].Role, seats[0].Domain
	}
	// Whoever has approved may still change their mind.
	r.Votes = append(slices.DeleteFunc(slices.Clone(r.Votes), func(v model.Vote) bool { return v.ApproverID == c.actor.ID }), against)
	message := "An approver has rejected the request."
	if comment != "" {
		message += " They say: " + comment
	}
	r.Reasons = []model.Reason{{Code: "request.rejected", Message: message, Origin: string(c.res.Domain)}}
	if err := r.Close(model.RequestDenied, at); err != nil {
		return model.AccessRequest{}, err
	}
	return s.put(ctx, in, "request.reject", r, comment, answer)
}

// Cancel withdraws the request.
func (s *Service) Cancel(ctx context.Context, id model.ID, reason string) (model.AccessRequest, error) {
	in := s.gate.Session()
	c, answer, err := s.decide(ctx, in, id, model.ActRequestCancel, "reason", reason)
	if err != nil {
		return model.AccessRequest{}, err
	}
	r := c.request
	if err := r.Close(model.RequestCancelled, model.Instant(s.now())); err != nil {
		return model.AccessRequest{}, err
	}
	return s.put(ctx, in, "request.cancel", r, reason, answer)
}

// decide loads a request and requires that the actor may do the action, and
// that there is something to do: a closed request is an error of kind Conflict,
// to whoever may see it, and so is a second vote.
func (s *Service) decide(ctx context.Context, in *gate.Session, id model.ID, action model.Action, field, text string) (vote, gate.Answer, error) {
	if err := (model.Text{Field: field, Most: maxComment, Prose: true}).Check(text); err != nil {
		return vote{}, gate.Answer{}, err
	}
	c, err := s.see(ctx, in, id)
	if err != nil {
		return c, gate.Answer{}, err
	}
	answer, err := s.ask(ctx, in, action, c)
	if err == nil && !answer.Allowed() {
		err = in.Refuse(ctx, action, c.res, answer)
	}
	if err == nil {
		err = c.open(action)
	}
	return c, answer, err
}

func (s *Service) put(ctx context.Context, in *gate.Session, action string, r model.AccessRequest, reason string, answer gate.Answer, more ...store.Write) (model.AccessRequest, error) {
	writes := append([]store.Write{store.Requests.Put(r)}, more...)
	return store.Requests.Apply(ctx, s.store, in.Change(ctx, action, r.ID, reason, answer, writes...))
}

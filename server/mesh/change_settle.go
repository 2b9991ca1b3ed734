package mesh

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/approval"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// judgement is what the policies say of a change, on behalf of one person.
type judgement struct {
	outcome   model.Outcome
	approvals []model.Approval
	reasons   []model.Reason
	answer    gate.Answer   // to the main question
	records   []store.Write // of the others
	res       policy.Resource
	action    model.Action
}

// add joins an answer: the strictest decides.
func (j *judgement) add(a gate.Answer) {
	if j.outcome == model.Deny {
		return
	}
	j.approvals = model.UniteApprovals(j.approvals, a.Approvals)
	if a.Outcome == model.Deny {
		j.outcome, j.reasons = model.Deny, a.Reasons
		return
	}
	if a.Outcome == model.NeedsApproval || j.outcome == "" {
		j.outcome = a.Outcome
	}
	if j.reasons == nil {
		j.reasons = a.Reasons
	}
}

// judge asks again what the change is about, on behalf of whoever the context names.
func (s *Service) judge(ctx context.Context, in *gate.Session, c model.ProposedChange) (judgement, error) {
	if c.Kind == model.ChangeStewards {
		d, err := store.Domains.Get(ctx, s.store, c.SubjectID)
		if err != nil {
			return judgement{}, err
		}
		return s.judgeStewards(ctx, in, d)
	}
	was, err := store.Products.Get(ctx, s.store, c.SubjectID)
	if err != nil {
		return judgement{}, err
	}
	p, err := s.changed(was, c)
	if err != nil {
		return judgement{}, err
	}
	return s.judgeProduct(ctx, in, was, p, c.Fields)
}

// changed is the product as the change would leave it.
func (s *Service) changed(was model.DataProduct, c model.ProposedChange) (model.DataProduct, error) {
	p := was
	if c.Product != nil {
		p.Take(*c.Product, c.Fields)
	}
	if c.Kind == model.ChangePublish {
		if err := p.Move(model.Published, model.Instant(s.now())); err != nil {
			return p, err
		}
	}
	return p, nil
}

// judgeProduct asks what publishing the product as it shall be is asked, and
// the domains that own what it would offer without their consent.
func (s *Service) judgeProduct(ctx context.Context, in *gate.Session, was, p model.DataProduct, fields []string) (judgement, error) {
	j := judgement{action: model.ActProductPublish}
	res, err := s.gate.Product(ctx, p)
	if err != nil {
		return j, err
	}
	res.Status, j.res = string(was.Status), res
	extra := gate.Extra{Wanted: &p}
	if was.OnOffer() && len(fields) > 0 {
		extra.Change = &policy.ChangeFact{Loosens: was.Loosens(p), Classification: was.Classification, Fields: fields}
	}
	if j.answer, err = in.Ask(ctx, j.action, res, extra); err != nil {
		return j, err
	}
	j.add(j.answer)
	asked, err := s.askOwners(ctx, in, p)
	if err != nil {
		return j, err
	}
	for _, a := range asked {
		j.add(a)
		j.records = append(j.records, a.Record)
	}
	return j, nil
}

func (s *Service) judgeStewards(ctx context.Context, in *gate.Session, d model.Domain) (judgement, error) {
	res, err := s.gate.Domain(ctx, d)
	j := judgement{action: model.ActDomainSteward, res: res}
	if err != nil {
		return j, err
	}
	if j.answer, err = in.Ask(ctx, j.action, j.res, gate.Extra{}); err == nil {
		j.add(j.answer)
	}
	return j, err
}

// propose keeps the change until its votes are there. The subject is written
// as it stands, so that of two proposals at once the store takes only one.
func (s *Service) propose(ctx context.Context, in *gate.Session, c model.ProposedChange, j judgement, subject store.Write) error {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return err
	}
	if other, err := s.waiting(ctx, c.SubjectID); err != nil || other != nil {
		return cmpErr(err, errWaiting())
	}
	c.Meta, c.ProposerID, c.Status = model.Meta{ID: model.NewID(model.PrefixChange)}, actor.ID, model.ChangePending
	c.Approvals, c.DecisionID, c.Reasons = j.approvals, j.answer.ID, j.reasons
	res, err := s.gate.ProposedChange(ctx, c)
	if err != nil {
		return err
	}
	read, err := in.Stewarded(ctx)
	if err != nil {
		return err
	}
	tally, err := s.votes.Tally(ctx, matter(c, res), read...)
	if err != nil {
		return err
	}
	c.Reasons = append(slices.Clone(c.Reasons), tally.Reason())
	writes := append([]store.Write{store.Changes.Put(c), subject}, j.records...)
	_, err = s.store.Apply(ctx, in.Change(ctx, "change.propose", c.ID, "", j.answer, writes...))
	return err
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func errWaiting() error {
	return model.Conflict("id", "another change of it waits for votes", "approve, reject or withdraw that one first")
}

// settle counts the votes. When none is missing it asks the policies again, on
// behalf of the proposer or of a voter, and puts the change in force if they
// agree. It gives what has to be written beside the change.
func (s *Service) settle(ctx context.Context, in *gate.Session, p *proposal) ([]store.Write, error) {
	c := &p.change
	tally, err := s.votes.Recount(ctx, p.tally, matter(*c, p.res))
	if err != nil {
		return nil, err
	}
	if len(tally.Missing) > 0 {
		alone, err := s.alone(ctx, in, *c)
		if err != nil {
			return nil, err
		}
		if !alone {
			c.Reasons = waitReasons(c.Reasons, tally)
			return nil, nil
		}
	}
	j, err := s.heard(ctx, in, *c, tally)
	if err != nil {
		return nil, err
	}
	if j.outcome == model.Deny {
		c.Reasons = j.reasons
		return append(j.records, j.answer.Record), c.Close(model.ChangeRejected, model.Instant(s.now()))
	}
	if len(tally.Missing) == 0 {
		c.Approvals = model.UniteApprovals(c.Approvals, j.approvals)
		if tally, err = s.votes.Recount(ctx, tally, matter(*c, p.res)); err != nil {
			return nil, err
		}
		if len(tally.Missing) > 0 { // the policies have come to want more
			c.Reasons = waitReasons(c.Reasons, tally)
			return append(j.records, j.answer.Record), nil
		}
	}
	return s.enact(ctx, c, j)
}

func waitReasons(reasons []model.Reason, t approval.Tally) []model.Reason {
	kept := slices.DeleteFunc(slices.Clone(reasons), func(r model.Reason) bool { return r.Code == approval.CodeMissing })
	return append(kept, t.Reason())
}

// alone reports whether the actor could make the change without anybody's
// vote: an administrator who names a steward.
func (s *Service) alone(ctx context.Context, in *gate.Session, c model.ProposedChange) (bool, error) {
	if c.Kind != model.ChangeStewards {
		return false, nil
	}
	j, err := s.judge(ctx, in, c)
	return j.outcome == model.Allow, err
}

// heard asks on behalf of the proposer, then of those whose votes count, then
// of the actor: the first who may do it speaks.
func (s *Service) heard(ctx context.Context, in *gate.Session, c model.ProposedChange, t approval.Tally) (judgement, error) {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return judgement{}, err
	}
	ids := []model.ID{c.ProposerID}
	for _, v := range t.Counting {
		ids = append(ids, v.ApproverID)
	}
	var last judgement
	for _, id := range append(ids, actor.ID) {
		people, err := store.Principals.GetMany(ctx, s.store, id)
		if err != nil {
			return judgement{}, err
		}
		for _, p := range people {
			if last, err = s.judge(model.WithPrincipal(ctx, p), in, c); err != nil || last.outcome != model.Deny {
				return last, err
			}
		}
	}
	return last, nil
}

// enact puts the change in force.
func (s *Service) enact(ctx context.Context, c *model.ProposedChange, j judgement) ([]store.Write, error) {
	at := model.Instant(s.now())
	if err := c.Close(model.ChangeApplied, at); err != nil {
		return nil, err
	}
	c.Reasons = j.reasons
	writes := append(j.records, j.answer.Record)
	if c.Kind == model.ChangeStewards {
		d, err := store.Domains.Get(ctx, s.store, c.SubjectID)
		if err != nil {
			return nil, err
		}
		for _, id := range c.StewardIDs {
			if !d.HasSteward(id) {
				d.StewardIDs = append(slices.Clone(d.StewardIDs), id)
			}
		}
		return append(writes, store.Domains.Put(d)), nil
	}
	was, err := store.Products.Get(ctx, s.store, c.SubjectID)
	if err != nil {
		return nil, err
	}
	p, err := s.changed(was, *c)
	if err != nil {
		return nil, err
	}
	if p, err = s.consented(ctx, p, c.ID); err != nil {
		return nil, err
	}
	return append(writes, store.Products.Put(p)), nil
}

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

// The words of a vote are bounded as those of an access request.
const maxComment = 2000

// ChangeFilter narrows a list of proposed changes; empty fields do not.
type ChangeFilter struct {
	SubjectID model.ID
	DomainID  model.ID
	Status    model.ChangeStatus
}

// proposal is a proposed change before the eyes of an actor, with the votes as
// they count now.
type proposal struct {
	change model.ProposedChange
	res    policy.Resource
	tally  approval.Tally
	actor  model.Principal
}

// matter is what is voted on: neither who proposed it nor who would become a
// steward by it votes.
func matter(c model.ProposedChange, res policy.Resource) approval.Matter {
	return approval.Matter{
		Approvals: c.Approvals, Votes: c.Votes, Domain: res.Domain, Owner: res.Owner,
		Excluded: append([]model.ID{c.ProposerID}, c.StewardIDs...),
	}
}

// ProposedChange returns one proposed change, or an error of kind NotFound.
func (s *Service) ProposedChange(ctx context.Context, id model.ID) (model.ProposedChange, error) {
	c, err := s.seeChange(ctx, s.gate.Session(), id)
	return c.change, err
}

// ProposedChanges lists the proposed changes that the actor may see, the newest first.
func (s *Service) ProposedChanges(ctx context.Context, f ChangeFilter, p model.Paging) (model.Page[model.ProposedChange], error) {
	q := store.Query{Index: "by_created", Desc: true, Budget: 100_000}.Narrowed(
		store.Condition{Index: "by_status", Path: "status", Value: string(f.Status)},
		store.Condition{Index: "by_domain", Path: "domain", Value: string(f.DomainID)},
		store.Condition{Index: "by_subject", Path: "subject", Value: string(f.SubjectID)})
	return gate.List(ctx, s.gate, store.Changes, q, p, s.gate.Changes)
}

// Pending gives the change that waits for votes on the product or the domain;
// nil when none does, or when the actor may not know of it.
func (s *Service) Pending(ctx context.Context, subject model.ID) (*model.ProposedChange, error) {
	found, err := s.waiting(ctx, subject)
	if err != nil || found == nil {
		return nil, err
	}
	c, err := s.seeChange(ctx, s.gate.Session(), found.ID)
	if model.Is(err, model.KindNotFound) {
		return nil, nil //nolint:nilnil // a hidden change is none
	}
	return &c.change, err
}

// PendingOn gives for each of the subjects the change that waits on it, among
// those that the actor may see.
func (s *Service) PendingOn(ctx context.Context, subjects ...model.ID) (map[model.ID]*model.ProposedChange, error) {
	pending := map[model.ID]*model.ProposedChange{}
	values := make([]store.Value, len(subjects))
	for i, id := range subjects {
		values[i] = string(id)
	}
	for part := range slices.Chunk(values, store.MaxIn) {
		where := store.And(store.In("subject", part...), store.Eq("status", string(model.ChangePending)))
		var ids []model.ID
		for c, err := range store.Changes.All(ctx, s.store, store.Query{Index: "by_subject", Where: where, Limit: store.MaxPage}) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, c.ID)
		}
		seen, err := gate.SeeMany(ctx, s.gate, store.Changes, s.gate.Changes, ids...)
		if err != nil {
			return nil, err
		}
		for _, c := range seen {
			pending[c.SubjectID] = &c
		}
	}
	return pending, nil
}

func (s *Service) waiting(ctx context.Context, subject model.ID) (*model.ProposedChange, error) {
	where := store.And(store.Eq("subject", string(subject)), store.Eq("status", string(model.ChangePending)))
	c, err := store.Changes.First(ctx, s.store, store.Query{Index: "by_subject", Where: where})
	if model.Is(err, model.KindNotFound) {
		return nil, nil //nolint:nilnil // none waits
	}
	return &c, err
}

// seeChange loads a change that the actor may know of: as the policies say, or
// because their word is wanted.
func (s *Service) seeChange(ctx context.Context, in *gate.Session, id model.ID) (proposal, error) {
	c, res, hidden := gate.See(ctx, in, store.Changes, id, s.gate.ProposedChange)
	if hidden != nil && !model.Is(hidden, model.KindNotFound) {
		return proposal{}, hidden
	}
	if hidden != nil {
		known, err := store.Changes.GetMany(ctx, s.store, id)
		if err != nil || len(known) == 0 {
			return proposal{}, hidden
		}
		c = known[0]
		if res, err = s.gate.ProposedChange(ctx, c); err != nil {
			return proposal{}, err
		}
	}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return proposal{}, err
	}
	read, err := in.Stewarded(ctx)
	if err != nil {
		return proposal{}, err
	}
	tally, err := s.votes.Tally(ctx, matter(c, res), read...)
	if err == nil && hidden != nil && len(tally.Seats(actor.ID)) == 0 {
		return proposal{}, hidden
	}
	return proposal{change: c, res: res, tally: tally, actor: actor}, err
}

// CanChange tells what the actor may do with a proposed change. It is what the
// mutations ask before they act.
func (s *Service) CanChange(ctx context.Context, id model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	in := s.gate.Session()
	c, err := s.seeChange(ctx, in, id)
	if err != nil {
		return nil, err
	}
	can := make(map[model.Action]model.Outcome, len(actions))
	for _, action := range actions {
		answer, err := s.askChange(ctx, in, action, c)
		if err != nil {
			return nil, err
		}
		can[action] = answer.Outcome
		if answer.Allowed() {
			if err := s.open(ctx, in, action, c); model.Is(err, model.KindConflict) || model.Is(err, model.KindDenied) {
				can[action] = model.Deny
			} else if err != nil {
				return nil, err
			}
		}
	}
	return can, nil
}

// WantedVotes lists for each of the changes the votes that it lacks now.
func (s *Service) WantedVotes(ctx context.Context, ids ...model.ID) (map[model.ID][]model.WantedVote, error) {
	changes, err := store.Changes.GetMany(ctx, s.store, ids...)
	if err != nil {
		return nil, err
	}
	resources, err := s.gate.Changes(ctx, changes)
	if err != nil {
		return nil, err
	}
	matters := make([]approval.Matter, len(changes))
	for i, c := range changes {
		matters[i] = matter(c, resources[i])
	}
	tallies, err := s.votes.Tallies(ctx, matters)
	if err != nil {
		return nil, err
	}
	wanted := make(map[model.ID][]model.WantedVote, len(changes))
	for i, c := range changes {
		if wanted[c.ID] = []model.WantedVote{}; c.Status == model.ChangePending {
			wanted[c.ID] = tallies[i].Wanted
		}
	}
	return wanted, nil
}

func (s *Service) askChange(ctx context.Context, in *gate.Session, action model.Action, c proposal) (gate.Answer, error) {
	var extra gate.Extra
	for _, a := range c.tally.Seats(c.actor.ID) {
		extra.Roles = append(extra.Roles, a.Role)
	}
	return in.Ask(ctx, action, c.res, extra)
}

// open reports why the action has nothing to act on, for whoever may do it. An
// approver is somebody whose vote is wanted, or who could do it alone.
func (s *Service) open(ctx context.Context, in *gate.Session, action model.Action, c proposal) error {
	if c.change.Status != model.ChangePending {
		return model.Conflict("id", "the change is already "+string(c.change.Status), "")
	}
	if action != model.ActChangeApprove {
		return nil
	}
	_, err := c.tally.Allow(c.actor.ID)
	if err == nil || c.change.Kind != model.ChangeStewards {
		return err
	}
	alone, e := s.judge(ctx, in, c.change)
	if e != nil {
		return e
	}
	if alone.outcome == model.Allow {
		return nil
	}
	return err
}

// ApproveChange casts the actor's vote. When none is missing any more the
// policies are asked again, as things stand now: only if they still agree the
// change comes into force, with the vote, in one transaction.
func (s *Service) ApproveChange(ctx context.Context, id model.ID, comment string) (model.ProposedChange, error) {
	in := s.gate.Session()
	c, answer, err := s.decideChange(ctx, in, id, model.ActChangeApprove, "comment", comment)
	if err != nil {
		return model.ProposedChange{}, err
	}
	c.change.Votes = slices.Concat(c.change.Votes, c.tally.Cast(c.actor.ID, comment, model.Instant(s.now())))
	writes, err := s.settle(ctx, in, &c)
	if err != nil {
		return model.ProposedChange{}, err
	}
	return s.putChange(ctx, in, string(model.ActChangeApprove), c.change, comment, answer, writes...)
}

// RejectChange turns the change down. One word of whoever may approve it is enough.
func (s *Service) RejectChange(ctx context.Context, id model.ID, comment string) (model.ProposedChange, error) {
	return s.endChange(ctx, id, model.ActChangeReject, model.ChangeRejected, "comment", comment)
}

// WithdrawChange takes the change back.
func (s *Service) WithdrawChange(ctx context.Context, id model.ID, reason string) (model.ProposedChange, error) {
	return s.endChange(ctx, id, model.ActChangeWithdraw, model.ChangeWithdrawn, "reason", reason)
}

func (s *Service) endChange(ctx context.Context, id model.ID, action model.Action, to model.ChangeStatus, field, why string) (model.ProposedChange, error) {
	in := s.gate.Session()
	c, answer, err := s.decideChange(ctx, in, id, action, field, why)
	if err != nil {
		return model.ProposedChange{}, err
	}
	if err := c.change.Close(to, model.Instant(s.now())); err != nil {
		return model.ProposedChange{}, err
	}
	if to == model.ChangeRejected {
		c.change.Votes = append(slices.DeleteFunc(slices.Clone(c.change.Votes), func(v model.Vote) bool { return v.ApproverID == c.actor.ID }),
			model.Vote{ApproverID: c.actor.ID, Comment: why, At: model.Instant(s.now())})
	}
	return s.putChange(ctx, in, string(action), c.change, why, answer)
}

func (s *Service) decideChange(ctx context.Context, in *gate.Session, id model.ID, action model.Action, field, text string) (proposal, gate.Answer, error) {
	if err := (model.Text{Field: field, Most: maxComment, Prose: true}).Check(text); err != nil {
		return proposal{}, gate.Answer{}, err
	}
	c, err := s.seeChange(ctx, in, id)
	if err != nil {
		return c, gate.Answer{}, err
	}
	answer, err := s.askChange(ctx, in, action, c)
	if err == nil && !answer.Allowed() {
		err = in.Refuse(ctx, action, c.res, answer)
	}
	if err == nil {
		err = s.open(ctx, in, action, c)
	}
	return c, answer, err
}

func (s *Service) putChange(ctx context.Context, in *gate.Session, action string, c model.ProposedChange, reason string, answer gate.Answer, more ...store.Write) (model.ProposedChange, error) {
	writes := append([]store.Write{store.Changes.Put(c)}, more...)
	return store.Changes.Apply(ctx, s.store, in.Change(ctx, action, c.ID, reason, answer, writes...))
}

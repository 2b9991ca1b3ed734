package governance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Activate puts an approved proposal in force. The policies are asked again, as
// things stand now. It is an error of kind Conflict when other rules came into
// force since the assessment, or at this very moment: of two activations at
// once the store takes one, and the engine follows the store.
func (s *Service) Activate(ctx context.Context, id model.ID) (model.PolicyProposal, error) {
	in := s.gate.Session()
	p, res, err := s.see(ctx, in, id)
	if err != nil {
		return p, err
	}
	answer, err := s.askToActivate(ctx, in, p, res)
	if err != nil {
		return p, err
	}
	if answer.Outcome == model.Deny {
		return p, in.Refuse(ctx, model.ActPolicyActivate, res, answer)
	}
	state, base, err := s.inForce(ctx, p.Domain)
	if err != nil {
		return p, err
	}
	if err := s.ripe(ctx, p, state, base); err != nil {
		return p, err
	}
	p.Approvals = answer.Approvals
	if err := s.voted(ctx, in, p, res, answer); err != nil {
		return p, err
	}
	was := state
	writes, err := s.succeed(ctx, &state, &p)
	if err != nil {
		return p, err
	}
	p, err = s.put(ctx, in, string(model.ActPolicyActivate), p, p.Title, answer, writes...)
	if model.LostRace(err) {
		return p, s.overtaken(ctx, was, &p)
	}
	if err != nil {
		return p, err
	}
	return p, s.served(ctx, p.Domain)
}

// askToActivate asks whether the actor may put the proposal in force, if its
// votes suffice.
func (s *Service) askToActivate(ctx context.Context, in *gate.Session, p model.PolicyProposal, res policy.Resource) (gate.Answer, error) {
	tally, err := s.tally(ctx, in, p)
	if err != nil {
		return gate.Answer{}, err
	}
	return s.ask(ctx, in, model.ActPolicyActivate, p, res, tally)
}

// voted refuses what lacks votes: the policies want more now, or an approver's
// word counts no longer.
func (s *Service) voted(ctx context.Context, in *gate.Session, p model.PolicyProposal, res policy.Resource, answer gate.Answer) error {
	tally, err := s.tally(ctx, in, p)
	if err != nil || len(tally.Missing) == 0 {
		return err
	}
	answer.Approvals = tally.Missing
	refused := in.Refuse(ctx, model.ActPolicyActivate, res, answer)
	if e, ok := errors.AsType[*model.Error](refused); ok && e.Kind == model.KindDenied {
		e.Hint = tally.Say() + " Approve the proposal again."
	}
	return refused
}

// ripe reports why the proposal cannot come into force as it stands.
func (s *Service) ripe(ctx context.Context, p model.PolicyProposal, state model.PolicyState, base string) error {
	if p.Status != model.ProposalApproved || p.Impact == nil {
		return model.Conflict("status", "the proposal is "+string(p.Status)+" and only an approved one comes into force", "have it checked, tested, assessed and approved first")
	}
	if at := state.TakenBackAt(p.RevisionID); at != nil && !p.CreatedAt.After(*at) {
		return errTakenBack("id", *at)
	}
	if base != p.Impact.BaseHash {
		return errBase()
	}
	r, d, err := s.draftOf(ctx, p)
	if err != nil {
		return err
	}
	hash, problems := s.lookOver(ctx, d)
	if err := ctx.Err(); err != nil {
		return err
	}
	if broken(problems) || hash != r.Hash {
		return model.Conflict("revision", fmt.Sprintf("the proposal was checked by %s, and this server has %s", r.Engine, policy.EngineVersion()),
			"send the draft again, and have it checked, tested, assessed and approved anew")
	}
	return nil
}

// succeed puts the proposal in the place of what is in force. It gives what has
// to be written beside the proposal.
func (s *Service) succeed(ctx context.Context, state *model.PolicyState, p *model.PolicyProposal) ([]store.Write, error) {
	if err := p.Move(model.ProposalActive); err != nil {
		return nil, err
	}
	writes, err := s.retire(ctx, *state, model.ProposalSuperseded)
	if err != nil {
		return nil, err
	}
	if state.ShadowOf == p.ID {
		state.ShadowID, state.ShadowOf = "", ""
	}
	state.PreviousID, state.ActiveID, state.ProposalID = state.ActiveID, p.RevisionID, p.ID
	state.TakenBack = slices.DeleteFunc(slices.Clone(state.TakenBack), func(t model.TakenBack) bool { return t.RevisionID == p.RevisionID })
	if err := s.sign(ctx, state); err != nil {
		return nil, err
	}
	return append(writes, store.PolicyStates.Put(*state)), nil
}

// retire gives the write that ends the proposal in force, if there is one.
func (s *Service) retire(ctx context.Context, state model.PolicyState, to model.ProposalStatus) ([]store.Write, error) {
	if state.ProposalID == "" {
		return nil, nil
	}
	old, err := store.PolicyProposals.Get(ctx, s.store, state.ProposalID)
	if err != nil {
		return nil, err
	}
	if old.Status != model.ProposalActive {
		return nil, nil
	}
	at := model.Instant(s.now())
	old.ClosedAt = &at
	err = old.Move(to)
	return []store.Write{store.PolicyProposals.Put(old)}, err
}

// sign notes who put what in force, and that it has been.
func (s *Service) sign(ctx context.Context, state *model.PolicyState) error {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return err
	}
	state.ActivatedBy, state.ActivatedAt = actor.ID, model.Instant(s.now())
	if state.ActiveID != "" && !slices.Contains(state.Past, state.ActiveID) {
		state.Past = append(slices.Clone(state.Past), state.ActiveID)
	}
	return nil
}

// overtaken says what somebody else wrote first: which rules are in force or on
// trial, the proposal, or one that the change would have ended or revived. What
// it is given is as it was read; there is no proposal beside a rollback.
func (s *Service) overtaken(ctx context.Context, was model.PolicyState, p *model.PolicyProposal) error {
	now, err := s.stateOf(ctx, was.Domain)
	switch {
	case err != nil:
		return err
	case now.ActiveID != was.ActiveID || now.ProposalID != was.ProposalID || !now.ActivatedAt.Equal(was.ActivatedAt):
		return model.Stale("domain", "other rules of the domain came into force at the same moment", "look at what is in force now, and assess the proposal again")
	case now.Revision != was.Revision:
		return model.Stale("domain", "a trial of rules was begun or ended in the domain at the same moment", "try again")
	case p != nil:
		read, err := store.PolicyProposals.Get(ctx, s.store, p.ID)
		if err != nil {
			return err
		}
		if read.Revision != p.Revision {
			return model.Stale("id", "the proposal was changed at the same moment", "look at it again")
		}
	}
	return model.Stale("domain", "a proposal that has been in force was changed at the same moment", "try again")
}

// Return says which rules shall come back.
type Return struct {
	Domain     model.Slug // "" is the platform
	RevisionID model.ID   // "" is the one before the present one
	ToStart    bool       // to what the server was started with, instead of a revision
	Reason     string
}

func (r Return) check() error {
	if r.ToStart && r.RevisionID != "" {
		return model.Invalid("returnsToStart", "what the server was started with is no revision", "leave either this or the revision out")
	}
	return (model.Text{Field: "reason", Most: maxComment, Prose: true}).Check(r.Reason)
}

// Rollback returns a domain to rules that have been in force before, or to what
// the server was started with. It needs no impact and no votes, because time
// matters.
func (s *Service) Rollback(ctx context.Context, r Return) (model.PolicyRollback, error) {
	var out model.PolicyRollback
	if err := r.check(); err != nil {
		return out, err
	}
	in := s.gate.Session()
	if err := s.exists(ctx, in, r.Domain); err != nil {
		return out, err
	}
	res := s.gate.Policy(r.Domain)
	answer, err := in.Require(ctx, model.ActPolicyRollback, res)
	if err != nil {
		return out, err
	}
	state, _, err := s.inForce(ctx, r.Domain)
	if err != nil {
		return out, err
	}
	to, err := r.earlier(state)
	if err != nil {
		return out, err
	}
	if err := s.returnable(ctx, in, state, to); err != nil {
		return out, err
	}
	was := state
	writes, err := s.goBack(ctx, &state, to, &out)
	if err != nil {
		return out, err
	}
	if _, err := s.store.Apply(ctx, in.Change(ctx, string(model.ActPolicyRollback), state.ID, r.Reason, answer, writes...)); err != nil {
		if model.LostRace(err) {
			err = s.overtaken(ctx, was, nil)
		}
		return out, err
	}
	if err := s.served(ctx, r.Domain); err != nil {
		return out, err
	}
	out.State, err = s.standing(ctx, in, r.Domain)
	return out, err
}

// earlier finds where to go back to; "" is what the server was started with.
func (r Return) earlier(state model.PolicyState) (model.ID, error) {
	switch {
	case r.RevisionID == "" && state.ActiveID == "":
		return "", model.Conflict("domain", "there are no earlier rules to return to", "the domain lives by what the server was started with")
	case r.ToStart:
		return "", nil
	case r.RevisionID == "":
		return state.PreviousID, nil
	case r.RevisionID == state.ActiveID:
		return "", model.Conflict("revisionId", "this revision is in force", "leave the revision out to return to the one before it")
	case !slices.Contains(state.Past, r.RevisionID):
		return "", model.Conflict("revisionId", "this revision has never been in force for the domain", "propose it, and have it approved")
	}
	return r.RevisionID, nil
}

// goBack makes the state that of the earlier revision. One that another engine
// has checked is checked again first, and becomes a revision of its own.
func (s *Service) goBack(ctx context.Context, state *model.PolicyState, to model.ID, out *model.PolicyRollback) ([]store.Write, error) {
	writes, err := s.retire(ctx, *state, model.ProposalRolledBack)
	if err != nil {
		return nil, err
	}
	left := state.ActiveID
	if err := s.takeBack(ctx, state, to); err != nil {
		return nil, err
	}
	state.ActiveID, state.ProposalID, state.PreviousID = to, "", before(*state, to)
	if to != "" {
		more, err := s.reviveRevision(ctx, state, out)
		if err != nil {
			return nil, err
		}
		writes = append(writes, more...)
	}
	if err := s.sign(ctx, state); err != nil {
		return nil, err
	}
	switch {
	case to == "":
		out.Notice = "The rules are those that the server was started with; nobody has assessed what that changes. Left behind: " + string(left) + "."
	case out.Notice == "":
		out.Notice = "The rules are those of an earlier day; nobody has assessed what that changes. Left behind: " + string(left) + "."
	}
	return append(writes, store.PolicyStates.Put(*state)), nil
}

// before is what was in force before the revision first was, and is not taken back.
func before(state model.PolicyState, id model.ID) model.ID {
	for i := slices.Index(state.Past, id) - 1; i >= 0; i-- {
		if state.TakenBackAt(state.Past[i]) == nil {
			return state.Past[i]
		}
	}
	return ""
}

func (s *Service) reviveRevision(ctx context.Context, state *model.PolicyState, out *model.PolicyRollback) ([]store.Write, error) {
	r, err := store.PolicyRevisions.Get(ctx, s.store, state.ActiveID)
	if err != nil {
		return nil, err
	}
	d := policy.Draft{Domain: r.Domain, Modules: r.Modules}
	hash, problems := s.lookOver(ctx, d)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(problems, func(p model.PolicyProblem) bool { return p.Severity == "error" }); i >= 0 {
		return nil, model.Conflict("revisionId", fmt.Sprintf("the revision was checked by %s and does not compile by %s any more: %s", r.Engine, policy.EngineVersion(), problems[i].Message),
			"the rules in force stay; return to another revision or to what the server was started with, or propose this one with the problem mended")
	}
	var writes []store.Write
	fresh := r
	if hash != r.Hash {
		fresh = revisionOf(d, hash, r.AuthorID)
		if writes, err = s.keep(ctx, fresh); err != nil {
			return nil, err
		}
		out.Rechecked = true
		out.Notice = fmt.Sprintf("The revision was checked by %s; it has been checked again by %s and compiles.", r.Engine, policy.EngineVersion())
	}
	state.ActiveID, state.Past = fresh.ID, slices.Clone(state.Past)
	for i, id := range state.Past { // what compiles now takes the place of what no longer would
		if id == r.ID {
			state.Past[i] = fresh.ID
		}
	}
	more, err := s.reviveProposal(ctx, state, r.ID)
	return append(writes, more...), err
}

// reviveProposal marks the proposal that had brought the revision as active
// again; there is none for a revision that was only ever rolled back to.
func (s *Service) reviveProposal(ctx context.Context, state *model.PolicyState, brought model.ID) ([]store.Write, error) {
	p, found, err := s.brought(ctx, brought)
	if err != nil || !found {
		return nil, err
	}
	p.RevisionID, p.ClosedAt = state.ActiveID, nil
	state.ProposalID = p.ID
	err = p.Move(model.ProposalActive)
	return []store.Write{store.PolicyProposals.Put(p)}, err
}

// served makes the engine follow what has just been written. The store is what
// counts: should the engine refuse, the last good rules go on deciding.
func (s *Service) served(ctx context.Context, domain model.Slug) error {
	ctx = context.WithoutCancel(ctx)
	if err := s.reload(ctx, domain); err != nil {
		return err
	}
	if why := s.serving.of(domain).problem; why != "" {
		return &model.Error{Kind: model.KindUnavailable, Message: "the change is written, but this server could not load it: " + why, Hint: "the last good rules go on deciding; roll back, or restart the server"}
	}
	return nil
}

package governance

import (
	"context"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// returnable refuses a return that is none. What the platform took back needs
// a new proposal, whoever asks. Going forward, to rules that came after those
// in force, is putting rules in force: for the domain it takes what activation
// takes. The platform, which may rescue a domain, needs no votes for that.
func (s *Service) returnable(ctx context.Context, in *gate.Session, state model.PolicyState, to model.ID) error {
	if at := state.TakenBackAt(to); at != nil {
		return errTakenBack("revisionId", *at)
	}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil || runsPlatform(actor) || !forward(state, to) {
		return err
	}
	return s.activatable(ctx, in, state, to)
}

func errTakenBack(field string, at time.Time) error {
	return model.Conflict(field, "the platform took this revision back on "+at.UTC().Format(time.DateTime)+" UTC", "propose its rules anew, and have them approved")
}

func runsPlatform(p model.Principal) bool { return p.Has(model.RoleAdmin) || p.Has(model.RoleSteward) }

// forward reports that the revision first came into force after the one that
// is; anything comes after what the server was started with.
func forward(state model.PolicyState, to model.ID) bool {
	return to != "" && slices.Index(state.Past, to) > slices.Index(state.Past, state.ActiveID)
}

// activatable asks for the revision what activation would ask: the proposal
// that brought it must still have the votes that the policies want now.
func (s *Service) activatable(ctx context.Context, in *gate.Session, state model.PolicyState, to model.ID) error {
	p, found, err := s.brought(ctx, to)
	if err != nil {
		return err
	}
	if !found || p.Impact == nil || p.Impact.BaseHash != s.hash(state.Domain) {
		return model.Conflict("revisionId", "these rules came after those in force, and nobody has approved the change from one to the other", "propose them anew, and have them approved")
	}
	res, err := s.gate.Proposal(ctx, p)
	if err != nil {
		return err
	}
	answer, err := s.askToActivate(ctx, in, p, res)
	if err != nil {
		return err
	}
	if answer.Outcome == model.Deny {
		return in.Refuse(ctx, model.ActPolicyActivate, res, answer)
	}
	p.Approvals = answer.Approvals
	return s.voted(ctx, in, p, res, answer)
}

// brought finds the proposal that had brought a revision in force.
func (s *Service) brought(ctx context.Context, revision model.ID) (model.PolicyProposal, bool, error) {
	q := store.Query{Index: "by_revision", Where: store.Eq("revision", string(revision)), Desc: true, Limit: store.MaxPage}
	for p, err := range store.PolicyProposals.All(ctx, s.store, q) {
		if err != nil {
			return p, false, err
		}
		if p.Status == model.ProposalSuperseded || p.Status == model.ProposalRolledBack {
			return p, true, nil
		}
	}
	return model.PolicyProposal{}, false, nil
}

// takeBack notes that the platform went back to before the revisions that came
// after the one it returns to. What a domain takes back itself is not noted.
func (s *Service) takeBack(ctx context.Context, state *model.PolicyState, to model.ID) error {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil || !runsPlatform(actor) {
		return err
	}
	left := slices.Index(state.Past, state.ActiveID)
	state.TakenBack = slices.Clone(state.TakenBack)
	for i, id := range state.Past {
		if i > slices.Index(state.Past, to) && i <= left && state.TakenBackAt(id) == nil {
			state.TakenBack = append(state.TakenBack, model.TakenBack{RevisionID: id, At: model.Instant(s.now())})
		}
	}
	return nil
}

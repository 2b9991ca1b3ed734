package governance

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// statusDraft is how the policies hear of a revision that has never been in force.
const statusDraft = string(model.ProposalDraft)

// reader is whoever looks at drafts, with the domains that they belong to.
type reader struct {
	s       *Service
	domains []model.Slug
}

func (s *Service) reader(ctx context.Context, in *gate.Session) (reader, error) {
	r := reader{s: s}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return r, err
	}
	home, err := s.gate.DomainName(ctx, actor.DomainID)
	if err != nil {
		return r, err
	}
	r.domains = append(r.domains, home)
	stewarded, err := in.Stewarded(ctx)
	for _, d := range stewarded {
		r.domains = append(r.domains, d.Name)
	}
	return r, err
}

// touched gives one of the domains that is the reader's, or "".
func (r reader) touched(domains []model.Slug) model.Slug {
	for _, d := range r.domains {
		if d != "" && slices.Contains(domains, d) {
			return d
		}
	}
	return ""
}

// proposal describes a proposal for reading: as the draft of the reader's own
// domain, where its rules touch that.
func (r reader) proposal(ctx context.Context, p model.PolicyProposal) (policy.Resource, error) {
	res, err := r.s.gate.Proposal(ctx, p)
	if own := r.touched(p.Touches); own != "" {
		res.Domain = own
	}
	return res, err
}

// revision describes a revision for reading. One that has never been in force
// is a draft of those domains that the proposals of it touch.
func (r reader) revision(ctx context.Context, rev model.PolicyRevision) (policy.Resource, error) {
	res, err := r.s.gate.PolicyRevision(ctx, rev)
	if err != nil {
		return res, err
	}
	state, err := r.s.stateOf(ctx, rev.Domain)
	if err != nil || rev.ID == state.ActiveID || slices.Contains(state.Past, rev.ID) {
		return res, err
	}
	res.Status, res.Requester = statusDraft, rev.AuthorID
	q := store.Query{Index: "by_revision", Where: store.Eq("revision", string(rev.ID)), Limit: store.MaxPage}
	for p, err := range store.PolicyProposals.All(ctx, r.s.store, q) {
		if err != nil {
			return res, err
		}
		if own := r.touched(p.Touches); own != "" {
			res.Domain = own
			break
		}
	}
	return res, nil
}

// see loads a proposal that the actor may read, with its own description.
func (s *Service) see(ctx context.Context, in *gate.Session, id model.ID) (model.PolicyProposal, policy.Resource, error) {
	r, err := s.reader(ctx, in)
	if err != nil {
		return model.PolicyProposal{}, policy.Resource{}, err
	}
	p, _, err := gate.SeeFor(ctx, in, model.ActPolicyRead, store.PolicyProposals, id, r.proposal)
	if err != nil {
		return p, policy.Resource{}, err
	}
	res, err := s.gate.Proposal(ctx, p)
	return p, res, err
}

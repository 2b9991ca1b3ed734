package gate

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Policy describes the package of a domain to the policies; "" is the
// platform's. A package has no author: whoever drafts for it speaks for nobody.
func (g *Gate) Policy(domain model.Slug) policy.Resource {
	name := string(domain)
	if domain == "" {
		name = "platform"
	}
	return policy.Resource{Type: "policy", Name: name, Domain: domain}
}

// PolicyRevision describes a revision of a package to the policies.
func (g *Gate) PolicyRevision(_ context.Context, r model.PolicyRevision) (policy.Resource, error) {
	res := g.Policy(r.Domain)
	res.ID = r.ID
	return res, nil
}

// Proposal describes a policy proposal to the policies; the requester is its author.
func (g *Gate) Proposal(_ context.Context, p model.PolicyProposal) (policy.Resource, error) {
	res := g.Policy(p.Domain)
	res.ID, res.Status, res.Requester = p.ID, string(p.Status), p.AuthorID
	return res, nil
}

// throughPolicies places proposals and states, which know their domain by name.
func (g *Gate) throughPolicies(ctx context.Context, subjects map[model.Prefix][]model.ID, of map[model.ID]model.ID) error {
	named := map[model.ID]model.Slug{}
	proposals, err := store.PolicyProposals.GetMany(ctx, g.store, subjects[model.PrefixProposal]...)
	if err != nil {
		return err
	}
	for _, p := range proposals {
		named[p.ID] = p.Domain
	}
	states, err := store.PolicyStates.GetMany(ctx, g.store, subjects[model.PrefixState]...)
	if err != nil {
		return err
	}
	for _, s := range states {
		named[s.ID] = s.Domain
	}
	ids := map[model.Slug]model.ID{"": ""} // the platform's lie nowhere
	for subject, name := range named {
		if _, known := ids[name]; !known {
			d, err := store.DomainNamed(ctx, g.store, name)
			if model.Is(err, model.KindNotFound) { // renamed or removed since: the platform's
				err = nil
			}
			if err != nil {
				return err
			}
			ids[name] = d.ID
		}
		of[subject] = ids[name]
	}
	return nil
}

package gate

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
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

package mesh

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// removable says once how records of one kind go and come back. A new noun that
// can be removed is a row of removables, and one in the resolver.
type removable struct {
	prefix   model.Prefix
	words    string
	remove   func(ctx context.Context, in *gate.Session, id model.ID, reason string) (model.Removed, error)
	restore  func(context.Context, *gate.Session, model.Removed) (model.Noun, error)
	allowed  func(context.Context, *gate.Session, model.ID) error // whether the actor may remove the record
	pointers []pointing                                           // what keeps it
}

// pointing counts the records of one kind that point to the one with the id.
type pointing = func(context.Context, *gate.Session, model.ID) (model.Dependency, error)

func (s *Service) removables() []removable {
	return []removable{
		{
			model.PrefixDomain, "domain", s.removeDomain, s.restoreDomain, s.mayRemoveDomain,
			[]pointing{s.domainsBelow, s.teamsOf, s.peopleOf, s.productsOf, s.sourcesOf, s.assetsOf, s.namespacesOf, s.changesOf, s.proposalsOf},
		},
		{model.PrefixTeam, "team", s.removeTeam, s.restoreTeam, s.mayRemoveTeam, []pointing{s.membersOf, s.productsOfTeam}},
		{model.PrefixProduct, "data product", s.removeProduct, s.restoreProduct, s.mayRemoveProduct, []pointing{s.grantsOn, s.requestsFor, s.changesTo}},
	}
}

// removable finds the row of a record, or says which can be removed here.
func (s *Service) removable(id model.ID) (removable, error) {
	var words []string
	for _, r := range s.removables() {
		if r.prefix == id.Prefix() {
			return r, nil
		}
		words = append(words, r.words)
	}
	return removable{}, model.NotFound(model.OneOf(words), id)
}

// Remove takes a domain, a team or a data product away. While something depends
// on it the error is of kind Conflict and says what. Restore brings it back.
func (s *Service) Remove(ctx context.Context, id model.ID, reason string) (model.Removed, error) {
	if err := checkReason(reason); err != nil {
		return model.Removed{}, err
	}
	r, err := s.removable(id)
	if err != nil {
		return model.Removed{}, err
	}
	return r.remove(ctx, s.gate.Session(), id, reason)
}

func checkReason(reason string) error {
	return model.Text{Field: "reason", Most: 1000, Prose: true}.Check(reason)
}

func (s *Service) removeDomain(ctx context.Context, in *gate.Session, id model.ID, reason string) (model.Removed, error) {
	d, answer, err := s.seeDoomed(ctx, in, id)
	if err != nil {
		return model.Removed{}, err
	}
	if err := s.ungoverned(ctx, d.Name); err != nil {
		return model.Removed{}, err
	}
	if err := s.unspoken("domain", string(d.Name)); err != nil {
		return model.Removed{}, err
	}
	// Its name stays with it: the decision log and rules of the past speak of it.
	claim, err := s.gate.Claim(ctx, model.PrefixDomain, "", string(d.Name), d.ID)
	if err != nil {
		return model.Removed{}, err
	}
	return remove(ctx, s, in, store.Domains, d, "domain.remove", answer, gate.Removing{Name: string(d.Name), Reason: reason}, claim...)
}

func (s *Service) removeTeam(ctx context.Context, in *gate.Session, id model.ID, reason string) (model.Removed, error) {
	t, answer, err := s.seeTeam(ctx, in, id)
	if err != nil {
		return model.Removed{}, err
	}
	domain, err := s.gate.DomainName(ctx, t.DomainID)
	if err != nil {
		return model.Removed{}, err
	}
	if err := s.unspoken("team", string(domain)+"/"+string(t.Name)); err != nil {
		return model.Removed{}, err
	}
	return remove(ctx, s, in, store.Teams, t, "team.remove", answer, gate.Removing{Name: string(t.Name), DomainID: t.DomainID, Reason: reason})
}

func (s *Service) removeProduct(ctx context.Context, in *gate.Session, id model.ID, reason string) (model.Removed, error) {
	p, res, err := s.seeProduct(ctx, in, id)
	if err != nil {
		return model.Removed{}, err
	}
	answer, err := in.Require(ctx, model.ActProductRetire, res)
	if err != nil {
		return model.Removed{}, err
	}
	if p.Status != model.Draft && p.Status != model.Retired {
		return model.Removed{}, model.Conflict("id", "a "+string(p.Status)+" product is on offer", "retire it first")
	}
	return remove(ctx, s, in, store.Products, p, "product.remove", answer, gate.Removing{Name: string(p.Name), DomainID: p.DomainID, Reason: reason})
}

// remove takes one record out, unless something depends on it.
func remove[T any, P model.PointerTo[T]](ctx context.Context, s *Service, in *gate.Session, table store.Table[T, P], n T, action string, answer gate.Answer, r gate.Removing, more ...store.Write) (model.Removed, error) {
	id := P(&n).Head().ID
	kind, err := s.removable(id)
	if err != nil {
		return model.Removed{}, err
	}
	r.Kind = kind.words
	writes, err := gate.Remove(ctx, table, n, r)
	if err != nil {
		return model.Removed{}, err
	}
	as := []string{string(id)}
	if id.Prefix() == model.PrefixDomain { // proposals of rules know it by its name
		as = append(as, r.Name)
	}
	unused := func() error { return in.Unused(ctx, r.Kind, id, kind.pointers...) }
	err = in.TakeAway(ctx, as, unused, func() store.Change {
		return in.Change(ctx, action, id, r.Reason, answer, append(writes, more...)...)
	})
	s.gate.Renamed()
	if err != nil {
		return model.Removed{}, err
	}
	return s.gate.Removal(ctx, id)
}

// Dependencies lists what keeps a record from being removed, by kind. It counts
// what the actor may not know of too, and so it is for those who may remove it.
func (s *Service) Dependencies(ctx context.Context, id model.ID) ([]model.Dependency, error) {
	r, err := s.removable(id)
	if err != nil {
		return nil, err
	}
	in := s.gate.Session()
	if err := r.allowed(ctx, in, id); err != nil {
		return nil, err
	}
	return gate.Pointers(ctx, in, id, r.pointers...)
}

func (s *Service) mayRemoveDomain(ctx context.Context, in *gate.Session, id model.ID) error {
	_, _, err := s.seeDoomed(ctx, in, id)
	return err
}

func (s *Service) mayRemoveTeam(ctx context.Context, in *gate.Session, id model.ID) error {
	_, _, err := s.seeTeam(ctx, in, id)
	return err
}

func (s *Service) mayRemoveProduct(ctx context.Context, in *gate.Session, id model.ID) error {
	_, res, err := s.seeProduct(ctx, in, id)
	if err == nil {
		_, err = in.Require(ctx, model.ActProductRetire, res)
	}
	return err
}

// seeDoomed finds a domain that the actor may remove.
func (s *Service) seeDoomed(ctx context.Context, in *gate.Session, id model.ID) (model.Domain, gate.Answer, error) {
	d, _, err := s.seeDomain(ctx, in, id)
	if err != nil {
		return d, gate.Answer{}, err
	}
	answer, err := in.Require(ctx, model.ActDomainAdmin, s.gate.Platform("domain", string(d.Name)))
	return d, answer, err
}

func (s *Service) domainsBelow(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_parent", Where: store.Eq("parent", string(id))}
	return gate.Pointing(ctx, in, store.Domains, q, "domains below it", "give them another parentId", gate.Each(s.gate.Domain), func(d model.Domain) string { return string(d.Name) }, nil)
}

func (s *Service) teamsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_name", Where: store.Eq("domain", string(id))}
	return gate.Pointing(ctx, in, store.Teams, q, "teams", "move or remove them", gate.Each(s.gate.Team), func(t model.Team) string { return string(t.Name) }, nil)
}

func (s *Service) peopleOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(id))}
	return gate.Pointing(ctx, in, store.Principals, q, "principals", "give them another domainId", gate.Each(s.gate.Principal), principalName, nil)
}

func (s *Service) productsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(id))}
	return gate.Pointing(ctx, in, store.Products, q, "data products", "move or remove them", gate.Each(s.gate.Product), productName, nil)
}

func (s *Service) sourcesOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(id))}
	return gate.Pointing(ctx, in, store.Sources, q, "sources", "move or remove them", gate.Each(s.gate.Source), func(n model.Source) string { return string(n.Name) }, nil)
}

func (s *Service) assetsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(id))}
	return gate.Pointing(ctx, in, store.Assets, q, "assets", "give what it owns to another domain", s.gate.Assets, func(a model.Asset) string { return a.Name }, nil)
}

func (s *Service) namespacesOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(id))}
	return gate.Pointing(ctx, in, store.Namespaces, q, "namespaces", "have an administrator assign or release them", gate.Each(s.gate.Namespace), model.Namespace.Label,
		func(n model.Namespace) bool { return !n.Released })
}

// changesOf counts what waits for votes in a domain, of its products and of itself.
func (s *Service) changesOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	return s.pendingChanges(ctx, in, store.Query{Index: "by_domain", Where: store.And(store.Eq("domain", string(id)), store.Eq("status", string(model.ChangePending)))})
}

func (s *Service) changesTo(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	return s.pendingChanges(ctx, in, store.Query{Index: "by_subject", Where: store.And(store.Eq("subject", string(id)), store.Eq("status", string(model.ChangePending)))})
}

func (s *Service) pendingChanges(ctx context.Context, in *gate.Session, q store.Query) (model.Dependency, error) {
	return gate.Pointing(ctx, in, store.Changes, q, "waiting changes", "approve, reject or withdraw them", s.gate.Changes, func(c model.ProposedChange) string { return string(c.Kind) }, nil)
}

func (s *Service) proposalsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	d, err := store.Domains.Get(ctx, s.store, id)
	if err != nil {
		return model.Dependency{}, err
	}
	q := store.Query{Index: "by_domain", Where: store.Eq("domain", string(d.Name))}
	return gate.Pointing(ctx, in, store.PolicyProposals, q, "open policy proposals", "withdraw or reject them", gate.Each(s.gate.Proposal), func(p model.PolicyProposal) string { return p.Title },
		func(p model.PolicyProposal) bool { return p.Open() })
}

func (s *Service) membersOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	return gate.Pointing(ctx, in, store.Principals, store.Query{Index: "by_name"}, "members", "take them out of its teamIds", gate.Each(s.gate.Principal), principalName,
		func(p model.Principal) bool { return slices.Contains(p.TeamIDs, id) })
}

func (s *Service) productsOfTeam(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_name", Where: store.Eq("team", string(id))}
	return gate.Pointing(ctx, in, store.Products, q, "data products that it looks after", "give them another ownerTeamId", gate.Each(s.gate.Product), productName, nil)
}

func (s *Service) grantsOn(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_product", Where: store.Eq("product", string(id))}
	return gate.Pointing(ctx, in, store.Grants, q, "live grants", "revoke them, or wait until they end", s.gate.Grants, func(g model.Grant) string { return g.Purpose },
		func(g model.Grant) bool { return g.Live(s.now()) })
}

func (s *Service) requestsFor(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_product", Where: store.Eq("product", string(id))}
	return gate.Pointing(ctx, in, store.Requests, q, "pending requests", "answer them", s.gate.Requests, func(r model.AccessRequest) string { return r.Purpose },
		func(r model.AccessRequest) bool { return r.Status == model.RequestPending })
}

func principalName(p model.Principal) string { return p.Name }

func productName(p model.DataProduct) string { return string(p.Name) }

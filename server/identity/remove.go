package identity

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Remove takes a principal or a token away. While something depends on it the
// error is of kind Conflict and says what: a principal's grants, products,
// domains and open tokens, or that the token still opens something.
func (s *Service) Remove(ctx context.Context, id model.ID, reason string) (model.Removed, error) {
	if err := (model.Text{Field: "reason", Most: 1000, Prose: true}).Check(reason); err != nil {
		return model.Removed{}, err
	}
	in := s.gate.Session()
	if id.Prefix() == model.PrefixToken {
		return s.removeToken(ctx, in, id, reason)
	}
	return s.removePrincipal(ctx, in, id, reason)
}

func (s *Service) removePrincipal(ctx context.Context, in *gate.Session, id model.ID, reason string) (model.Removed, error) {
	p, err := s.principal(ctx, in, id)
	if err != nil {
		return model.Removed{}, err
	}
	answer, err := s.requireAdmin(ctx, in, p)
	if err != nil {
		return model.Removed{}, err
	}
	var more []store.Write
	if rules(p) {
		if more, err = s.witness(ctx, p.ID, "id"); err != nil {
			return model.Removed{}, err
		}
	}
	if err := s.unspoken(p); err != nil {
		return model.Removed{}, err
	}
	// The name stays: whoever took it over would be taken for them.
	claim, err := s.gate.Claim(ctx, model.PrefixPrincipal, "", p.Name, p.ID)
	if err != nil {
		return model.Removed{}, err
	}
	unused := func() error { return in.Unused(ctx, "principal", p.ID, s.pointers()...) }
	return remove(ctx, s, in, store.Principals, p, answer, gate.Removing{Kind: "principal", Name: p.Name, Reason: reason}, unused, slices.Concat(claim, more)...)
}

func (s *Service) removeToken(ctx context.Context, in *gate.Session, id model.ID, reason string) (model.Removed, error) {
	t, res, err := gate.See(ctx, in, store.Tokens, id, s.gate.Token)
	if err != nil {
		return model.Removed{}, err
	}
	answer, err := in.Require(ctx, model.ActIdentity, res)
	if err != nil {
		return model.Removed{}, err
	}
	unused := func() error {
		if t.Valid(s.now()) {
			return model.Conflict("id", "the token still opens something", "revoke it first")
		}
		return nil
	}
	return remove(ctx, s, in, store.Tokens, t, answer, gate.Removing{Kind: "token", Name: t.Name, Reason: reason}, unused)
}

func remove[T any, P model.PointerTo[T]](ctx context.Context, s *Service, in *gate.Session, table store.Table[T, P], n T, answer gate.Answer, r gate.Removing, unused func() error, more ...store.Write) (model.Removed, error) {
	writes, err := gate.Remove(ctx, table, n, r)
	if err != nil {
		return model.Removed{}, err
	}
	id := P(&n).Head().ID
	err = in.TakeAway(ctx, []string{string(id)}, unused, func() store.Change {
		return in.Change(ctx, r.Kind+".remove", id, r.Reason, answer, append(writes, more...)...)
	})
	if err != nil {
		return model.Removed{}, err
	}
	return s.gate.Removal(ctx, id)
}

// Restore brings a removed principal or token back as it was. A token comes
// back closed, as it went.
func (s *Service) Restore(ctx context.Context, kept model.Removed) (model.Noun, error) {
	in := s.gate.Session()
	if kept.RecordID.Prefix() == model.PrefixToken {
		t, err := gate.Restored[model.Token](kept)
		if err != nil {
			return nil, err
		}
		res, err := s.gate.Token(ctx, t)
		if err != nil {
			return nil, err
		}
		answer, err := in.Require(ctx, model.ActIdentity, res)
		if err != nil {
			return nil, err
		}
		in.Needs(store.Principals.Kind(), t.PrincipalID)
		if _, err := store.Principals.Get(ctx, s.store, t.PrincipalID); err != nil {
			return nil, model.Conflict("id", "whose token it was is removed too", "restore the principal first")
		}
		back, err := restore(ctx, s, in, store.Tokens, t, kept, answer)
		return &back, err
	}
	p, err := gate.Restored[model.Principal](kept)
	if err != nil {
		return nil, err
	}
	answer, err := s.requireAdmin(ctx, in, p)
	if err != nil {
		return nil, err
	}
	if err := s.checkPlaces(ctx, in, p); err != nil {
		return nil, model.Conflict("id", "a domain or a team that it belonged to is removed too", "restore that first")
	}
	back, err := restore(ctx, s, in, store.Principals, p, kept, answer)
	return &back, err
}

func restore[T any, P model.PointerTo[T]](ctx context.Context, s *Service, in *gate.Session, table store.Table[T, P], n T, kept model.Removed, answer gate.Answer) (T, error) {
	change := in.Change(ctx, "record.restore", kept.RecordID, "", answer, table.Put(n), store.Removals.Delete(kept))
	return table.Apply(ctx, s.store, change)
}

// Dependencies lists what keeps a principal or a token from being removed, to
// those who may remove it.
func (s *Service) Dependencies(ctx context.Context, id model.ID) ([]model.Dependency, error) {
	in := s.gate.Session()
	if id.Prefix() == model.PrefixToken {
		t, res, err := gate.See(ctx, in, store.Tokens, id, s.gate.Token)
		if err == nil {
			_, err = in.Require(ctx, model.ActIdentity, res)
		}
		if err != nil || !t.Valid(s.now()) {
			return nil, err
		}
		return []model.Dependency{{Kind: "open doors", Count: 1, Hint: "revoke it first"}}, nil
	}
	p, err := s.principal(ctx, in, id)
	if err == nil {
		_, err = s.requireAdmin(ctx, in, p)
	}
	if err != nil {
		return nil, err
	}
	return gate.Pointers(ctx, in, id, s.pointers()...)
}

// pointers count what depends on a principal.
func (s *Service) pointers() []func(context.Context, *gate.Session, model.ID) (model.Dependency, error) {
	return []func(context.Context, *gate.Session, model.ID) (model.Dependency, error){
		s.stewardships, s.productsOf, s.tokensOf, s.grantsOf, s.requestsOf, s.proposalsOf,
	}
}

func (s *Service) stewardships(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_steward", Where: store.Eq("steward", string(id))}
	return gate.Pointing(ctx, in, store.Domains, q, "domains to speak for", "name another steward", gate.Each(s.gate.Domain), func(d model.Domain) string { return string(d.Name) }, nil)
}

func (s *Service) productsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_name", Where: store.Eq("owner", string(id))}
	return gate.Pointing(ctx, in, store.Products, q, "data products to answer for", "give them another ownerId", gate.Each(s.gate.Product), func(p model.DataProduct) string { return string(p.Name) },
		func(p model.DataProduct) bool { return p.Status != model.Retired })
}

func (s *Service) tokensOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_principal", Where: store.Eq("principal", string(id))}
	return gate.Pointing(ctx, in, store.Tokens, q, "open tokens", "revoke them", gate.Each(s.gate.Token), func(t model.Token) string { return t.Name },
		func(t model.Token) bool { return t.Valid(s.now()) })
}

func (s *Service) grantsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_principal", Where: store.Eq("principal", string(id))}
	return gate.Pointing(ctx, in, store.Grants, q, "live grants", "revoke them, or wait until they end", s.gate.Grants, func(g model.Grant) string { return g.Purpose },
		func(g model.Grant) bool { return g.Live(s.now()) })
}

func (s *Service) requestsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_requester", Where: store.Eq("requester", string(id))}
	return gate.Pointing(ctx, in, store.Requests, q, "pending requests", "answer or cancel them", s.gate.Requests, func(r model.AccessRequest) string { return r.Purpose },
		func(r model.AccessRequest) bool { return r.Status == model.RequestPending })
}

func (s *Service) proposalsOf(ctx context.Context, in *gate.Session, id model.ID) (model.Dependency, error) {
	q := store.Query{Index: "by_author", Where: store.Eq("author", string(id))}
	return gate.Pointing(ctx, in, store.PolicyProposals, q, "open policy proposals", "withdraw or reject them", gate.Each(s.gate.Proposal), func(p model.PolicyProposal) string { return p.Title },
		func(p model.PolicyProposal) bool { return p.Open() })
}

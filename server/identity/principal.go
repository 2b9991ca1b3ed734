package identity

import (
	"cmp"
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// CreatePrincipal makes a principal. A name that is taken is an error of kind
// Conflict, and a domain or team that does not exist one of kind Invalid.
func (s *Service) CreatePrincipal(ctx context.Context, n NewPrincipal) (model.Principal, error) {
	p := model.Principal{
		Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: n.Kind, Name: n.Name, DisplayName: cmp.Or(n.DisplayName, n.Name),
		Email: n.Email, DomainID: n.DomainID, TeamIDs: n.TeamIDs, Roles: n.roles(), Clearance: n.Clearance, Region: n.Region,
	}
	if err := checkShape(p); err != nil {
		return model.Principal{}, err
	}
	if err := checkKind(p); err != nil {
		return model.Principal{}, err
	}
	in := s.gate.Session()
	answer, err := s.requireAdmin(ctx, in, p)
	if err != nil {
		return model.Principal{}, err
	}
	if err := s.checkPlaces(ctx, in, p); err != nil {
		return model.Principal{}, err
	}
	if err := s.checkTaken(ctx, p.Name); err != nil {
		return model.Principal{}, err
	}
	if err := s.gate.Free(ctx, model.PrefixPrincipal, "", p.Name, p.ID); err != nil {
		return model.Principal{}, err
	}
	return s.name(ctx, in, "principal.create", p, answer)
}

// UpdatePrincipal changes a principal. It is an error of kind Conflict to take
// the last administrator away, by demotion or by suspension.
func (s *Service) UpdatePrincipal(ctx context.Context, e PrincipalEdit) (model.Principal, error) {
	in := s.gate.Session()
	was, err := s.principal(ctx, in, e.ID)
	if err != nil {
		return model.Principal{}, err
	}
	p := e.apply(was)
	if err := checkShape(p); err != nil {
		return model.Principal{}, err
	}
	if e.Roles != nil {
		if err := checkKind(p); err != nil {
			return model.Principal{}, err
		}
	}
	answer, err := s.requireAdmin(ctx, in, was)
	if err != nil {
		return model.Principal{}, err
	}
	if e.ExpectedRevision != nil && *e.ExpectedRevision != was.Revision {
		return model.Principal{}, model.Stale("expectedVersion", "the principal was changed by somebody else", "read it again and repeat your change")
	}
	if err := s.checkPlaces(ctx, in, p); err != nil {
		return model.Principal{}, err
	}
	var witness []store.Write
	if rules(was) && !rules(p) {
		field := "roles"
		if p.Suspended {
			field = "isSuspended"
		}
		if witness, err = s.witness(ctx, was.ID, field); err != nil {
			return model.Principal{}, err
		}
	}
	return s.put(ctx, in, "principal.update", p, answer, witness...)
}

func (e PrincipalEdit) apply(p model.Principal) model.Principal {
	set(&p.DisplayName, e.DisplayName)
	set(&p.Email, e.Email)
	set(&p.DomainID, e.DomainID)
	set(&p.TeamIDs, e.TeamIDs)
	set(&p.Roles, e.Roles)
	set(&p.Clearance, e.Clearance)
	set(&p.Region, e.Region)
	set(&p.Suspended, e.Suspended)
	return p
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// roles are those given. A person of whom nothing is said is an employee; an
// empty list is no role, and a program has none that it was not given.
func (n NewPrincipal) roles() []model.Role {
	if n.Roles == nil && n.Kind == model.Person {
		return []model.Role{model.RoleEmployee}
	}
	return n.Roles
}

// rules reports whether the principal counts as an administrator.
func rules(p model.Principal) bool { return p.Has(model.RoleAdmin) && !p.Suspended }

// witness finds another administrator and writes them as they are. Because
// the write fails when they changed meanwhile, two administrators cannot
// remove each other at once.
func (s *Service) witness(ctx context.Context, leaving model.ID, field string) ([]store.Write, error) {
	for p, err := range store.Principals.All(ctx, s.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		if p.ID != leaving && rules(p) {
			return []store.Write{store.Principals.Put(p)}, nil
		}
	}
	return nil, model.Conflict(field, "this is the last administrator", "make another administrator first")
}

func (s *Service) requireAdmin(ctx context.Context, in *gate.Session, p model.Principal) (gate.Answer, error) {
	res, err := s.gate.Principal(ctx, p)
	if err != nil {
		return gate.Answer{}, err
	}
	return in.Require(ctx, model.ActIdentity, res)
}

// put writes the principal and gives it with the stamps of the store.
func (s *Service) put(ctx context.Context, in *gate.Session, action string, p model.Principal, answer gate.Answer, more ...store.Write) (model.Principal, error) {
	writes := append([]store.Write{store.Principals.Put(p)}, more...)
	return store.Principals.Apply(ctx, s.store, in.Change(ctx, action, p.ID, "", answer, writes...))
}

// Principal returns one principal, or an error of kind NotFound.
func (s *Service) Principal(ctx context.Context, id model.ID) (model.Principal, error) {
	return s.principal(ctx, s.gate.Session(), id)
}

func (s *Service) principal(ctx context.Context, in *gate.Session, id model.ID) (model.Principal, error) {
	p, _, err := gate.See(ctx, in, store.Principals, id, s.gate.Principal)
	return p, err
}

// PrincipalByName returns the principal with the sign-in name, or an error of kind NotFound.
func (s *Service) PrincipalByName(ctx context.Context, name string) (model.Principal, error) {
	absent := model.NotFound("principal", model.ID(name))
	if !nameShape.MatchString(name) {
		return model.Principal{}, absent
	}
	in := s.gate.Session()
	p, err := gate.SeeFirst(ctx, in, store.Principals, store.Query{Index: "by_name", Where: store.Eq("name", name)}, s.gate.Principal)
	if model.Is(err, model.KindNotFound) { // a name that it had leads to it
		p, err = gate.SeeFormer(ctx, in, store.Principals, model.PrefixPrincipal, "", name, s.gate.Principal)
	}
	if model.Is(err, model.KindNotFound) {
		err = absent
	}
	return p, err
}

// PrincipalsByID returns those among the ids that the actor may know of, in order.
func (s *Service) PrincipalsByID(ctx context.Context, ids ...model.ID) ([]model.Principal, error) {
	return gate.SeeMany(ctx, s.gate, store.Principals, gate.Each(s.gate.Principal), ids...)
}

// Principals lists the principals by name.
func (s *Service) Principals(ctx context.Context, p model.Paging) (model.Page[model.Principal], error) {
	return gate.List(ctx, s.gate, store.Principals, store.Query{Index: "by_name"}, p, gate.Each(s.gate.Principal))
}

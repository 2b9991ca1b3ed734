package mesh

import (
	"cmp"
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// CreateTeam makes a team in a domain, by whoever runs the domain.
func (s *Service) CreateTeam(ctx context.Context, n NewTeam) (model.Team, error) {
	t := model.Team{Meta: model.Meta{ID: model.NewID(model.PrefixTeam)}, Name: n.Name, DisplayName: cmp.Or(n.DisplayName, titleOf(n.Name)), DomainID: n.DomainID}
	if err := t.Name.Validate("name"); err != nil {
		return model.Team{}, err
	}
	if err := checkTitle(t.DisplayName); err != nil {
		return model.Team{}, err
	}
	in := s.gate.Session()
	d, err := s.home(ctx, in, n.DomainID)
	if err != nil {
		return model.Team{}, err
	}
	answer, err := s.requireDomain(ctx, in, d)
	if err != nil {
		return model.Team{}, err
	}
	if err := s.gate.Free(ctx, model.PrefixTeam, t.DomainID, string(t.Name), t.ID); err != nil {
		return model.Team{}, err
	}
	return store.Teams.Apply(ctx, s.store, in.Change(ctx, "team.create", t.ID, "", answer, store.Teams.Put(t)))
}

// home finds the domain that something new shall belong to.
func (s *Service) home(ctx context.Context, in *gate.Session, id model.ID) (model.Domain, error) {
	found, err := gate.Refer(ctx, in, store.Domains, "domainId", gate.Each(s.gate.Domain), id)
	if err != nil {
		return model.Domain{}, err
	}
	return found[0], nil
}

// Team returns one team, or an error of kind NotFound.
func (s *Service) Team(ctx context.Context, id model.ID) (model.Team, error) {
	t, _, err := gate.See(ctx, s.gate, store.Teams, id, s.gate.Team)
	return t, err
}

// TeamsByID returns those among the ids that the actor may know of, in order.
func (s *Service) TeamsByID(ctx context.Context, ids ...model.ID) ([]model.Team, error) {
	return gate.SeeMany(ctx, s.gate, store.Teams, gate.Each(s.gate.Team), ids...)
}

// Teams lists the teams of a domain by name.
func (s *Service) Teams(ctx context.Context, domainID model.ID, p model.Paging) (model.Page[model.Team], error) {
	q := store.Query{Index: "by_name", Where: store.Eq("domain", domainID)}
	return gate.List(ctx, s.gate, store.Teams, q, p, gate.Each(s.gate.Team))
}

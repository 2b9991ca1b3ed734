package mesh

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// TeamEdit changes a team; what is nil stays as it is.
type TeamEdit struct {
	ID               model.ID
	DisplayName      *string
	DomainID         *model.ID
	ExpectedRevision *model.Revision
}

// UpdateTeam corrects a team, or moves it into another domain. Policies know a
// team by the name of its domain and its own, so a move is refused as a rename
// is, and whoever moves a team runs both domains.
func (s *Service) UpdateTeam(ctx context.Context, e TeamEdit) (model.Team, error) {
	in := s.gate.Session()
	was, answer, err := s.seeTeam(ctx, in, e.ID)
	if err != nil {
		return model.Team{}, err
	}
	t := was
	set(&t.DisplayName, e.DisplayName)
	set(&t.DomainID, e.DomainID)
	if err := checkTitle(t.DisplayName); err != nil {
		return model.Team{}, err
	}
	if err := expect(e.ExpectedRevision, was.Meta, "team"); err != nil {
		return model.Team{}, err
	}
	if t.DomainID == was.DomainID {
		return store.Teams.Apply(ctx, s.store, in.Change(ctx, "team.update", t.ID, "", answer, store.Teams.Put(t)))
	}
	return s.renamedTeam(ctx, in, "team.move", was, t, answer)
}

// seeTeam finds a team that the actor may change.
func (s *Service) seeTeam(ctx context.Context, in *gate.Session, id model.ID) (model.Team, gate.Answer, error) {
	t, _, err := gate.See(ctx, in, store.Teams, id, s.gate.Team)
	if err != nil {
		return t, gate.Answer{}, err
	}
	d, err := store.Domains.Get(ctx, s.store, t.DomainID)
	if err != nil {
		return t, gate.Answer{}, err
	}
	answer, err := s.requireDomain(ctx, in, d)
	return t, answer, err
}

// renamedTeam writes a team that policies will know by another name.
func (s *Service) renamedTeam(ctx context.Context, in *gate.Session, action string, was, t model.Team, answer gate.Answer) (model.Team, error) {
	writes := []store.Write{store.Teams.Put(t)}
	if was.DomainID != t.DomainID {
		to, err := s.home(ctx, in, t.DomainID)
		if err != nil {
			return model.Team{}, err
		}
		there, err := s.requireDomain(ctx, in, to)
		if err != nil {
			return model.Team{}, err
		}
		writes = append(writes, there.Record)
	}
	domain, err := s.gate.DomainName(ctx, was.DomainID)
	if err != nil {
		return model.Team{}, err
	}
	if err := s.unspoken("team", string(domain)+"/"+string(was.Name)); err != nil {
		return model.Team{}, err
	}
	if err := s.gate.Free(ctx, model.PrefixTeam, t.DomainID, string(t.Name), t.ID); err != nil {
		return model.Team{}, err
	}
	claim, err := s.gate.Claim(ctx, model.PrefixTeam, was.DomainID, string(was.Name), t.ID)
	if err != nil {
		return model.Team{}, err
	}
	made, err := store.Teams.Apply(ctx, s.store, in.Change(ctx, action, t.ID, "", answer, slices.Concat(writes, claim)...))
	s.gate.Renamed()
	return made, err
}

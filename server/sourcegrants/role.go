package sourcegrants

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// maxRole is how long the name of a role may be, in characters.
const maxRole = 200

// NewRole names the role by which a principal reads in a source, or the members of
// a team do: one of the two is named.
type NewRole struct {
	SourceID    model.ID
	PrincipalID model.ID
	TeamID      model.ID
	Role        string
}

// SetRole names it, or another one in its place. Two holders never share a role:
// what one loses the other would lose, too.
func (s *Service) SetRole(ctx context.Context, n NewRole) (model.SourceRole, error) {
	if (n.PrincipalID == "") == (n.TeamID == "") {
		return model.SourceRole{}, model.Invalid("principalId", "must be given, or teamId, and not both", "say whose role it is: somebody's or a team's")
	}
	if err := (model.Text{Field: "role", Least: 1, Most: maxRole}).Check(n.Role); err != nil {
		return model.SourceRole{}, err
	}
	in := s.gate.Session()
	source, answer, err := s.administered(ctx, in, n.SourceID)
	if err != nil {
		return model.SourceRole{}, err
	}
	if source.RemovedAt != nil {
		return model.SourceRole{}, model.Conflict("sourceId", "the source was removed", "restore it first")
	}
	if err := s.refer(ctx, in, n); err != nil {
		return model.SourceRole{}, err
	}
	r, err := s.roleOf(ctx, source, n)
	if err != nil {
		return model.SourceRole{}, err
	}
	r.Role = n.Role
	writes := []store.Write{store.SourceRoles.Put(r)}
	if _, err := store.SourceGrantings.Get(ctx, s.store, source.GrantingID()); model.Is(err, model.KindNotFound) {
		writes = append(writes, store.SourceGrantings.Put(model.SourceGranting{Meta: model.Meta{ID: source.GrantingID()}, SourceID: source.ID, DomainID: source.DomainID}))
	} else if err != nil {
		return model.SourceRole{}, err
	}
	made, err := store.SourceRoles.Apply(ctx, s.store, in.Change(ctx, "source_role.set", r.ID, "", answer, writes...))
	switch {
	case model.HasCode(err, model.CodeExists):
		return made, model.Exists("role", "somebody else reads by this role in the source", "name a role for each, since what one loses the other would lose, too")
	case model.HasCode(err, model.CodeStale):
		return made, model.Stale("sourceId", "the role was named by somebody else at the same time", "read it again")
	}
	return made, err
}

// refer wants the holder to be somebody.
func (s *Service) refer(ctx context.Context, in *gate.Session, n NewRole) error {
	if n.TeamID != "" {
		_, err := gate.Refer(ctx, in, store.Teams, "teamId", gate.Each(s.gate.Team), n.TeamID)
		return err
	}
	_, err := gate.Refer(ctx, in, store.Principals, "principalId", gate.Each(s.gate.Principal), n.PrincipalID)
	return err
}

// roleOf gives the row of the holder in the source, or a new one.
func (s *Service) roleOf(ctx context.Context, source model.Source, n NewRole) (model.SourceRole, error) {
	index, path, holder := "by_principal", store.Path("principal"), n.PrincipalID
	if n.TeamID != "" {
		index, path, holder = "by_team", "team", n.TeamID
	}
	q := store.Query{Index: index, Where: store.And(store.Eq("source", string(source.ID)), store.Eq(path, string(holder)))}
	r, err := store.SourceRoles.First(ctx, s.store, q)
	if model.Is(err, model.KindNotFound) {
		return model.SourceRole{Meta: model.Meta{ID: model.NewID(model.PrefixRole)}, SourceID: source.ID, DomainID: source.DomainID, PrincipalID: n.PrincipalID, TeamID: n.TeamID}, nil
	}
	return r, err
}

// RemoveRole takes the name away: what the holder has by it in the source is
// taken away, too, and nothing more is given.
func (s *Service) RemoveRole(ctx context.Context, id model.ID) (model.SourceRole, error) {
	in := s.gate.Session()
	r, err := store.SourceRoles.Get(ctx, s.store, id)
	if err != nil {
		return r, err
	}
	_, answer, err := s.administered(ctx, in, r.SourceID)
	if model.Is(err, model.KindNotFound) {
		err = model.NotFound(store.SourceRoles.Schema().Noun, id)
	}
	if err != nil {
		return model.SourceRole{}, err
	}
	_, err = s.store.Apply(ctx, in.Change(ctx, "source_role.remove", r.ID, "", answer, store.SourceRoles.Delete(r)))
	return r, err
}

// Roles lists those of a source, to whoever may administer it.
func (s *Service) Roles(ctx context.Context, sourceID model.ID, p model.Paging) (model.Page[model.SourceRole], error) {
	in := s.gate.Session()
	source, _, err := s.administered(ctx, in, sourceID)
	if err != nil {
		return model.Page[model.SourceRole]{}, err
	}
	q := store.Query{Index: "by_role", Where: store.Eq("source", string(source.ID))}
	return gate.ListFor(ctx, in, model.ActSourceAdmin, store.SourceRoles, q, p, s.gate.SourceRoles)
}

// administered gives a source to whoever may administer it.
func (s *Service) administered(ctx context.Context, in *gate.Session, id model.ID) (model.Source, gate.Answer, error) {
	source, res, err := gate.See(ctx, in, store.Sources, id, s.gate.Source)
	if err != nil {
		return source, gate.Answer{}, err
	}
	answer, err := in.Require(ctx, model.ActSourceAdmin, res)
	return source, answer, err
}

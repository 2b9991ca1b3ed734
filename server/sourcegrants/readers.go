package sourcegrants

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// mostMembers is how large a team may be that reads by a role of its own: each
// member is asked about at every change.
const mostMembers = 500

// place is somebody, or a team, in a source.
type place struct{ source, holder model.ID }

// readers are the sources in which rights are given, and who reads there by which
// role. They are kept from round to round, and read anew when one of them was
// written.
type readers struct {
	sources  map[model.ID]model.Source
	removed  bool // there is one that was given rights in, and gives none any more
	roles    map[place]string
	teams    map[model.ID][]model.Principal // the members of each team that has a role, by id
	memberOf map[model.ID][]model.ID        // the other way round
}

// readReaders reads them all: a page or two for each source.
func readReaders(ctx context.Context, s store.Store) (*readers, error) {
	r := &readers{sources: map[model.ID]model.Source{}, roles: map[place]string{}, teams: map[model.ID][]model.Principal{}}
	for g, err := range store.SourceGrantings.All(ctx, s, store.Query{Index: "by_source", Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		source, err := store.Sources.Get(ctx, s, g.SourceID)
		if err != nil {
			return nil, err
		}
		if source.RemovedAt != nil {
			r.removed = true
			continue
		}
		r.sources[source.ID] = source
		q := store.Query{Index: "by_role", Where: store.Eq("source", string(source.ID)), Limit: store.MaxPage}
		for role, err := range store.SourceRoles.All(ctx, s, q) {
			if err != nil {
				return nil, err
			}
			r.roles[place{source.ID, role.Holder()}] = role.Role
			if role.TeamID != "" {
				r.teams[role.TeamID] = nil
			}
		}
	}
	return r, r.readMembers(ctx, s, slices.Sorted(maps.Keys(r.teams))...)
}

// readMembers reads who is in the teams.
func (r *readers) readMembers(ctx context.Context, s store.Store, teams ...model.ID) error {
	for _, team := range teams {
		var members []model.Principal
		for p, err := range store.Principals.All(ctx, s, store.Query{Index: "by_team", Where: store.Eq("team", string(team)), Limit: mostMembers + 1}) {
			if err != nil {
				return err
			}
			members = append(members, p)
		}
		slices.SortFunc(members, func(a, b model.Principal) int { return cmp.Compare(a.ID, b.ID) })
		r.teams[team] = members
	}
	r.memberOf = map[model.ID][]model.ID{}
	for _, team := range slices.Sorted(maps.Keys(r.teams)) {
		for _, p := range r.teams[team] {
			r.memberOf[p.ID] = append(r.memberOf[p.ID], team)
		}
	}
	return nil
}

// renew reads the teams anew that the principals have come into or left, or in
// which they are, and tells which those are.
func (r *readers) renew(ctx context.Context, s store.Store, principals []model.ID) ([]model.ID, error) {
	touched := map[model.ID]bool{}
	for _, id := range principals {
		for _, team := range r.memberOf[id] {
			touched[team] = true
		}
	}
	if len(r.teams) > 0 {
		for part := range slices.Chunk(principals, store.MaxIn) {
			found, err := store.Principals.GetMany(ctx, s, part...)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				for _, team := range p.TeamIDs {
					if _, reads := r.teams[team]; reads {
						touched[team] = true
					}
				}
			}
		}
	}
	teams := slices.Sorted(maps.Keys(touched))
	if len(teams) == 0 {
		return nil, nil
	}
	return teams, r.readMembers(ctx, s, teams...)
}

// moved tells whether rights are given in another source than before, in one less,
// or in one that has another domain now.
func (r *readers) moved(before *readers) bool {
	return !maps.EqualFunc(r.sources, before.sources, func(a, b model.Source) bool { return a.DomainID == b.DomainID })
}

// changed tells who has another role than before in some source, or none any
// more, or the first.
func (r *readers) changed(before *readers) []model.ID {
	touched := map[model.ID]bool{}
	for at, role := range r.roles {
		touched[at.holder] = touched[at.holder] || before.roles[at] != role
	}
	for at := range before.roles {
		_, still := r.roles[at]
		touched[at.holder] = touched[at.holder] || !still
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(touched)), func(id model.ID) bool { return !touched[id] })
}

// gives tells whether a right can be given in any source, or may have to be taken away.
func (r *readers) gives() bool { return len(r.sources) > 0 || r.removed }

// reads tells by which role.
func (r *readers) reads(source, holder model.ID) string { return r.roles[place{source, holder}] }

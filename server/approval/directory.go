package approval

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// directory is what the matters need to know of people and domains, as they
// stand now. Nothing of it is kept beyond one count.
type directory struct {
	domains map[model.Slug]model.Domain
	people  map[model.ID]model.Principal
	order   []model.ID // of the people, by name

	names []store.Value // of the domains that were looked for
	ids   []model.ID    // of the people that were
}

// readDirectory reads the domains that the matters name, their stewards, the platform's
// stewards, the owners and the voters: one query a kind, however many matters.
func (r *Room) readDirectory(ctx context.Context, matters []Matter, read []model.Domain) (*directory, error) {
	c := &directory{domains: map[model.Slug]model.Domain{}, people: map[model.ID]model.Principal{}}
	ids, err := r.readDomains(ctx, c, matters, read)
	if err != nil {
		return nil, err
	}
	for _, m := range matters {
		ids = append(ids, m.people()...)
	}
	if err := r.readPeople(ctx, c, ids); err != nil {
		return nil, err
	}
	q := store.Query{Index: "by_role", Where: store.Eq("role", string(model.RoleSteward)), Limit: store.MaxPage}
	for p, err := range store.Principals.All(ctx, r.store, q) {
		if err != nil {
			return nil, err
		}
		c.people[p.ID] = p
	}
	for id := range c.people {
		c.order = append(c.order, id)
	}
	slices.SortFunc(c.order, func(a, b model.ID) int { return compareNames(c.people[a], c.people[b]) })
	return c, nil
}

func compareNames(a, b model.Principal) int {
	switch {
	case a.Name < b.Name:
		return -1
	case a.Name > b.Name:
		return 1
	}
	return 0
}

// readDomains reads the domains whose stewards are wanted, but for those that
// the operation has read, and lists the stewards.
func (r *Room) readDomains(ctx context.Context, c *directory, matters []Matter, read []model.Domain) ([]model.ID, error) {
	for _, m := range matters {
		for _, name := range m.domains() {
			if !slices.Contains(c.names, name) {
				c.names = append(c.names, name)
			}
		}
	}
	var stewards []model.ID
	names := slices.Clone(c.names)
	for _, d := range read {
		if i := slices.Index(names, store.Value(string(d.Name))); i >= 0 {
			c.domains[d.Name], names = d, slices.Delete(names, i, i+1)
			stewards = append(stewards, d.StewardIDs...)
		}
	}
	for part := range slices.Chunk(names, store.MaxIn) {
		for d, err := range store.Domains.All(ctx, r.store, store.Query{Index: "by_name", Where: store.In("name", part...), Limit: store.MaxPage}) {
			if err != nil {
				return nil, err
			}
			c.domains[d.Name] = d
			stewards = append(stewards, d.StewardIDs...)
		}
	}
	return stewards, nil
}

// domains names the domains whose stewards are wanted, or have voted.
func (m Matter) domains() []store.Value {
	var names []store.Value
	t := Tally{matter: m}
	for _, a := range append(slices.Clone(m.Approvals), cast(m.Votes)...) {
		if name := store.Value(string(t.domainOf(a))); a.Role == model.ApproverDomainSteward && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// people lists who has to do with the matter by themselves.
func (m Matter) people() []model.ID {
	ids := []model.ID{m.Owner}
	for _, v := range m.Votes {
		ids = append(ids, v.ApproverID)
	}
	return ids
}

// covers reports whether the directory has what the matter needs.
func (c *directory) covers(m Matter) bool {
	return !slices.ContainsFunc(m.domains(), func(name store.Value) bool { return !slices.Contains(c.names, name) }) &&
		!slices.ContainsFunc(m.people(), func(id model.ID) bool { return id != "" && !slices.Contains(c.ids, id) && c.people[id].ID == "" })
}

// cast gives the approvals that votes were cast for.
func cast(votes []model.Vote) []model.Approval {
	approvals := make([]model.Approval, len(votes))
	for i, v := range votes {
		approvals[i] = model.Approval{Role: v.Role, Domain: v.Domain}
	}
	return approvals
}

func (r *Room) readPeople(ctx context.Context, c *directory, ids []model.ID) error {
	ids = slices.DeleteFunc(ids, func(id model.ID) bool { return id == "" })
	slices.Sort(ids)
	c.ids = slices.Compact(ids)
	for part := range slices.Chunk(c.ids, store.MaxIn) {
		found, err := store.Principals.GetMany(ctx, r.store, part...)
		if err != nil {
			return err
		}
		for _, p := range found {
			c.people[p.ID] = p
		}
	}
	return nil
}

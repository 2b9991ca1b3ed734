package gate

import (
	"context"
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Events describes lines of the audit feed to the policies. A line belongs to
// the domain of what it tells of, and the requester is who acted.
func (g *Gate) Events(ctx context.Context, events []model.Event) ([]policy.Resource, error) {
	domains, err := g.domainsOf(ctx, events)
	if err != nil {
		return nil, err
	}
	resources := make([]policy.Resource, len(events))
	for i, e := range events {
		domain, err := g.DomainName(ctx, domains[e.SubjectID])
		if err != nil {
			return nil, err
		}
		resources[i] = policy.Resource{Type: "event", ID: e.ID, Name: e.Action, Domain: domain, Requester: e.ActorID}
	}
	return resources, nil
}

// domainsOf finds the domain of every subject, with one read a kind. What has
// none, or is gone, is the platform's business.
func (g *Gate) domainsOf(ctx context.Context, events []model.Event) (map[model.ID]model.ID, error) {
	ids := make([]model.ID, len(events))
	for i, e := range events {
		ids[i] = e.SubjectID
	}
	subjects, of := byPrefix(ids), map[model.ID]model.ID{}
	for _, n := range slices.Concat(g.nouns, g.unasked) {
		if list := subjects[n.Prefix]; n.place != nil && len(list) > 0 {
			if err := n.place(ctx, list, of); err != nil {
				return nil, err
			}
		}
	}
	return of, nil
}

// throughSources places harvest runs, which lie where their sources do.
func throughSources(g *Gate) placing {
	return func(ctx context.Context, runs []model.ID, of map[model.ID]model.ID) error {
		source, domain := map[model.ID]model.ID{}, map[model.ID]model.ID{}
		if err := place(ctx, g, store.Runs, runs, source, func(r model.Run) model.ID { return r.SourceID }); err != nil {
			return err
		}
		sources := slices.Sorted(maps.Values(source))
		if err := place(ctx, g, store.Sources, slices.Compact(sources), domain, func(s model.Source) model.ID { return s.DomainID }); err != nil {
			return err
		}
		for run, id := range source {
			of[run] = domain[id]
		}
		return nil
	}
}

// byDomainName places records that know their domain by its name. Those of no
// domain, or of one that was renamed or removed since, are the platform's.
func byDomainName[T any, P model.PointerTo[T]](g *Gate, table store.Table[T, P], domain func(T) model.Slug) placing {
	return func(ctx context.Context, ids []model.ID, of map[model.ID]model.ID) error {
		found, err := table.GetMany(ctx, g.store, ids...)
		if err != nil {
			return err
		}
		named := map[model.Slug]model.ID{"": ""}
		for _, n := range found {
			name := domain(n)
			if _, known := named[name]; !known {
				d, err := store.DomainNamed(ctx, g.store, name)
				if err != nil && !model.Is(err, model.KindNotFound) {
					return err
				}
				named[name] = d.ID
			}
			of[P(&n).Head().ID] = named[name]
		}
		return nil
	}
}

// place notes for every noun among the ids where it lies.
func place[T any, P model.PointerTo[T]](ctx context.Context, g *Gate, table store.Table[T, P], ids []model.ID, of map[model.ID]model.ID, where func(T) model.ID) error {
	if len(ids) == 0 {
		return nil
	}
	found, err := table.GetMany(ctx, g.store, ids...)
	for _, n := range found {
		of[P(&n).Head().ID] = where(n)
	}
	return err
}

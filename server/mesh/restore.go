package mesh

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Restore brings a removed domain, team or data product back as it was. A name
// that somebody else has taken, or a domain that is gone, is an error of kind
// Conflict. A retired product comes back retired.
func (s *Service) Restore(ctx context.Context, kept model.Removed) (model.Noun, error) {
	r, err := s.removable(kept.RecordID)
	if err != nil {
		return nil, err
	}
	return r.restore(ctx, s.gate.Session(), kept)
}

func (s *Service) restoreDomain(ctx context.Context, in *gate.Session, kept model.Removed) (model.Noun, error) {
	d, err := gate.Restored[model.Domain](kept)
	if err != nil {
		return nil, err
	}
	answer, err := in.Require(ctx, model.ActDomainAdmin, s.gate.Platform("domain", string(d.Name)))
	if err != nil {
		return nil, err
	}
	above, err := s.above(ctx, in, d)
	if err != nil {
		return nil, err
	}
	people, err := store.Principals.GetMany(ctx, s.store, d.StewardIDs...)
	if err != nil {
		return nil, err
	}
	d.StewardIDs = nil // those who have gone meanwhile stay away
	for _, p := range people {
		d.StewardIDs = append(d.StewardIDs, p.ID)
	}
	back, err := restore(ctx, s, in, store.Domains, d, kept, answer, above...)
	return &back, err
}

func (s *Service) restoreTeam(ctx context.Context, in *gate.Session, kept model.Removed) (model.Noun, error) {
	t, err := gate.Restored[model.Team](kept)
	if err != nil {
		return nil, err
	}
	d, err := s.homeOf(ctx, t.DomainID)
	if err != nil {
		return nil, err
	}
	answer, err := s.requireDomain(ctx, in, d)
	if err != nil {
		return nil, err
	}
	if err := s.gate.Free(ctx, model.PrefixTeam, t.DomainID, string(t.Name), t.ID); err != nil {
		return nil, err
	}
	back, err := restore(ctx, s, in, store.Teams, t, kept, answer, store.Domains.Put(d))
	return &back, err
}

func (s *Service) restoreProduct(ctx context.Context, in *gate.Session, kept model.Removed) (model.Noun, error) {
	p, err := gate.Restored[model.DataProduct](kept)
	if err != nil {
		return nil, err
	}
	d, err := s.homeOf(ctx, p.DomainID)
	if err != nil {
		return nil, err
	}
	answer, err := s.requireCreate(ctx, in, p)
	if err != nil {
		return nil, err
	}
	if err := s.checkRefs(ctx, in, model.DataProduct{}, p); err != nil {
		return nil, err
	}
	if err := s.gate.Free(ctx, model.PrefixProduct, p.DomainID, string(p.Name), p.ID); err != nil {
		return nil, err
	}
	back, err := restore(ctx, s, in, store.Products, p, kept, answer, store.Domains.Put(d))
	return &back, err
}

// homeOf finds the domain that a removed record comes back to. The record that
// is written with it fails when the domain goes in the same moment.
func (s *Service) homeOf(ctx context.Context, id model.ID) (model.Domain, error) {
	d, err := store.Domains.Get(ctx, s.store, id)
	if model.Is(err, model.KindNotFound) {
		return d, model.Conflict("id", "the domain that it belonged to is removed too", "restore the domain first")
	}
	return d, err
}

func restore[T any, P model.PointerTo[T]](ctx context.Context, s *Service, in *gate.Session, table store.Table[T, P], n T, kept model.Removed, answer gate.Answer, more ...store.Write) (T, error) {
	writes := append([]store.Write{table.Put(n), store.Removals.Delete(kept)}, more...)
	back, err := table.Apply(ctx, s.store, in.Change(ctx, "record.restore", kept.RecordID, "", answer, writes...))
	s.gate.Renamed()
	return back, err
}

// Removal finds a removed record that the actor may bring back.
func (s *Service) Removal(ctx context.Context, id model.ID) (model.Removed, error) {
	kept, err := s.gate.Removal(ctx, id)
	if err != nil {
		return kept, err
	}
	return gate.SeeLoaded(ctx, s.gate, model.ActDomainAdmin, "removed record", kept, s.gate.Removed)
}

// Removals lists what was removed and can be restored, the newest last.
func (s *Service) Removals(ctx context.Context, p model.Paging) (model.Page[model.Removed], error) {
	return gate.ListFor(ctx, s.gate, model.ActDomainAdmin, store.Removals, store.Query{Index: "by_created"}, p, gate.Each(s.gate.Removed))
}

package harvest

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/increment"
	"github.com/souk-mesh/souk/server/harvest/journal"
	"github.com/souk-mesh/souk/server/harvest/memory"
	"github.com/souk-mesh/souk/server/store"
)

// Dependents is what hangs on a source.
type Dependents struct {
	Assets   int // that it shows
	OnlyHere int // of these, the ones that no other source shows: they are retired when the source goes
	Products int // that offer one of those
}

// Dependents counts what hangs on the source, for whoever thinks of removing it.
func (s *Service) Dependents(ctx context.Context, sourceID model.ID) (Dependents, error) {
	var d Dependents
	if _, err := s.Source(ctx, sourceID); err != nil {
		return d, err
	}
	products := map[model.ID]bool{}
	err := s.shown(ctx, sourceID, func(a model.Asset) error {
		d.Assets++
		if slices.ContainsFunc(a.Sightings, func(o model.Sighting) bool { return o.SourceID != sourceID }) {
			return nil
		}
		d.OnlyHere++
		q := store.Query{Index: "by_asset", Where: store.Eq("asset", string(a.ID)), Limit: store.MaxPage}
		for p, err := range store.Products.All(ctx, s.store, q) {
			if err != nil {
				return err
			}
			products[p.ID] = true
		}
		return nil
	})
	d.Products = len(products)
	return d, err
}

// shown walks the assets that the source shows, in whatever scope: a run that
// broke off has left some in scopes that nobody remembers.
func (s *Service) shown(ctx context.Context, sourceID model.ID, do func(model.Asset) error) error {
	for a, err := range store.Assets.All(ctx, s.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		if slices.ContainsFunc(a.Sightings, func(o model.Sighting) bool { return o.SourceID == sourceID }) {
			if err := do(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// RemoveSource takes a source out of use: it is not run any more, its name is
// free, and what it had shown is taken back as a complete harvest that shows
// nothing would. RestoreSource undoes it.
func (s *Service) RemoveSource(ctx context.Context, id model.ID, expected *model.Revision) (model.Source, error) {
	in := s.gate.Session()
	source, answer, err := s.administered(ctx, in, id)
	if err != nil {
		return model.Source{}, err
	}
	if expected != nil && *expected != source.Revision {
		return model.Source{}, stale()
	}
	if source.RemovedAt == nil {
		if err := s.free(ctx, source); err != nil {
			return model.Source{}, err
		}
		at := s.now()
		source.RemovedAt, source.Checkpoint, source.CheckpointRun = &at, nil, ""
		increment.Forget(&source)
		writes, err := memory.Forget(ctx, s.store, source.ID)
		if err != nil {
			return model.Source{}, err
		}
		source, err = store.Sources.Apply(ctx, s.store, in.Change(ctx, "source.remove", source.ID, string(source.Name), answer, append(writes, store.Sources.Put(source))...))
		if err != nil {
			return model.Source{}, lost(err, "")
		}
	}
	return source, s.takeBackAll(ctx, source)
}

// takeBackAll withdraws what the source had shown, scope by scope in changes of
// a bounded size. To remove a removed source again goes on where that broke off.
func (s *Service) takeBackAll(ctx context.Context, source model.Source) error {
	scopes, err := s.scopesOf(ctx, source)
	if err != nil || len(scopes) == 0 {
		return err
	}
	for _, scope := range scopes {
		err := repeat(ctx, func() error {
			gone, err := s.catalog.Retire(ctx, source, scope, nil)
			if err != nil {
				return err
			}
			flows, err := s.lineage.Withdraw(ctx, source.ID, scope, nil)
			if err != nil {
				return err
			}
			for part, err := range s.parts(ctx, source.ID, scope, vanished{gone: gone, flows: flows.EdgeIDs}) {
				if err != nil {
					return err
				}
				change := store.Change{Actor: model.System().ID, Action: "source.withdraw", Subject: source.ID, Reason: clip(scope, maxSample), Request: model.RequestIDFrom(ctx), Writes: part}
				if _, err := s.store.Apply(ctx, change); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	// What the last run wrote over cannot be put back any more, and nobody asks for it.
	return journal.Drop(ctx, s.store, source.ID, "")
}

// scopesOf lists the scopes in which anything of the source stands.
func (s *Service) scopesOf(ctx context.Context, source model.Source) ([]string, error) {
	scopes := slices.Clone(source.Scopes)
	runs := store.Query{Index: "by_source", Where: store.Eq("source", string(source.ID)), Limit: store.MaxPage}
	for r, err := range store.Runs.All(ctx, s.store, runs) {
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, r.Scopes...)
	}
	err := s.shown(ctx, source.ID, func(a model.Asset) error {
		for _, o := range a.Sightings {
			if o.SourceID == source.ID && !slices.Contains(scopes, o.Scope) {
				scopes = append(scopes, o.Scope)
			}
		}
		return nil
	})
	return unique(scopes), err
}

// RestoreSource brings a removed source back, under another name if its own has
// been taken. What it showed comes back with its next run, as the same assets.
func (s *Service) RestoreSource(ctx context.Context, id model.ID, name model.Slug) (model.Source, error) {
	in := s.gate.Session()
	source, answer, err := s.administered(ctx, in, id)
	if err != nil {
		return model.Source{}, err
	}
	if source.RemovedAt == nil {
		return source, nil
	}
	if name != "" {
		if err := name.Validate("name"); err != nil {
			return model.Source{}, err
		}
		source.Name = name
	}
	source.RemovedAt, source.FailedRuns = nil, 0
	restored, err := store.Sources.Apply(ctx, s.store, in.Change(ctx, "source.restore", source.ID, string(source.Name), answer, store.Sources.Put(source)))
	return restored, lost(err, "restore it under another name")
}

// inUse refuses to go on with a removed source.
func inUse(source model.Source) error {
	if source.RemovedAt == nil {
		return nil
	}
	return model.Conflict("id", "the source has been removed", "restore it first, with restoreSource")
}

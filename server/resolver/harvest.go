package resolver

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/harvest/increment"
)

// triggerManual is how runs that a person starts here are marked.
const triggerManual = "manual"

// Source resolves the field source.
func (q query) Source(ctx context.Context, id *model.ID, name *model.Slug) (*model.Source, error) {
	if err := oneOf(id != nil, name != nil); err != nil {
		return nil, err
	}
	if id != nil {
		s, err := q.s.Harvest.Source(ctx, *id)
		return orNull(ctx, s, err)
	}
	s, err := q.s.Harvest.SourceByName(ctx, *name)
	return orNull(ctx, s, err)
}

// Sources resolves the field sources.
func (q query) Sources(ctx context.Context, domainID *model.ID, first int, after *string) (*graph.SourceConnection, error) {
	page, err := q.s.Harvest.Sources(ctx, deref(domainID), paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"domainId", deref(domainID), model.PrefixDomain})
	}
	return (*graph.SourceConnection)(connect[model.Source, graph.SourceEdge](ctx, page)), err
}

// HarvestRun resolves the field harvestRun.
func (q query) HarvestRun(ctx context.Context, id model.ID) (*model.Run, error) {
	r, err := q.s.Harvest.HarvestRun(ctx, id)
	return orNull(ctx, r, err)
}

// HarvestRuns resolves the field harvestRuns.
func (q query) HarvestRuns(ctx context.Context, filter *graph.HarvestRunFilter, first int, after *string) (*graph.HarvestRunConnection, error) {
	f := deref(filter)
	page, err := q.s.Harvest.Runs(ctx, harvest.RunFilter{SourceID: given(f.SourceID), Status: given(f.Status)}, paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"filter.sourceId", given(f.SourceID), model.PrefixSource})
	}
	return (*graph.HarvestRunConnection)(connect[model.Run, graph.HarvestRunEdge](ctx, page)), err
}

// Plugins resolves the field plugins.
func (q query) Plugins(ctx context.Context) ([]*model.PluginInfo, error) {
	return pointers(q.s.Harvest.Plugins(ctx)), nil
}

// CreateSource resolves the mutation.
func (m mutation) CreateSource(ctx context.Context, in graph.CreateSourceInput) (*graph.CreateSourcePayload, error) {
	references, err := secrets(in.Secrets.Value())
	var s model.Source
	if err == nil {
		s, err = m.s.Harvest.CreateSource(ctx, harvest.NewSource{
			Name: in.Name, DomainID: in.DomainID, Plugin: in.Plugin, Config: in.Config, Secrets: references, Schedule: given(in.Schedule), FullEvery: edit(in.FullEvery),
		})
	}
	made, problems, err := answer(ctx, s, err)
	return &graph.CreateSourcePayload{Source: made, UserErrors: problems}, err
}

// UpdateSource resolves the mutation.
func (m mutation) UpdateSource(ctx context.Context, in graph.UpdateSourceInput) (*graph.UpdateSourcePayload, error) {
	change := harvest.SourceEdit{
		ID: in.ID, Name: edit(in.Name), DomainID: edit(in.DomainID), Schedule: edit(in.Schedule), FullEvery: edit(in.FullEvery), Paused: edit(in.IsPaused), AllowRetireAll: edit(in.AllowsRetireAll), RetireAllWhy: edit(in.RetireAllReason), ExpectedRevision: expected(in.ExpectedVersion),
	}
	if config := in.Config.Value(); config != nil {
		change.Config = &config
	}
	references, err := secrets(in.Secrets.Value())
	if in.Secrets.IsSet() {
		change.Secrets = &references
	}
	var s model.Source
	if err == nil {
		s, err = m.s.Harvest.UpdateSource(ctx, change)
	}
	changed, problems, err := answer(ctx, s, err)
	return &graph.UpdateSourcePayload{Source: changed, UserErrors: problems}, err
}

// RemoveSource resolves the mutation.
func (m mutation) RemoveSource(ctx context.Context, in graph.RemoveSourceInput) (*graph.RemoveSourcePayload, error) {
	s, err := m.s.Harvest.RemoveSource(ctx, in.ID, expected(in.ExpectedVersion))
	removed, problems, err := answer(ctx, s, err)
	return &graph.RemoveSourcePayload{Source: removed, UserErrors: problems}, err
}

// RestoreSource resolves the mutation.
func (m mutation) RestoreSource(ctx context.Context, in graph.RestoreSourceInput) (*graph.RestoreSourcePayload, error) {
	s, err := m.s.Harvest.RestoreSource(ctx, in.ID, given(in.Name))
	restored, problems, err := answer(ctx, s, err)
	return &graph.RestoreSourcePayload{Source: restored, UserErrors: problems}, err
}

// Dependents resolves what hangs on the source.
func (r source) Dependents(ctx context.Context, s *model.Source) (*graph.SourceDependents, error) {
	d, err := r.s.Harvest.Dependents(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	return &graph.SourceDependents{Assets: d.Assets, AssetsOnlyHere: d.OnlyHere, DataProducts: d.Products}, nil
}

// CheckSource resolves the mutation.
func (m mutation) CheckSource(ctx context.Context, in graph.CheckSourceInput) (*graph.CheckSourcePayload, error) {
	capabilities, failure, err := m.s.Harvest.Check(ctx, in.ID)
	found, problems, err := answer(ctx, capabilities, err)
	payload := &graph.CheckSourcePayload{Failure: failure, UserErrors: problems}
	if found != nil {
		payload.Capabilities = pointers(*found)
	}
	return payload, err
}

// CheckSourceConfig resolves the mutation.
func (m mutation) CheckSourceConfig(ctx context.Context, in graph.CheckSourceConfigInput) (*graph.CheckSourceConfigPayload, error) {
	references, err := secrets(in.Secrets.Value())
	var capabilities []model.Capability
	var failure *model.Failure
	if err == nil {
		capabilities, failure, err = m.s.Harvest.CheckConfig(ctx, harvest.NewSource{DomainID: given(in.DomainID), Plugin: in.Plugin, Config: in.Config, Secrets: references})
	}
	found, problems, err := answer(ctx, capabilities, err)
	payload := &graph.CheckSourceConfigPayload{Failure: failure, UserErrors: problems}
	if found != nil {
		payload.Capabilities = pointers(*found)
	}
	return payload, err
}

// StartHarvest resolves the mutation.
func (m mutation) StartHarvest(ctx context.Context, in graph.StartHarvestInput) (*graph.StartHarvestPayload, error) {
	r, err := m.s.Harvest.StartAs(ctx, in.SourceID, triggerManual, harvest.How{Preview: in.IsPreview, Full: in.IsFull})
	started, problems, err := answer(ctx, r, err)
	return &graph.StartHarvestPayload{Run: started, UserErrors: problems}, err
}

// CancelHarvest resolves the mutation.
func (m mutation) CancelHarvest(ctx context.Context, in graph.CancelHarvestInput) (*graph.CancelHarvestPayload, error) {
	r, err := m.s.Harvest.Cancel(ctx, in.ID)
	ending, problems, err := answer(ctx, r, err)
	return &graph.CancelHarvestPayload{Run: ending, UserErrors: problems}, err
}

// UndoHarvest resolves the mutation.
func (m mutation) UndoHarvest(ctx context.Context, in graph.UndoHarvestInput) (*graph.UndoHarvestPayload, error) {
	u, err := m.s.Harvest.Undo(ctx, in.ID)
	undone, problems, err := answer(ctx, u.Run, err)
	payload := &graph.UndoHarvestPayload{Run: undone, UserErrors: problems}
	if undone != nil {
		payload.Restored, payload.Left = &u.Restored, &u.Left
	}
	return payload, err
}

// HarvestRun resolves the subscription: each state of the run until it has
// ended or the subscriber has gone.
func (s subscription) HarvestRun(ctx context.Context, id model.ID) (<-chan *model.Run, error) {
	states, err := s.s.Harvest.Watch(ctx, id)
	if err != nil {
		return nil, err
	}
	return stream(ctx, states, func(ctx context.Context) (bool, error) {
		_, err := s.s.Harvest.HarvestRun(ctx, id)
		return err == nil, err
	}), nil
}

// Domain resolves whose source it is.
func (source) Domain(ctx context.Context, s *model.Source) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, s.DomainID)
}

// FullEvery resolves the longest time between two runs that read everything.
func (source) FullEvery(_ context.Context, s *model.Source) (time.Duration, error) {
	return increment.Every(*s), nil
}

// FullDueAt resolves from when on the next run reads everything.
func (source) FullDueAt(_ context.Context, s *model.Source) (*time.Time, error) {
	return increment.Due(*s), nil
}

// Secrets resolves where a source's secrets are to be found.
func (source) Secrets(_ context.Context, s *model.Source) ([]*graph.Secret, error) {
	made := make([]*graph.Secret, 0, len(s.Secrets))
	for field, reference := range s.Secrets {
		made = append(made, &graph.Secret{Field: field, Reference: reference})
	}
	slices.SortFunc(made, func(a, b *graph.Secret) int { return cmp.Compare(a.Field, b.Field) })
	return made, nil
}

// LastRun resolves a source's last run.
func (source) LastRun(ctx context.Context, s *model.Source) (*model.Run, error) {
	return linkTo[model.Run](ctx, s.LastRunID)
}

// ViewerCan resolves the viewer's rights over a source.
func (r source) ViewerCan(ctx context.Context, s *model.Source) (*graph.SourceRights, error) {
	can, err := r.s.Harvest.Can(ctx, s.ID, model.ActSourceAdmin)
	return &graph.SourceRights{Administer: can[model.ActSourceAdmin]}, err
}

// Source resolves what a run harvested.
func (harvestRun) Source(ctx context.Context, r *model.Run) (*model.Source, error) {
	return linkTo[model.Source](ctx, r.SourceID)
}

// IsFull resolves whether a run read everything.
func (harvestRun) IsFull(_ context.Context, r *model.Run) (bool, error) { return !r.Changes, nil }

// StartedBy resolves who started a run.
func (harvestRun) StartedBy(ctx context.Context, r *model.Run) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, r.StartedBy)
}

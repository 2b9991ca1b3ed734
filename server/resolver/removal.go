package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
)

// owner is the service that keeps the record of an id.
func (s Services) isIdentity(id model.ID) bool {
	return id.Prefix() == model.PrefixPrincipal || id.Prefix() == model.PrefixToken
}

// removable reports an id of something that is never removed.
func removable(id model.ID) error {
	switch id.Prefix() {
	case model.PrefixDomain, model.PrefixTeam, model.PrefixProduct, model.PrefixPrincipal, model.PrefixToken:
		return nil
	default:
		return model.NotFound("domain, team, principal, data product or token", id)
	}
}

// Dependencies resolves the field dependencies.
func (q query) Dependencies(ctx context.Context, id model.ID) ([]*model.Dependency, error) {
	if err := removable(id); err != nil {
		return nil, err
	}
	find := q.s.Mesh.Dependencies
	if q.s.isIdentity(id) {
		find = q.s.Identity.Dependencies
	}
	deps, err := find(ctx, id)
	return pointers(deps), err
}

// RemovedRecords resolves the field removedRecords.
func (q query) RemovedRecords(ctx context.Context, first int, after *string) (*graph.RemovedRecordConnection, error) {
	page, err := q.s.Mesh.Removals(ctx, paging(first, after))
	return (*graph.RemovedRecordConnection)(connect[model.Removed, graph.RemovedRecordEdge](ctx, page)), err
}

// Domain resolves whose a removed record was.
func (removedRecord) Domain(ctx context.Context, r *model.Removed) (*model.Domain, error) {
	return follow(ctx, &linksFrom(ctx).domains, r.DomainID)
}

// RemovedBy resolves who removed a record.
func (removedRecord) RemovedBy(ctx context.Context, r *model.Removed) (*model.Principal, error) {
	return follow(ctx, &linksFrom(ctx).principals, r.ActorID)
}

// Samples resolves some of those that point at a record.
func (dependency) Samples(_ context.Context, d *model.Dependency) ([]*model.Dependent, error) {
	return pointers(d.Samples), nil
}

// UpdateTeam resolves the mutation.
func (m mutation) UpdateTeam(ctx context.Context, in graph.UpdateTeamInput) (*graph.UpdateTeamPayload, error) {
	t, err := m.s.Mesh.UpdateTeam(ctx, mesh.TeamEdit{ID: in.ID, DisplayName: edit(in.DisplayName), DomainID: edit(in.DomainID), ExpectedRevision: expected(in.ExpectedVersion)})
	changed, problems, err := answer(ctx, t, err)
	return &graph.UpdateTeamPayload{Team: changed, UserErrors: problems}, err
}

// MoveDataProduct resolves the mutation.
func (m mutation) MoveDataProduct(ctx context.Context, in graph.MoveDataProductInput) (*graph.MoveDataProductPayload, error) {
	p, err := m.s.Mesh.MoveProduct(ctx, in.ID, in.DomainID, expected(in.ExpectedVersion))
	moved, problems, err := answer(ctx, p, err)
	return &graph.MoveDataProductPayload{DataProduct: moved, UserErrors: problems}, err
}

// RenameRecord resolves the mutation.
func (m mutation) RenameRecord(ctx context.Context, in graph.RenameRecordInput) (*graph.RenameRecordPayload, error) {
	record, name, err := m.rename(ctx, in)
	_, problems, err := answer(ctx, struct{}{}, err)
	payload := &graph.RenameRecordPayload{UserErrors: problems}
	if err == nil && len(problems) == 0 {
		payload.ID, payload.Name = &in.ID, &name
		if record != nil {
			linksFrom(ctx).note(record)
			payload.Record = record
		}
	}
	return payload, err
}

// rename gives the record, unless it is no node, and its name now.
func (m mutation) rename(ctx context.Context, in graph.RenameRecordInput) (model.Noun, string, error) {
	renaming := mesh.Renaming{ID: in.ID, Name: model.Slug(in.Name), ExpectedRevision: expected(in.ExpectedVersion)}
	switch in.ID.Prefix() {
	case model.PrefixDomain:
		d, err := m.s.Mesh.RenameDomain(ctx, renaming)
		return &d, string(d.Name), err
	case model.PrefixTeam:
		t, err := m.s.Mesh.RenameTeam(ctx, renaming)
		return &t, string(t.Name), err
	case model.PrefixProduct:
		p, err := m.s.Mesh.RenameProduct(ctx, renaming)
		return &p, string(p.Name), err
	case model.PrefixPrincipal:
		p, err := m.s.Identity.RenamePrincipal(ctx, in.ID, in.Name, renaming.ExpectedRevision)
		return &p, p.Name, err
	case model.PrefixToken:
		t, err := m.s.Identity.RenameToken(ctx, in.ID, in.Name, renaming.ExpectedRevision)
		return nil, t.Name, err
	default:
		return nil, "", removable(in.ID)
	}
}

// RemoveRecord resolves the mutation.
func (m mutation) RemoveRecord(ctx context.Context, in graph.RemoveRecordInput) (*graph.RemoveRecordPayload, error) {
	remove := m.s.Mesh.Remove
	if m.s.isIdentity(in.ID) {
		remove = m.s.Identity.Remove
	}
	var kept model.Removed
	err := removable(in.ID)
	if err == nil {
		kept, err = remove(ctx, in.ID, given(in.Reason))
	}
	removed, problems, err := answer(ctx, kept, err)
	return &graph.RemoveRecordPayload{Removed: removed, UserErrors: problems}, err
}

// RestoreRecord resolves the mutation.
func (m mutation) RestoreRecord(ctx context.Context, in graph.RestoreRecordInput) (*graph.RestoreRecordPayload, error) {
	record, err := m.restore(ctx, in.ID)
	_, problems, err := answer(ctx, struct{}{}, err)
	payload := &graph.RestoreRecordPayload{UserErrors: problems}
	if err == nil && len(problems) == 0 {
		payload.ID = &in.ID
		if _, token := record.(*model.Token); !token {
			linksFrom(ctx).note(record)
			payload.Record = record
		}
	}
	return payload, err
}

func (m mutation) restore(ctx context.Context, id model.ID) (model.Noun, error) {
	kept, err := m.s.Mesh.Removal(ctx, id)
	if err != nil {
		return nil, err
	}
	if m.s.isIdentity(id) {
		return m.s.Identity.Restore(ctx, kept)
	}
	return m.s.Mesh.Restore(ctx, kept)
}

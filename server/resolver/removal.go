package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
)

// removal is how a noun is corrected and taken away, by the service that keeps it.
type removal struct {
	words        string // what people call it
	dependencies func(context.Context, model.ID) ([]model.Dependency, error)
	remove       func(ctx context.Context, id model.ID, reason string) (model.Removed, error)
	restore      func(context.Context, model.Removed) (model.Noun, error)
	rename       renaming
}

// renaming gives the record and its name now.
type renaming func(context.Context, mesh.Renaming) (model.Noun, string, error)

func (s Services) inMesh(words string, rename renaming) removal {
	return removal{words, s.Mesh.Dependencies, s.Mesh.Remove, s.Mesh.Restore, rename}
}

func (s Services) inIdentity(words string, rename renaming) removal {
	return removal{words, s.Identity.Dependencies, s.Identity.Remove, s.Identity.Restore, rename}
}

// renames takes the call of a service that renames, and tells the name that came of it.
func renames[T any, P model.PointerTo[T], S ~string](rename func(context.Context, mesh.Renaming) (T, error), name func(*T) S) renaming {
	return func(ctx context.Context, r mesh.Renaming) (model.Noun, string, error) {
		n, err := rename(ctx, r)
		return P(&n), string(name(&n)), err
	}
}

func (s Services) renamePrincipal(ctx context.Context, r mesh.Renaming) (model.Principal, error) {
	return s.Identity.RenamePrincipal(ctx, r.ID, string(r.Name), r.ExpectedRevision)
}

func (s Services) renameToken(ctx context.Context, r mesh.Renaming) (model.Token, error) {
	return s.Identity.RenameToken(ctx, r.ID, string(r.Name), r.ExpectedRevision)
}

// removable finds the row of a record that can be removed, or says which can.
func (l *links) removable(id model.ID) (*noun, error) {
	if n := l.nouns.of(id); n != nil && n.removal != nil {
		return n, nil
	}
	var words []string
	for _, n := range l.nouns.rows {
		if n.removal != nil {
			words = append(words, n.removal.words)
		}
	}
	return nil, model.NotFound(model.OneOf(words), id)
}

// Dependencies resolves the field dependencies.
func (q query) Dependencies(ctx context.Context, id model.ID) ([]*model.Dependency, error) {
	n, err := linksFrom(ctx).removable(id)
	if err != nil {
		return nil, err
	}
	deps, err := n.removal.dependencies(ctx, id)
	return pointers(deps), err
}

// RemovedRecords resolves the field removedRecords.
func (q query) RemovedRecords(ctx context.Context, first int, after *string) (*graph.RemovedRecordConnection, error) {
	page, err := q.s.Mesh.Removals(ctx, paging(first, after))
	return (*graph.RemovedRecordConnection)(connect[model.Removed, graph.RemovedRecordEdge](ctx, page)), err
}

// Domain resolves whose a removed record was.
func (removedRecord) Domain(ctx context.Context, r *model.Removed) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, r.DomainID)
}

// RemovedBy resolves who removed a record.
func (removedRecord) RemovedBy(ctx context.Context, r *model.Removed) (*model.Principal, error) {
	return linkTo[model.Principal](ctx, r.ActorID)
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
	var record model.Noun
	var name string
	n, err := linksFrom(ctx).removable(in.ID)
	if err == nil {
		record, name, err = n.removal.rename(ctx, mesh.Renaming{ID: in.ID, Name: model.Slug(in.Name), ExpectedRevision: expected(in.ExpectedVersion)})
	}
	_, problems, err := answer(ctx, struct{}{}, err)
	payload := &graph.RenameRecordPayload{UserErrors: problems}
	if err == nil && len(problems) == 0 {
		payload.ID, payload.Name, payload.Record = &in.ID, &name, linksFrom(ctx).shown(n, record)
	}
	return payload, err
}

// shown gives the record of a mutation, unless it is no Node.
func (l *links) shown(n *noun, record model.Noun) model.Noun {
	if n.find == nil {
		return nil
	}
	l.note(record)
	return record
}

// RemoveRecord resolves the mutation.
func (m mutation) RemoveRecord(ctx context.Context, in graph.RemoveRecordInput) (*graph.RemoveRecordPayload, error) {
	var kept model.Removed
	n, err := linksFrom(ctx).removable(in.ID)
	if err == nil {
		kept, err = n.removal.remove(ctx, in.ID, given(in.Reason))
	}
	removed, problems, err := answer(ctx, kept, err)
	return &graph.RemoveRecordPayload{Removed: removed, UserErrors: problems}, err
}

// RestoreRecord resolves the mutation.
func (m mutation) RestoreRecord(ctx context.Context, in graph.RestoreRecordInput) (*graph.RestoreRecordPayload, error) {
	n, record, err := m.restore(ctx, in.ID)
	_, problems, err := answer(ctx, struct{}{}, err)
	payload := &graph.RestoreRecordPayload{UserErrors: problems}
	if err == nil && len(problems) == 0 {
		payload.ID, payload.Record = &in.ID, linksFrom(ctx).shown(n, record)
	}
	return payload, err
}

func (m mutation) restore(ctx context.Context, id model.ID) (*noun, model.Noun, error) {
	kept, err := m.s.Mesh.Removal(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	n, err := linksFrom(ctx).removable(id)
	if err != nil {
		return nil, nil, err
	}
	record, err := n.removal.restore(ctx, kept)
	return n, record, err
}

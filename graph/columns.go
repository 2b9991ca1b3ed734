package graph

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// The tables below say which fields of a noun are plain. A field that has a
// resolver has no place in them: the generated code asks that.

func assetColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[model.Asset] {
	switch f.Name {
	case "namespace":
		return words(func(a *model.Asset) string { return a.Namespace })
	case "name":
		return words(func(a *model.Asset) string { return a.Name })
	case "displayName":
		return words(func(a *model.Asset) string { return a.ShortName })
	case "kind":
		return required(func(a *model.Asset) model.AssetKind { return a.Kind.Shown() })
	case "status":
		return words(func(a *model.Asset) model.AssetStatus { return a.Status })
	case "platform":
		return words(func(a *model.Asset) string { return a.Platform })
	case "description":
		return words(func(a *model.Asset) string { return a.Description })
	case "owners":
		return texts(func(a *model.Asset) []string { return a.Owners })
	case "ownerRoles":
		return texts(func(a *model.Asset) []string { return a.OwnerRoles })
	case "tags":
		return texts(func(a *model.Asset) []string { return a.Tags })
	case "fields":
		return objects(op, f, assetFieldImplementors, assetFieldColumn, func(a *model.Asset) []model.AssetField { return a.Fields })
	case "rowCount":
		return optionalNumbers(func(a *model.Asset) *int64 { return a.Rows })
	case "definition":
		return words(func(a *model.Asset) string { return a.Definition })
	case "definitionLanguage":
		return words(func(a *model.Asset) string { return a.DefinitionLanguage })
	case "sizeBytes":
		return optionalNumbers(func(a *model.Asset) *int64 { return a.Bytes })
	case "changedAt":
		return optionalMoments(func(a *model.Asset) *time.Time { return a.ChangedAt })
	case "retiredAt":
		return optionalMoments(func(a *model.Asset) *time.Time { return a.RetiredAt })
	}
	return metaColumn(f, func(a *model.Asset) *model.Meta { return &a.Meta })
}

// metaColumn is for what every record has.
func metaColumn[T any](f graphql.CollectedField, of func(*T) *model.Meta) writer[T] {
	switch f.Name {
	case "id":
		return required(func(v *T) model.ID { return of(v).ID })
	case "version":
		return numbers(func(v *T) model.Revision { return of(v).Revision })
	case "createdAt":
		return moments(func(v *T) time.Time { return of(v).CreatedAt })
	case "updatedAt":
		return moments(func(v *T) time.Time { return of(v).UpdatedAt })
	}
	return nil
}

func assetFieldColumn(_ *graphql.OperationContext, f graphql.CollectedField) writer[model.AssetField] {
	switch f.Name {
	case "name":
		return words(func(f *model.AssetField) string { return f.Name })
	case "position":
		return numbers(func(f *model.AssetField) int { return f.Position })
	case "nativeType":
		return words(func(f *model.AssetField) string { return f.NativeType })
	case "isNullable":
		return flags(func(f *model.AssetField) bool { return f.Nullable })
	case "description":
		return words(func(f *model.AssetField) string { return f.Description })
	case "primaryKeyPosition":
		return numbers(func(f *model.AssetField) int { return f.PrimaryKey })
	case "defaultValue":
		return words(func(f *model.AssetField) string { return f.DefaultValue })
	case "tags":
		return texts(func(f *model.AssetField) []string { return f.Tags })
	case "values":
		return texts(func(f *model.AssetField) []string { return f.Values })
	}
	return nil
}

func assetEdgeColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[AssetEdge] {
	switch f.Name {
	case "cursor":
		return words(func(e *AssetEdge) string { return e.Cursor })
	case "node":
		return single(op, f, assetImplementors, assetColumn, func(e *AssetEdge) *model.Asset { return e.Node })
	}
	return nil
}

func productColumn(_ *graphql.OperationContext, f graphql.CollectedField) writer[model.DataProduct] {
	switch f.Name {
	case "name":
		return words(func(p *model.DataProduct) model.Slug { return p.Name })
	case "displayName":
		return words(func(p *model.DataProduct) string { return p.DisplayName })
	case "description":
		return words(func(p *model.DataProduct) string { return p.Description })
	case "businessContext":
		return words(func(p *model.DataProduct) string { return p.BusinessContext })
	case "classification":
		return required(func(p *model.DataProduct) model.Classification { return p.Classification })
	case "visibility":
		return words(func(p *model.DataProduct) model.Visibility { return p.Visibility })
	case "tags":
		return texts(func(p *model.DataProduct) []string { return p.Tags })
	case "status":
		return words(func(p *model.DataProduct) model.ProductStatus { return p.Status })
	case "deprecatedAt":
		return optionalMoments(func(p *model.DataProduct) *time.Time { return p.DeprecatedAt })
	case "publishedAt":
		return optionalMoments(func(p *model.DataProduct) *time.Time { return p.PublishedAt })
	}
	return metaColumn(f, func(p *model.DataProduct) *model.Meta { return &p.Meta })
}

func productEdgeColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[DataProductEdge] {
	switch f.Name {
	case "cursor":
		return words(func(e *DataProductEdge) string { return e.Cursor })
	case "node":
		return single(op, f, dataProductImplementors, productColumn, func(e *DataProductEdge) *model.DataProduct { return e.Node })
	}
	return nil
}

func domainColumn(_ *graphql.OperationContext, f graphql.CollectedField) writer[model.Domain] {
	switch f.Name {
	case "name":
		return words(func(d *model.Domain) model.Slug { return d.Name })
	case "displayName":
		return words(func(d *model.Domain) string { return d.DisplayName })
	case "description":
		return words(func(d *model.Domain) string { return d.Description })
	}
	return metaColumn(f, func(d *model.Domain) *model.Meta { return &d.Meta })
}

func hitColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[SearchHit] {
	switch f.Name {
	case "score":
		return fractions(func(h *SearchHit) float64 { return h.Score })
	case "matched":
		return texts(func(h *SearchHit) []string { return h.Matched })
	case "entity":
		write := entities(op, f.Selections)
		return func(b []byte, h *SearchHit) []byte { return write(b, &h.Entity) }
	}
	return nil
}

func hitEdgeColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[SearchEdge] {
	switch f.Name {
	case "cursor":
		return words(func(e *SearchEdge) string { return e.Cursor })
	case "node":
		return single(op, f, searchHitImplementors, hitColumn, func(e *SearchEdge) *SearchHit { return e.Node })
	}
	return nil
}

// entities writes what search finds, each kind by its own plan. One whose plan
// is not plain leaves the list to the generated code.
func entities(op *graphql.OperationContext, set ast.SelectionSet) writer[model.Noun] {
	assets, plainAssets := planOf(op, set, assetImplementors, assetColumn)
	products, plainProducts := planOf(op, set, dataProductImplementors, productColumn)
	domains, plainDomains := planOf(op, set, domainImplementors, domainColumn)
	return func(b []byte, n *model.Noun) []byte {
		switch v := (*n).(type) {
		case nil:
			return append(b, "null"...)
		case *model.Asset:
			if plainAssets && v != nil {
				return appendObject(b, assets, v)
			}
		case *model.DataProduct:
			if plainProducts && v != nil {
				return appendObject(b, products, v)
			}
		case *model.Domain:
			if plainDomains && v != nil {
				return appendObject(b, domains, v)
			}
		}
		return nil
	}
}

// plannedNouns is planned for a list of records of any kind.
func plannedNouns(ctx context.Context, op *graphql.OperationContext, set ast.SelectionSet, rows []model.Noun) graphql.Marshaler {
	if len(rows) == 0 || mustGenerate(ctx, op) {
		return nil
	}
	if b := appendList(nil, rows, entities(op, set)); b != nil {
		return written(b)
	}
	return nil
}

func recordColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[model.DecisionRecord] {
	switch f.Name {
	case "id":
		return required(func(r *model.DecisionRecord) model.ID { return r.ID })
	case "at":
		return moments(func(r *model.DecisionRecord) time.Time { return r.At })
	case "action":
		return words(func(r *model.DecisionRecord) model.Action { return r.Action })
	case "principalId":
		return required(func(r *model.DecisionRecord) model.ID { return r.PrincipalID })
	case "askedById":
		return optional(func(r *model.DecisionRecord) model.ID { return r.AskedBy })
	case "resourceId":
		return optional(func(r *model.DecisionRecord) model.ID { return r.ResourceID })
	case "domain":
		return words(func(r *model.DecisionRecord) model.Slug { return r.Domain })
	case "outcome":
		return words(func(r *model.DecisionRecord) model.Outcome { return r.Outcome })
	case "masked":
		return texts(func(r *model.DecisionRecord) []string { return r.Masked })
	case "requestId":
		return words(func(r *model.DecisionRecord) string { return r.RequestID })
	case "sequence":
		return numbers(func(r *model.DecisionRecord) int64 { return r.Seq })
	case "decision":
		return single(op, f, decisionImplementors, decisionColumn, func(r *model.DecisionRecord) *model.Decision { return &r.Decision })
	}
	return nil
}

func recordEdgeColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[DecisionRecordEdge] {
	switch f.Name {
	case "cursor":
		return words(func(e *DecisionRecordEdge) string { return e.Cursor })
	case "node":
		return single(op, f, decisionRecordImplementors, recordColumn, func(e *DecisionRecordEdge) *model.DecisionRecord { return e.Node })
	}
	return nil
}

func decisionColumn(op *graphql.OperationContext, f graphql.CollectedField) writer[model.Decision] {
	switch f.Name {
	case "id":
		return optional(func(d *model.Decision) model.ID { return d.ID })
	case "outcome":
		return words(func(d *model.Decision) model.Outcome { return d.Outcome })
	case "reasons":
		return objects(op, f, reasonImplementors, reasonColumn, func(d *model.Decision) []model.Reason { return d.Reasons })
	}
	return nil
}

func reasonColumn(_ *graphql.OperationContext, f graphql.CollectedField) writer[model.Reason] {
	switch f.Name {
	case "code":
		return words(func(r *model.Reason) string { return r.Code })
	case "message":
		return words(func(r *model.Reason) string { return r.Message })
	case "origin":
		return words(func(r *model.Reason) string { return r.Origin })
	}
	return nil
}

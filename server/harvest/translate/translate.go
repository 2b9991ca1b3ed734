// Package translate makes nouns of the model of the records of the SDK, and is
// the only place that does. It refuses to look anything up: what a name leads
// to, it is told.
package translate

import (
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/lineage"
)

// Ref is the name by which the catalogue is asked.
func Ref(id sdk.NativeID) catalog.Ref {
	return catalog.Ref{Namespace: id.Namespace, Name: id.Name}
}

// Asset gives what the source shows of an asset.
func Asset(source model.Source, a *sdk.Asset) catalog.Seen {
	seen := catalog.Seen{Ref: Ref(a.ID), Sighting: model.Sighting{
		SourceID: source.ID, Scope: a.Scope, Rank: rankOf(a), DomainID: source.DomainID, Kind: model.AssetKind(a.Kind),
		ShortName: a.ShortName, Description: a.Description, Owners: a.Owners, OwnerRoles: a.OwnerRoles, Tags: a.Tags, Rows: a.Rows,
		Properties: a.Properties, Reference: a.Reference, StableID: a.StableID, AssetDetails: details(a),
	}}
	if a.Parent != nil {
		seen.Parent = Ref(*a.Parent)
	}
	seen.Sighting.Fields = slices.Grow(seen.Sighting.Fields, len(a.Fields))
	for _, f := range a.Fields {
		seen.Sighting.Fields = append(seen.Sighting.Fields, model.AssetField{
			Name: f.Name, Position: f.Position, NativeType: f.NativeType, Nullable: f.Nullable,
			Description: f.Description, PrimaryKey: f.PrimaryKey, DefaultValue: f.Default,
			Tags: f.Tags, Meta: f.Meta, Values: f.Values,
		})
	}
	for _, k := range a.ForeignKeys {
		seen.Sighting.ForeignKeys = append(seen.Sighting.ForeignKeys, model.ForeignKey{Name: k.Name, Fields: k.Fields, ToName: k.ToName, ToFields: k.ToFields})
	}
	for _, other := range a.Aliases {
		seen.Aliases = append(seen.Aliases, catalog.Name{Scheme: model.AliasScheme(other.Scheme), Namespace: other.Namespace, Name: other.Name})
	}
	return seen
}

// details gives what most assets have little of. Which asset the parent is, the
// catalogue finds out.
func details(a *sdk.Asset) model.AssetDetails {
	d := model.AssetDetails{Definition: a.Definition, DefinitionLanguage: a.DefinitionLanguage, Bytes: a.Bytes}
	for _, c := range a.Constraints {
		d.Constraints = append(d.Constraints, model.AssetConstraint{Name: c.Name, Kind: model.ConstraintKind(c.Kind), Fields: c.Fields, Expression: c.Expression})
	}
	for _, x := range a.Indexes {
		d.Indexes = append(d.Indexes, model.AssetIndex{Name: x.Name, Fields: x.Fields, Unique: x.Unique, Expression: x.Expression, Method: x.Method})
	}
	if a.ChangedAt != nil {
		d.ChangedAt = instant(*a.ChangedAt)
	}
	if f := a.Freshness; f != nil {
		d.Freshness = &model.Freshness{WarnAfter: f.WarnAfter, ErrorAfter: f.ErrorAfter, Field: f.Field}
	}
	if u := a.Usage; u != nil {
		d.Usage = &model.Usage{Reads: u.Reads, Users: u.Users, From: instant(u.From), To: instant(u.To)}
	}
	for _, r := range a.Runs {
		d.Runs = append(d.Runs, model.JobRun{ID: r.ID, State: model.JobRunState(r.State), Started: instant(r.Started), Ended: instant(r.Ended), Message: r.Message})
	}
	return d
}

// instant is nil for a time that is not given.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	at := model.Instant(t)
	return &at
}

// rankOf takes a plugin at its word only as far as there are ranks: whoever
// makes one up does not stand before the system that holds the data. Whose the
// asset is follows from no rank.
func rankOf(a *sdk.Asset) int {
	if rank := int(a.Rank); !a.Reference && (rank == model.RankHolder || rank == model.RankBuilder) {
		return rank
	}
	return model.RankReference
}

// Quality gives a test as the source shows it.
func Quality(source model.Source, q *sdk.Quality) catalog.SeenQuality {
	seen := catalog.SeenQuality{Asset: Ref(q.Asset), Rule: model.QualityRule{
		SourceID: source.ID, Scope: q.Scope, Key: q.Key, Name: q.Name, Rule: q.Rule, Field: q.Field, Severity: q.Severity,
		Arguments: q.Arguments,
	}}
	if r := q.Result; r != nil {
		seen.Rule.Last = &model.QualityResult{Status: r.Status, Failures: r.Failures, Message: r.Message, At: model.Instant(r.At)}
	}
	return seen
}

// Edge gives a flow as the source shows it. It needs the ids that the catalogue resolved the ends to.
func Edge(e *sdk.Edge, from, to model.ID) lineage.Seen {
	seen := lineage.Seen{FromID: from, ToID: to, Kind: model.EdgeKind(e.Kind), Scope: e.Scope, Method: e.Method, Confidence: e.Confidence}
	for _, f := range e.Fields {
		seen.Fields = append(seen.Fields, model.FieldFlow{From: f.From, To: f.To, Transform: f.Transform})
	}
	return seen
}

// Capability gives a need as a check found it.
func Capability(c sdk.Capability) model.Capability {
	return model.Capability{Name: c.Name, OK: c.OK, Reason: c.Reason, Fix: c.Fix}
}

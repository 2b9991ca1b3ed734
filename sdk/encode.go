package sdk

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// encode gives the record as it travels. The record has been validated.
func encode(r Record) *harvestv1.Record {
	switch r := r.(type) {
	case *Asset:
		return &harvestv1.Record{Record: &harvestv1.Record_Asset{Asset: encodeAsset(r)}}
	case *Edge:
		return &harvestv1.Record{Record: &harvestv1.Record_Edge{Edge: &harvestv1.Edge{
			From: encodeID(r.From), To: encodeID(r.To), Scope: r.Scope, Kind: r.Kind, Method: r.Method, Confidence: r.Confidence,
			Fields: encodeFieldEdges(r.Fields),
		}}}
	case *Quality:
		return &harvestv1.Record{Record: &harvestv1.Record_Quality{Quality: encodeQuality(r)}}
	}
	return &harvestv1.Record{}
}

func encodeID(id NativeID) *harvestv1.NativeID {
	return &harvestv1.NativeID{Namespace: id.Namespace, Name: id.Name}
}

func encodeFieldEdges(fields []FieldEdge) []*harvestv1.FieldEdge {
	out := make([]*harvestv1.FieldEdge, len(fields))
	for i, f := range fields {
		out[i] = &harvestv1.FieldEdge{From: f.From, To: f.To, Transform: f.Transform}
	}
	return out
}

// encodeAbsent leaves out a name that is not given.
func encodeAbsent(id NativeID) *harvestv1.NativeID {
	if id == (NativeID{}) {
		return nil
	}
	return encodeID(id)
}

func encodeAsset(a *Asset) *harvestv1.Asset {
	out := &harvestv1.Asset{
		Id: encodeID(a.ID), Scope: a.Scope, Kind: a.Kind, Rank: int32(min(a.Rank, math.MaxInt32)), ShortName: a.ShortName, //nolint:gosec // it is cut to the range before
		Description: a.Description, Owners: a.Owners, OwnerRoles: a.OwnerRoles, Tags: a.Tags, Rows: a.Rows, Properties: a.Properties, Reference: a.Reference,
		Definition: a.Definition, DefinitionLanguage: a.DefinitionLanguage, Bytes: a.Bytes, StableId: a.StableID,
	}
	for _, f := range a.Fields {
		out.Fields = append(out.Fields, &harvestv1.Field{
			Name: f.Name, Position: int32(min(f.Position, math.MaxInt32)), NativeType: f.NativeType, Nullable: f.Nullable, //nolint:gosec // it is cut to the range before
			Description: f.Description, PrimaryKey: int32(min(f.PrimaryKey, math.MaxInt32)), DefaultValue: f.Default, //nolint:gosec // it is cut to the range before
			Tags: f.Tags, Meta: f.Meta, Values: f.Values,
		})
	}
	for _, k := range a.ForeignKeys {
		out.ForeignKeys = append(out.ForeignKeys, &harvestv1.ForeignKey{Name: k.Name, Fields: k.Fields, ToName: k.ToName, ToFields: k.ToFields})
	}
	for _, other := range a.Aliases {
		out.Aliases = append(out.Aliases, &harvestv1.Alias{Scheme: other.Scheme, Namespace: other.Namespace, Name: other.Name})
	}
	encodeDetails(a, out)
	return out
}

// encodeDetails adds what most assets have nothing of.
func encodeDetails(a *Asset, out *harvestv1.Asset) {
	if a.Parent != nil {
		out.Parent = encodeAbsent(*a.Parent)
	}
	for _, c := range a.Constraints {
		out.Constraints = append(out.Constraints, &harvestv1.Constraint{Name: c.Name, Kind: c.Kind, Fields: c.Fields, Expression: c.Expression})
	}
	for _, x := range a.Indexes {
		out.Indexes = append(out.Indexes, &harvestv1.Index{Name: x.Name, Fields: x.Fields, Unique: x.Unique, Expression: x.Expression, Method: x.Method})
	}
	if a.ChangedAt != nil {
		out.ChangedAt = encodeTime(*a.ChangedAt)
	}
	if f := a.Freshness; f != nil {
		out.Freshness = &harvestv1.Freshness{WarnAfterMs: f.WarnAfter.Milliseconds(), ErrorAfterMs: f.ErrorAfter.Milliseconds(), Field: f.Field}
	}
	if u := a.Usage; u != nil {
		out.Usage = &harvestv1.Usage{Reads: u.Reads, Users: u.Users, From: encodeTime(u.From), To: encodeTime(u.To)}
	}
	for _, r := range a.Runs {
		out.Runs = append(out.Runs, &harvestv1.JobRun{Id: r.ID, State: string(r.State), Started: encodeTime(r.Started), Ended: encodeTime(r.Ended), Message: r.Message})
	}
}

// encodeTime leaves out a time that is not given.
func encodeTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func encodeQuality(q *Quality) *harvestv1.Quality {
	out := &harvestv1.Quality{
		Asset: encodeID(q.Asset), Scope: q.Scope, Key: q.Key, Name: q.Name, Rule: q.Rule, Field: q.Field, Severity: q.Severity,
		Arguments: q.Arguments,
	}
	if r := q.Result; r != nil {
		out.Result = &harvestv1.Result{Status: r.Status, Failures: r.Failures, Message: r.Message, At: encodeTime(r.At)}
	}
	return out
}

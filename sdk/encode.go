package sdk

import (
	"math"

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
		}}}
	case *Quality:
		return &harvestv1.Record{Record: &harvestv1.Record_Quality{Quality: encodeQuality(r)}}
	}
	return &harvestv1.Record{}
}

func encodeID(id NativeID) *harvestv1.NativeID {
	return &harvestv1.NativeID{Namespace: id.Namespace, Name: id.Name}
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
	}
	for _, f := range a.Fields {
		out.Fields = append(out.Fields, &harvestv1.Field{
			Name: f.Name, Position: int32(min(f.Position, math.MaxInt32)), NativeType: f.NativeType, Nullable: f.Nullable, //nolint:gosec // it is cut to the range before
			Description: f.Description, PrimaryKey: int32(min(f.PrimaryKey, math.MaxInt32)), DefaultValue: f.Default, //nolint:gosec // it is cut to the range before
			Tags: f.Tags, Meta: f.Meta,
		})
	}
	for _, k := range a.ForeignKeys {
		out.ForeignKeys = append(out.ForeignKeys, &harvestv1.ForeignKey{Name: k.Name, Fields: k.Fields, ToName: k.ToName, ToFields: k.ToFields})
	}
	for _, other := range a.Aliases {
		out.Aliases = append(out.Aliases, &harvestv1.Alias{Scheme: other.Scheme, Namespace: other.Namespace, Name: other.Name})
	}
	return out
}

func encodeQuality(q *Quality) *harvestv1.Quality {
	out := &harvestv1.Quality{
		Asset: encodeID(q.Asset), Scope: q.Scope, Key: q.Key, Name: q.Name, Rule: q.Rule, Field: q.Field, Severity: q.Severity,
	}
	if r := q.Result; r != nil {
		out.Result = &harvestv1.Result{Status: r.Status, Failures: r.Failures, Message: r.Message}
		if !r.At.IsZero() {
			out.Result.At = timestamppb.New(r.At)
		}
	}
	return out
}

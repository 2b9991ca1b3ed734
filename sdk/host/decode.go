package host

import (
	"cmp"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// decode gives the record as package sdk has it, or nil for a kind of record
// that this host does not know.
func decode(r *harvestv1.Record) sdk.Record {
	switch r := r.GetRecord().(type) {
	case *harvestv1.Record_Asset:
		return decodeAsset(r.Asset)
	case *harvestv1.Record_Edge:
		return decodeEdge(r.Edge)
	case *harvestv1.Record_Quality:
		return decodeQuality(r.Quality)
	}
	return nil
}

func decodeEdge(e *harvestv1.Edge) *sdk.Edge {
	out := &sdk.Edge{
		From: decodeID(e.GetFrom()), To: decodeID(e.GetTo()), Scope: e.GetScope(), Kind: e.GetKind(),
		Method: e.GetMethod(), Confidence: e.GetConfidence(),
	}
	for _, f := range e.GetFields() {
		out.Fields = append(out.Fields, sdk.FieldEdge{From: f.GetFrom(), To: f.GetTo(), Transform: f.GetTransform()})
	}
	return out
}

func decodeID(id *harvestv1.NativeID) sdk.NativeID {
	return sdk.NativeID{Namespace: id.GetNamespace(), Name: id.GetName()}
}

func decodeAsset(a *harvestv1.Asset) *sdk.Asset {
	out := &sdk.Asset{
		ID: decodeID(a.GetId()), Scope: a.GetScope(), Kind: a.GetKind(), Rank: rankOf(a.GetRank()), ShortName: a.GetShortName(),
		Description: a.GetDescription(), Owners: a.GetOwners(), OwnerRoles: a.GetOwnerRoles(), Tags: a.GetTags(), Rows: a.Rows,
		Properties: a.GetProperties(), Reference: a.GetReference(),
		Definition: a.GetDefinition(), DefinitionLanguage: a.GetDefinitionLanguage(), Bytes: a.Bytes, StableID: a.GetStableId(),
	}
	for _, f := range a.GetFields() {
		out.Fields = append(out.Fields, sdk.Field{
			Name: f.GetName(), Position: int(f.GetPosition()), NativeType: f.GetNativeType(), Nullable: f.GetNullable(),
			Description: f.GetDescription(), PrimaryKey: int(f.GetPrimaryKey()), Default: f.GetDefaultValue(),
			Tags: f.GetTags(), Meta: f.GetMeta(), Values: f.GetValues(),
		})
	}
	for _, k := range a.GetForeignKeys() {
		out.ForeignKeys = append(out.ForeignKeys, sdk.ForeignKey{Name: k.GetName(), Fields: k.GetFields(), ToName: k.GetToName(), ToFields: k.GetToFields()})
	}
	for _, other := range a.GetAliases() {
		out.Aliases = append(out.Aliases, sdk.Alias{Scheme: other.GetScheme(), Namespace: other.GetNamespace(), Name: other.GetName()})
	}
	decodeDetails(a, out)
	return out
}

// decodeDetails adds what most assets have nothing of.
func decodeDetails(a *harvestv1.Asset, out *sdk.Asset) {
	if a.GetParent() != nil {
		parent := decodeID(a.GetParent())
		out.Parent = &parent
	}
	for _, c := range a.GetConstraints() {
		out.Constraints = append(out.Constraints, sdk.Constraint{Name: c.GetName(), Kind: c.GetKind(), Fields: c.GetFields(), Expression: c.GetExpression()})
	}
	for _, x := range a.GetIndexes() {
		out.Indexes = append(out.Indexes, sdk.Index{Name: x.GetName(), Fields: x.GetFields(), Unique: x.GetUnique(), Expression: x.GetExpression(), Method: x.GetMethod()})
	}
	if a.GetChangedAt() != nil {
		at := a.GetChangedAt().AsTime()
		out.ChangedAt = &at
	}
	if f := a.GetFreshness(); f != nil {
		out.Freshness = &sdk.Freshness{WarnAfter: milliseconds(f.GetWarnAfterMs()), ErrorAfter: milliseconds(f.GetErrorAfterMs()), Field: f.GetField()}
	}
	if u := a.GetUsage(); u != nil {
		out.Usage = &sdk.Usage{Reads: u.GetReads(), Users: u.GetUsers(), From: decodeTime(u.GetFrom()), To: decodeTime(u.GetTo())}
	}
	for _, r := range a.GetRuns() {
		out.Runs = append(out.Runs, sdk.JobRun{
			ID: r.GetId(), State: sdk.RunState(r.GetState()), Started: decodeTime(r.GetStarted()), Ended: decodeTime(r.GetEnded()), Message: r.GetMessage(),
		})
	}
}

// milliseconds takes a length of time that no Duration has for the longest one.
func milliseconds(n int64) time.Duration {
	return time.Duration(min(max(n, -1), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// decodeTime takes a time that is not given for none.
func decodeTime(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// rankOf takes a rank that is not given for the least one: zero would come
// before all that have a meaning.
func rankOf(wire int32) sdk.Rank { return cmp.Or(sdk.Rank(wire), sdk.Reference) }

func decodeQuality(q *harvestv1.Quality) *sdk.Quality {
	out := &sdk.Quality{
		Asset: decodeID(q.GetAsset()), Scope: q.GetScope(), Key: q.GetKey(), Name: q.GetName(), Rule: q.GetRule(),
		Field: q.GetField(), Severity: q.GetSeverity(), Arguments: q.GetArguments(),
	}
	if r := q.GetResult(); r != nil {
		out.Result = &sdk.Result{Status: r.GetStatus(), Failures: r.GetFailures(), Message: r.GetMessage(), At: decodeTime(r.GetAt())}
	}
	return out
}

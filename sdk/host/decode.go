package host

import (
	"cmp"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// decode gives the record as package sdk has it, or nil for a kind of record
// that this host does not know.
func decode(r *harvestv1.Record) sdk.Record {
	switch r := r.GetRecord().(type) {
	case *harvestv1.Record_Asset:
		return decodeAsset(r.Asset)
	case *harvestv1.Record_Edge:
		e := r.Edge
		return &sdk.Edge{
			From: decodeID(e.GetFrom()), To: decodeID(e.GetTo()), Scope: e.GetScope(), Kind: e.GetKind(),
			Method: e.GetMethod(), Confidence: e.GetConfidence(),
		}
	case *harvestv1.Record_Quality:
		return decodeQuality(r.Quality)
	}
	return nil
}

func decodeID(id *harvestv1.NativeID) sdk.NativeID {
	return sdk.NativeID{Namespace: id.GetNamespace(), Name: id.GetName()}
}

func decodeAsset(a *harvestv1.Asset) *sdk.Asset {
	out := &sdk.Asset{
		ID: decodeID(a.GetId()), Scope: a.GetScope(), Kind: a.GetKind(), Rank: rankOf(a.GetRank()), ShortName: a.GetShortName(),
		Description: a.GetDescription(), Owners: a.GetOwners(), OwnerRoles: a.GetOwnerRoles(), Tags: a.GetTags(), Rows: a.Rows,
		Properties: a.GetProperties(), Reference: a.GetReference(),
	}
	for _, f := range a.GetFields() {
		out.Fields = append(out.Fields, sdk.Field{
			Name: f.GetName(), Position: int(f.GetPosition()), NativeType: f.GetNativeType(), Nullable: f.GetNullable(),
			Description: f.GetDescription(), PrimaryKey: int(f.GetPrimaryKey()), Default: f.GetDefaultValue(),
			Tags: f.GetTags(), Meta: f.GetMeta(),
		})
	}
	for _, k := range a.GetForeignKeys() {
		out.ForeignKeys = append(out.ForeignKeys, sdk.ForeignKey{Name: k.GetName(), Fields: k.GetFields(), ToName: k.GetToName(), ToFields: k.GetToFields()})
	}
	for _, other := range a.GetAliases() {
		out.Aliases = append(out.Aliases, sdk.Alias{Scheme: other.GetScheme(), Namespace: other.GetNamespace(), Name: other.GetName()})
	}
	return out
}

// rankOf takes a rank that is not given for the least one: zero would come
// before all that have a meaning.
func rankOf(wire int32) sdk.Rank { return cmp.Or(sdk.Rank(wire), sdk.Reference) }

func decodeQuality(q *harvestv1.Quality) *sdk.Quality {
	out := &sdk.Quality{
		Asset: decodeID(q.GetAsset()), Scope: q.GetScope(), Key: q.GetKey(), Name: q.GetName(), Rule: q.GetRule(),
		Field: q.GetField(), Severity: q.GetSeverity(),
	}
	if r := q.GetResult(); r != nil {
		out.Result = &sdk.Result{Status: r.GetStatus(), Failures: r.GetFailures(), Message: r.GetMessage()}
		if r.GetAt() != nil {
			out.Result.At = r.GetAt().AsTime()
		}
	}
	return out
}

// inspecting reads messages, and looks at those that carry records before they
// unfold in memory: a message of 1 MiB may hold a million empty ones. What it
// finds is kept, since gRPC passes only the text of an error on.
type inspecting struct {
	secrets secret.Set
	suspect bool // the last event holds a secret somewhere
	problem *Failure
}

// Name is that of gRPC's own codec, which this one stands in for.
func (*inspecting) Name() string { return "proto" }

// Marshal writes a message.
func (*inspecting) Marshal(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, errNoMessage
	}
	return proto.Marshal(m)
}

// Unmarshal reads a message.
func (c *inspecting) Unmarshal(data []byte, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return errNoMessage
	}
	if _, event := v.(*harvestv1.HarvestEvent); event {
		if c.problem = c.inspect(data); c.problem != nil {
			return c.problem
		}
	}
	return proto.Unmarshal(data, m)
}

var errNoMessage = errors.New("a message has an unknown type")

// The fields of the wire at which records and their fields are counted.
const (
	eventBatch      = 1
	eventCheckpoint = 2
	batchRecords    = 1
	recordAsset     = 1
	assetFields     = 9
)

func (c *inspecting) inspect(event []byte) *Failure {
	c.suspect = false
	for field, value := range parts(event) {
		secret := c.secrets.In(value)
		if field == eventCheckpoint && secret {
			return broken("secret_in_record", "the plugin sends the value of a secret as if it were a state to begin at",
				"report it to the author of the plugin: it must leave out connection strings and settings; and change the secret")
		}
		c.suspect = c.suspect || field == eventBatch && secret
		if field != eventBatch {
			continue
		}
		if n := count(value, batchRecords); n > harvestv1.MaxBatchRecords {
			return protocolError("a batch holds %d records, and %d is the limit", n, harvestv1.MaxBatchRecords)
		}
		for field, record := range parts(value) {
			if n := count(assetOf(record), assetFields); field == batchRecords && n > harvestv1.MaxFields {
				return protocolError("an asset has %d fields, and %d is the limit", n, harvestv1.MaxFields)
			}
		}
	}
	return nil
}

func assetOf(record []byte) []byte {
	for field, value := range parts(record) {
		if field == recordAsset {
			return value
		}
	}
	return nil
}

func count(message []byte, wanted protowire.Number) int {
	n := 0
	for field := range parts(message) {
		if field == wanted {
			n++
		}
	}
	return n
}

// parts gives the fields of a message that have a length, until it ends or is broken.
func parts(message []byte) func(yield func(protowire.Number, []byte) bool) {
	return func(yield func(protowire.Number, []byte) bool) {
		for len(message) > 0 {
			field, kind, n := protowire.ConsumeTag(message)
			if n < 0 {
				return
			}
			message = message[n:]
			if n = protowire.ConsumeFieldValue(field, kind, message); n < 0 {
				return
			}
			if kind == protowire.BytesType {
				value, _ := protowire.ConsumeBytes(message)
				if !yield(field, value) {
					return
				}
			}
			message = message[n:]
		}
	}
}

package graph

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

// MarshalID writes an id; the empty one is null.
func MarshalID(id model.ID) graphql.Marshaler { return word(id) }

// UnmarshalID reads an id.
func UnmarshalID(v any) (model.ID, error) {
	text, err := graphql.UnmarshalID(v)
	return model.ID(text), err
}

// MarshalRevision writes the number of writes.
func MarshalRevision(r model.Revision) graphql.Marshaler { return graphql.MarshalInt64(int64(r)) }

// UnmarshalRevision reads the number of writes.
func UnmarshalRevision(v any) (model.Revision, error) {
	n, err := graphql.UnmarshalInt64(v)
	return model.Revision(n), err
}

// MarshalClassification writes a classification; the empty one is null.
func MarshalClassification(c model.Classification) graphql.Marshaler { return word(c) }

// UnmarshalClassification reads a classification that validation has let pass.
func UnmarshalClassification(v any) (model.Classification, error) {
	text, err := graphql.UnmarshalString(v)
	return model.Classification(text), err
}

// MarshalAssetKind writes a kind of asset; the empty one is null, and one that
// the schema does not know is OTHER.
func MarshalAssetKind(k model.AssetKind) graphql.Marshaler { return word(k.Shown()) }

// UnmarshalAssetKind reads a kind of asset that validation has let pass.
func UnmarshalAssetKind(v any) (model.AssetKind, error) {
	text, err := graphql.UnmarshalString(v)
	return model.AssetKind(text), err
}

// MarshalJSON writes a JSON value as it stands; none is an empty object.
func MarshalJSON(text json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		var b bytes.Buffer
		if len(text) == 0 || json.Compact(&b, text) != nil {
			b.Reset()
			b.WriteString("{}")
		}
		_, _ = w.Write(b.Bytes()) // into the answer's buffer
	})
}

// UnmarshalJSON reads any value that GraphQL can write.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, model.Invalid("", "is no JSON value", "write an object such as {path: \"shop.db\"}")
	}
	return text, nil
}

func word[S ~string](s S) graphql.Marshaler {
	if s == "" {
		return graphql.Null
	}
	return graphql.MarshalString(string(s))
}

package mongodb

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// FuzzSample gives bytes of strangers for documents and validators: nothing
// panics, and no field is without a name.
//
// Bad input: not UTF-8.
func FuzzSample(f *testing.F) {
	for _, d := range []any{
		bson.M{},
		bson.M{"a": bson.A{bson.M{"b": 1}}},
		bson.M{"\xff": bson.M{"": nil}},
		bson.M{"$jsonSchema": bson.M{"properties": bson.M{"a": bson.M{"items": bson.A{bson.M{"enum": bson.A{1, "x", nil}}}}}, "required": bson.A{"a", "b"}}},
		bson.M{"$and": bson.A{bson.M{"$jsonSchema": bson.M{"anyOf": bson.A{bson.M{"properties": bson.M{"a": 1}}}}}}},
	} {
		raw, err := bson.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw)
	}
	f.Fuzz(func(t *testing.T, document, validator []byte) {
		root := declared(validator)
		if root == nil {
			root = &node{}
		}
		s := newShape()
		s.object(document, 0)
		root.merge(s.node("", s.objects))
		fields, _ := fieldsOf(root)
		for i, one := range fields {
			if one.Name == "" || one.Position != i+1 {
				t.Fatalf("field %d is %+v", i, one)
			}
		}
	})
}

func TestKeysThatAreData(t *testing.T) {
	for key, want := range map[string]bool{
		"name": false, "": false, "a.b": false, "address2": false, "2fa": false, "deadbeef": false, "utf-8": false, "x-y": false,
		"17": true, "+41 79 555": true, "ana@example.org": true, "5f1e00000000000000000001": true, "2026-11-30": true, "2026-11": true,
		"0e5c1c9e-8a6f-4b6e-9a4e-0123456789ab": true,
	} {
		if isData(key) != want {
			t.Errorf("%q: %t", key, !want)
		}
	}
}

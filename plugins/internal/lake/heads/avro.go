package heads

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"

	"github.com/souk-mesh/souk/sdk"
)

const avroMagic = "Obj\x01"

// readAvro reads the schema from the header of an object container file.
func readAvro(ctx context.Context, f File) (Table, error) {
	for _, n := range []int64{footerBytes, largestFoot} {
		head, err := f.Read(ctx, 0, n)
		if err != nil {
			return Table{}, err
		}
		if !bytes.HasPrefix(head, []byte(avroMagic)) {
			return Table{}, broken(nil, "the file does not begin like Avro")
		}
		text, err := avroSchema(bytes.NewReader(head[len(avroMagic):]))
		if err == nil {
			return avroTable(text)
		}
		if int64(len(head)) >= f.Size || n == largestFoot {
			return Table{}, broken(err, "the header of the Avro file is damaged")
		}
	}
	return Table{}, nil
}

// avroSchema finds the entry avro.schema in the map that the header is.
func avroSchema(r *bytes.Reader) ([]byte, error) {
	for {
		count, err := binary.ReadVarint(r)
		if err != nil || count == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		if count < 0 { // the size of the block in bytes follows
			if _, err := binary.ReadVarint(r); err != nil {
				return nil, err
			}
			count = -count
		}
		for range count {
			key, err := avroBytes(r)
			if err != nil {
				return nil, err
			}
			value, err := avroBytes(r)
			if err != nil {
				return nil, err
			}
			if string(key) == "avro.schema" {
				return value, nil
			}
		}
	}
}

func avroBytes(r *bytes.Reader) ([]byte, error) {
	n, err := binary.ReadVarint(r)
	if err != nil || n < 0 || n > int64(r.Len()) {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}

type avroType struct {
	Type    json.RawMessage `json:"type"`
	Logical string          `json:"logicalType"`
	Name    string          `json:"name"`
	Doc     string          `json:"doc"`
	Fields  []avroType      `json:"fields"`
	Items   json.RawMessage `json:"items"`
	Values  json.RawMessage `json:"values"`
}

func avroTable(text []byte) (Table, error) {
	var root avroType
	if err := json.Unmarshal(text, &root); err != nil {
		return Table{}, broken(err, "the schema of the Avro file is no JSON object")
	}
	t := Table{}
	avroFields(root.Fields, "", 0, &t.Fields)
	return t, nil
}

func avroFields(fields []avroType, path string, depth int, into *[]sdk.Field) {
	for _, f := range fields {
		if f.Name == "" || depth > deepest || len(*into) > maxFields {
			continue
		}
		name, nullable := join(path, f.Name), false
		kind := avroKind(f.Type, &nullable)
		*into = append(*into, sdk.Field{Name: name, NativeType: kind.name, Nullable: nullable, Description: f.Doc})
		avroFields(kind.fields, name+kind.mark, depth+1, into)
	}
}

// avroName is how a type is called, and what lies within it.
type avroName struct {
	name, mark string
	fields     []avroType
}

// avroKind reads a type: a word, a union, or an object.
func avroKind(raw json.RawMessage, nullable *bool) avroName {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return avroName{name: word}
	}
	var union []json.RawMessage
	if json.Unmarshal(raw, &union) == nil {
		found := avroName{name: "union"}
		others := 0
		for _, one := range union {
			if string(one) == `"null"` {
				*nullable = true
			} else if others++; others == 1 {
				found = avroKind(one, nullable)
			}
		}
		if others > 1 {
			return avroName{name: "union"}
		}
		return found
	}
	var t avroType
	if json.Unmarshal(raw, &t) != nil {
		return avroName{}
	}
	inner := new(bool)
	switch kind := avroKind(t.Type, inner); kind.name {
	case "record":
		return avroName{name: "record", fields: t.Fields}
	case "array":
		item := avroKind(t.Items, inner)
		return avroName{name: "array", mark: "[]" + item.mark, fields: item.fields}
	case "map":
		value := avroKind(t.Values, inner)
		return avroName{name: "map", mark: "{}" + value.mark, fields: value.fields}
	default:
		if t.Logical != "" {
			kind.name = t.Logical
		}
		return kind
	}
}

package lake

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
	"github.com/souk-mesh/souk/sdk"
)

const largestMetadata = 32 << 20

// icebergTable is what is read of the metadata of a table, as its
// specification has it (https://iceberg.apache.org/spec/#table-metadata-fields,
// read in November 2026).
type icebergTable struct {
	FormatVersion int             `json:"format-version"`
	UUID          string          `json:"table-uuid"`
	CurrentSchema int             `json:"current-schema-id"`
	Schema        *icebergStruct  `json:"schema"` // of version 1
	Schemas       []icebergStruct `json:"schemas"`
	DefaultSpec   int             `json:"default-spec-id"`
	Specs         []struct {
		ID     int `json:"spec-id"`
		Fields []struct {
			Source    int    `json:"source-id"`
			Transform string `json:"transform"`
		} `json:"fields"`
	} `json:"partition-specs"`
	CurrentSnapshot int64 `json:"current-snapshot-id"`
	Snapshots       []struct {
		ID      int64             `json:"snapshot-id"`
		Summary map[string]string `json:"summary"`
	} `json:"snapshots"`
	Properties map[string]string `json:"properties"`
}

type icebergStruct struct {
	ID     int            `json:"schema-id"`
	Fields []icebergField `json:"fields"`
	Keys   []int          `json:"identifier-field-ids"`
}

type icebergField struct {
	ID       int             `json:"id"`
	Name     string          `json:"name"`
	Required bool            `json:"required"`
	Type     json.RawMessage `json:"type"`
	Doc      string          `json:"doc"`
}

type icebergType struct {
	Type    string          `json:"type"` // struct, list or map
	Fields  []icebergField  `json:"fields"`
	Element json.RawMessage `json:"element"`
	Value   json.RawMessage `json:"value"`
}

// readIceberg reads the newest metadata file.
func readIceberg(ctx context.Context, scope Scope, d *dataset) ([]heads.Table, error) {
	text, err := readMetadata(ctx, scope, d.metadata)
	if err != nil {
		return nil, err
	}
	var t icebergTable
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, &heads.BrokenError{What: "the metadata of the Iceberg table is no JSON of its specification", Err: err}
	}
	schema := t.schema()
	if schema == nil {
		return nil, &heads.BrokenError{What: "the metadata of the Iceberg table has no current schema"}
	}
	var fields []sdk.Field
	flatten(schema.Fields, icebergColumn, "", 0, &fields)
	t.mark(schema, fields)
	table := heads.Table{Fields: fields, Rows: t.rows(), Properties: t.properties()}
	cutFields(&table)
	return []heads.Table{table}, nil
}

// cutFields numbers the fields that a record may hold.
func cutFields(t *heads.Table) {
	if over := len(t.Fields) - mostFields; over > 0 {
		t.Fields, t.LeftOut = t.Fields[:mostFields], over
	}
	for i := range t.Fields {
		t.Fields[i].Position = i + 1
	}
}

func readMetadata(ctx context.Context, scope Scope, o Object) ([]byte, error) {
	if o.Size > largestMetadata {
		return nil, &heads.BrokenError{What: "the metadata of the table is larger than 32 MiB"}
	}
	text, err := scope.Store.Read(ctx, o.Key, 0, largestMetadata)
	if err != nil || !strings.Contains(lastPart(o.Key), ".gz") {
		return text, err
	}
	unpack, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, &heads.BrokenError{What: "the metadata of the table is not packed as its name says", Err: err}
	}
	text, err = io.ReadAll(io.LimitReader(unpack, largestMetadata+1))
	if err != nil || len(text) > largestMetadata {
		return nil, &heads.BrokenError{What: "the packed metadata of the table is damaged, or larger than 32 MiB", Err: err}
	}
	return text, nil
}

func (t *icebergTable) schema() *icebergStruct {
	for i := range t.Schemas {
		if t.Schemas[i].ID == t.CurrentSchema {
			return &t.Schemas[i]
		}
	}
	return t.Schema
}

func icebergColumn(f icebergField) (field sdk.Field, mark string, inner []icebergField) {
	kind, mark, inner := icebergKind(f.Type)
	return sdk.Field{Name: f.Name, NativeType: kind, Nullable: !f.Required, Description: f.Doc}, mark, inner
}

// flatten lists columns and what they hold, each by its path. A column is read as
// a field, with what its path goes on with below it, and what lies there.
func flatten[C any](columns []C, read func(C) (sdk.Field, string, []C), path string, depth int, into *[]sdk.Field) {
	if depth > deepest || len(*into) > mostFields {
		return
	}
	for _, c := range columns {
		f, mark, inner := read(c)
		if f.Name == "" {
			continue
		}
		f.Name = path + f.Name
		*into = append(*into, f)
		flatten(inner, read, f.Name+mark+".", depth+1, into)
	}
}

func icebergKind(raw json.RawMessage) (kind, mark string, inner []icebergField) {
	if json.Unmarshal(raw, &kind) == nil {
		return kind, "", nil
	}
	var t icebergType
	if json.Unmarshal(raw, &t) != nil {
		return "", "", nil
	}
	switch t.Type {
	case "list":
		of, mark, inner := icebergKind(t.Element)
		return "list<" + of + ">", "[]" + mark, inner
	case "map":
		of, mark, inner := icebergKind(t.Value)
		return "map<" + of + ">", "{}" + mark, inner
	}
	return t.Type, "", t.Fields
}

// mark tells which columns are keys and by which the table is partitioned.
func (t *icebergTable) mark(schema *icebergStruct, fields []sdk.Field) {
	byName := map[string]*sdk.Field{}
	for i := range fields {
		byName[fields[i].Name] = &fields[i]
	}
	names := map[int]string{}
	for _, f := range schema.Fields {
		names[f.ID] = f.Name
	}
	for i, id := range schema.Keys {
		if f := byName[names[id]]; f != nil {
			f.PrimaryKey = i + 1
		}
	}
	for _, spec := range t.Specs {
		for _, part := range spec.Fields {
			if f := byName[names[part.Source]]; f != nil && spec.ID == t.DefaultSpec {
				f.Meta = map[string]string{"partition": part.Transform}
			}
		}
	}
}

func (t *icebergTable) rows() *int64 {
	for _, s := range t.Snapshots {
		if s.ID != t.CurrentSnapshot {
			continue
		}
		if n, err := strconv.ParseInt(s.Summary["total-records"], 10, 64); err == nil && n >= 0 {
			return &n
		}
	}
	return nil
}

func (t *icebergTable) properties() map[string]string {
	p := map[string]string{"iceberg_version": strconv.Itoa(t.FormatVersion)}
	if t.UUID != "" {
		p["table_uuid"] = t.UUID
	}
	if comment := t.Properties["comment"]; comment != "" {
		p["comment"] = comment
	}
	return p
}

package lake_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

// fieldsOf harvests objects and gives the columns of one dataset as lines.
func fieldsOf(t *testing.T, content map[string]string, name string) (*sdk.Asset, []string) {
	t.Helper()
	m := &memory{}
	if err := lake.Harvest(t.Context(), scopeOf(&shelf{content: content, pageSize: 3}), lake.Options{}, m); err != nil {
		t.Fatal(err)
	}
	a := m.assets[name]
	if a == nil {
		t.Fatalf("there is no %s: %q, %+v", name, m.names(), m.notes)
	}
	var lines []string
	for _, f := range a.Fields {
		line := f.Name + " " + f.NativeType
		if f.Nullable {
			line += "?"
		}
		if f.PrimaryKey > 0 {
			line += fmt.Sprintf(" key %d", f.PrimaryKey)
		}
		if f.Meta["partition"] != "" {
			line += " by " + f.Meta["partition"]
		}
		if f.Description != "" {
			line += ": " + f.Description
		}
		lines = append(lines, line)
	}
	return a, lines
}

const icebergMetadata = `{"format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "current-schema-id": 1,
 "schemas": [{"schema-id": 0, "fields": []}, {"schema-id": 1, "identifier-field-ids": [1], "fields": [
  {"id": 1, "name": "id", "required": true, "type": "long", "doc": "the key"},
  {"id": 2, "name": "at", "required": false, "type": "timestamptz"},
  {"id": 3, "name": "items", "required": false, "type": {"type": "list", "element-id": 4, "element": {"type": "struct", "fields": [{"id": 5, "name": "sku", "required": true, "type": "string"}]}}},
  {"id": 6, "name": "props", "required": false, "type": {"type": "map", "key": "string", "value": "int"}}]}],
 "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": [{"source-id": 2, "transform": "day", "name": "at_day"}]}],
 "current-snapshot-id": 7, "snapshots": [{"snapshot-id": 6, "summary": {"total-records": "1"}}, {"snapshot-id": 7, "summary": {"total-records": "42"}}],
 "properties": {"comment": "All orders"}}`

func TestIceberg(t *testing.T) {
	a, lines := fieldsOf(t, map[string]string{
		"w/orders/data/at_day=2024-01-01/00000-0-a.parquet": "x", "w/orders/metadata/00001-a.metadata.json": icebergMetadata,
		"w/orders/metadata/00000-a.metadata.json": "not the newest", "w/orders/metadata/snap-7.avro": "x",
	}, "w/orders")
	want := []string{"id long key 1: the key", "at timestamptz? by day", "items list<struct>?", "items[].sku string", "props map<int>?"}
	if diff := gocmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if *a.Rows != 42 || a.Kind != "TABLE" || a.Properties["format"] != "iceberg" || a.Properties["comment"] != "All orders" || a.Properties["files"] != "1" {
		t.Errorf("%+v, %d rows", a, *a.Rows)
	}
}

const deltaSchema = `{"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{"comment":"the key"}},{"name":"day","type":"date","nullable":true,"metadata":{}},` +
	`{"name":"who","type":{"type":"struct","fields":[{"name":"zip","type":"string","nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}},` +
	`{"name":"tags","type":{"type":"array","elementType":"string","containsNull":true},"nullable":true,"metadata":{}}]}`

func commit(schema string) string {
	return `{"commitInfo":{"operation":"WRITE"}}` + "\n" +
		`{"metaData":{"id":"af23c9d7","name":"orders","schemaString":` + fmt.Sprintf("%q", schema) + `,"partitionColumns":["day"],"configuration":{}}}` + "\n"
}

// checkpoint is the part of a checkpoint that the schema stands in.
type checkpoint struct {
	Add *struct {
		Path string `parquet:"path"`
	} `parquet:"add,optional"`
	MetaData *struct {
		ID         string   `parquet:"id"`
		Name       string   `parquet:"name,optional"`
		Schema     string   `parquet:"schemaString"`
		Partitions []string `parquet:"partitionColumns,list"`
	} `parquet:"metaData,optional"`
}

func checkpointFile(t *testing.T, schema string) string {
	t.Helper()
	rows := make([]checkpoint, 3)
	rows[1].MetaData = &struct {
		ID         string   `parquet:"id"`
		Name       string   `parquet:"name,optional"`
		Schema     string   `parquet:"schemaString"`
		Partitions []string `parquet:"partitionColumns,list"`
	}{ID: "af23c9d7", Schema: schema, Partitions: []string{"day"}}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[checkpoint](&b)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDelta(t *testing.T) {
	log := func(version int) string { return fmt.Sprintf("w/d/_delta_log/%020d.json", version) }
	want := []string{"id long: the key", "day date? by identity", "who struct?", "who.zip string?", "tags array<string>?"}
	old := strings.Replace(deltaSchema, `"name":"id"`, `"name":"old"`, 1)
	for _, test := range []struct {
		name  string
		files map[string]string
	}{
		{"in the first commit", map[string]string{log(0): commit(deltaSchema), log(1): `{"add":{}}`}},
		{"in a later commit", map[string]string{log(0): commit(old), log(1): commit(deltaSchema), log(2): `{"add":{}}`}},
		{"in the checkpoint", map[string]string{log(10): `{"add":{}}`, log(11): `{"add":{}}`, "w/d/_delta_log/00000000000000000010.checkpoint.parquet": checkpointFile(t, deltaSchema)}},
		{"after the checkpoint", map[string]string{log(10): commit(old), log(11): commit(deltaSchema), "w/d/_delta_log/00000000000000000010.checkpoint.parquet": checkpointFile(t, old)}},
		{"before what was cleaned up", map[string]string{log(3): commit(deltaSchema), log(9): `{"add":{}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.files["w/d/day=2024-01-01/part-0.parquet"] = "x"
			a, lines := fieldsOf(t, test.files, "w/d")
			if diff := gocmp.Diff(want, lines); diff != "" || a.Kind != "TABLE" || a.Properties["format"] != "delta" {
				t.Error(diff, a)
			}
		})
	}
}

func TestBrokenTablesAreNoted(t *testing.T) {
	for name, content := range map[string]map[string]string{
		"half the metadata of Iceberg": {"t/metadata/v1.metadata.json": icebergMetadata[:200]},
		"no schema":                    {"t/metadata/v1.metadata.json": `{"format-version": 2}`},
		"not packed":                   {"t/metadata/v1.gz.metadata.json": icebergMetadata},
		"half a commit":                {"t/_delta_log/00000000000000000000.json": `{"metaData":{"id":`},
		"a checkpoint that is none":    {"t/_delta_log/00000000000000000000.json": `{}`, "t/_delta_log/00000000000000000000.checkpoint.parquet": "PAR1"},
		"no schema in the commit":      {"t/_delta_log/00000000000000000000.json": commit("{")},
	} {
		content["u.csv"] = "id,name\n1,x\n"
		m := &memory{}
		err := lake.Harvest(t.Context(), scopeOf(&shelf{content: content, pageSize: 2}), lake.Options{}, m)
		notes := m.noted("lake.unreadable")
		if err != nil || len(notes) != 1 || notes[0].Asset.Name != "t" || len(m.done) != 1 || m.assets["u.csv"] == nil {
			t.Errorf("%s: err %v, notes %+v, done %q", name, err, m.notes, m.done)
		}
	}
}

func TestPartitionKeysAreFields(t *testing.T) {
	a, lines := fieldsOf(t, map[string]string{"w/k=1/a.csv": "id,name\n1,x\n", "w/k=2/b.csv": "id,name\n1,x\n2,y\n"}, "w")
	if diff := gocmp.Diff([]string{"id integer", "name string", "k  by true"}, lines); diff != "" || a.Properties["partitioned_by"] != "k" || a.Kind != "TABLE" {
		t.Error(diff, a)
	}
}

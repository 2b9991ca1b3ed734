package metastore_test

import (
	"encoding/base64"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/metastore"
)

func TestViewsInComments(t *testing.T) {
	packed := func(text string) string {
		return "/* Presto View: " + base64.StdEncoding.EncodeToString([]byte(text)) + " */"
	}
	whole := packed(`{"originalSql": " select 1 ", "catalog": "lake", "schema": "s", "columns": [{"name": "a", "type": "date"}], "comment": "c"}`)
	v, ok := metastore.Unwrap(whole)
	if !ok || v.SQL != "select 1" || v.Catalog != "lake" || v.Schema != "s" || v.Comment != "c" || len(v.Columns) != 1 || v.Columns[0].Type != "date" {
		t.Errorf("got %+v, %v", v, ok)
	}
	for text, want := range map[string]string{
		whole: "select 1", "select 2": "select 2", " /* why */ select 3": "/* why */ select 3",
		"/* Presto View */": "", "/* Presto View: %% */": "", packed("no JSON"): "", "": "", "/*": "/*",
	} {
		if got := metastore.ViewSQL(text); got != want {
			t.Errorf("%q: got %q", text, got)
		}
		if _, ok := metastore.Unwrap(text); ok != (text == whole) {
			t.Errorf("%q: %v", text, ok)
		}
	}
}

func TestColumnsOfSpark(t *testing.T) {
	parts := map[string]string{
		"spark.sql.sources.schema.numParts": "2",
		"spark.sql.sources.schema.part.0":   `{"fields": [{"name": "a", "type": {"type": "array", "elementType": {"type": "struct", "fields": [{"name": "x", "type": "long"}]}}, "nullable": true, "metadata": {}},`,
		"spark.sql.sources.schema.part.1":   `{"name": "b", "type": {"type": "map", "keyType": "string", "valueType": "date"}, "metadata": {"comment": "Why."}}]}`,
	}
	got := metastore.SparkFields(parts)
	if len(got) != 2 || got[0].NativeType != "array<struct<x:long>>" || !got[0].Nullable || got[1].NativeType != "map<string,date>" || got[1].Description != "Why." {
		t.Errorf("got %+v", got)
	}
	for _, text := range []string{"", "{", `{"fields": [{"name": ""}]}`} {
		if got := metastore.SparkFields(map[string]string{"spark.sql.sources.schema": text}); len(got) > 0 {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestPlaces(t *testing.T) {
	for location, want := range map[string]string{
		"s3a://lake/a b/%41/": "s3://lake a b/%41", "s3n://lake/x/*": "s3://lake x", "gs://raw/x": "gs://raw x", "hdfs://names:8020/w/x/": "hdfs://names:8020 /w/x",
		"abfss://box@acme.dfs.core.windows.net/x": "abfss://box@acme.dfs.core.windows.net x", "file:/w/x": "", "s3://lake": "", "s3://lake/_t-__PLACEHOLDER__": "", "": "", "s3://": "",
	} {
		got := ""
		if d, ok := metastore.Place(location); ok {
			got = d.ID.Namespace + " " + d.ID.Name
		}
		if got != want {
			t.Errorf("%s: got %q", location, got)
		}
	}
}

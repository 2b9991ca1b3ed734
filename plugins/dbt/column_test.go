package dbt_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/dbt"
	"github.com/souk-mesh/souk/sdk"
)

// project writes a target folder: a manifest of the project p for a PostgreSQL
// warehouse with the sections given, and the further files by name.
func project(t *testing.T, sections string, files map[string]string) dbt.Config {
	t.Helper()
	folder := t.TempDir()
	text := `{"metadata": {"dbt_schema_version": "https://x/manifest/v12.json", "adapter_type": "postgres", "project_name": "p"}, ` + sections + `}`
	for name, text := range merge(map[string]string{"manifest.json": text}, files) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dbt.Config{Path: folder, Namespace: "postgres://db.example:5432"}
}

func merge(a, b map[string]string) map[string]string {
	maps.Copy(a, b)
	return a
}

// TestColumnTagsAndMeta: whatever place a version of dbt gives them.
func TestColumnTagsAndMeta(t *testing.T) {
	m := harvest(t, project(t, `"nodes": {"model.p.a": {"resource_type": "model", "package_name": "p", "name": "a", "database": "d", "schema": "s",
		"columns": {
			"email": {"name": "email", "tags": ["pii"], "meta": {"class": "secret", "rules": ["x", 1], "none": null, "empty": {}}},
			"phone": {"name": "phone", "tags": "pii", "config": {"tags": ["gdpr"], "meta": {"class": "private", "level": 3}}},
			"id": {"name": "id", "config": "odd"}}}}`, nil))
	want := []sdk.Field{
		{Name: "email", Position: 1, Nullable: true, Tags: []string{"pii"}, Meta: map[string]string{"class": "secret", "rules": `["x",1]`}},
		{Name: "phone", Position: 2, Nullable: true, Tags: []string{"pii", "gdpr"}, Meta: map[string]string{"class": "private", "level": "3"}},
		{Name: "id", Position: 3, Nullable: true},
	}
	if diff := cmp.Diff(want, m.assets["d.s.a"].Fields); diff != "" {
		t.Error(diff)
	}
}

const model = `"resource_type": "model", "package_name": "p", "name": "a", "database": "d", "schema": "s"`

func catalogOf(id, columns string) map[string]string {
	return map[string]string{"catalog.json": `{"nodes": {"` + id + `": {"metadata": {"type": "BASE TABLE"}, "columns": {` + columns + `}}}}`}
}

// TestColumnsThatDifferInCase: each has its own words and its own place in the key.
func TestColumnsThatDifferInCase(t *testing.T) {
	for name, tt := range map[string]struct {
		columns, catalog, rest string
		want                   []sdk.Field
	}{
		"both in both": {
			`"id": {"name": "id", "description": "lower"}, "ID": {"name": "ID"}`,
			`"id": {"type": "int", "index": 1, "name": "id"}, "ID": {"type": "text", "index": 2, "name": "ID"}`, `, "primary_key": ["id"]`,
			[]sdk.Field{{Name: "id", Position: 1, NativeType: "int", Nullable: true, Description: "lower", PrimaryKey: 1}, {Name: "ID", Position: 2, NativeType: "text", Nullable: true}},
		},
		"one in the warehouse": {
			`"id": {"name": "id", "description": "lower"}, "ID": {"name": "ID", "description": "upper"}`, `"ID": {"type": "text", "index": 1, "name": "ID"}`, ``,
			[]sdk.Field{{Name: "ID", Position: 1, NativeType: "text", Nullable: true, Description: "upper"}},
		},
		"one in each": {
			`"id": {"name": "id", "description": "lower"}`, `"ID": {"type": "text", "index": 1, "name": "ID", "comment": "of the database"}`, `, "primary_key": ["id"]`,
			[]sdk.Field{{Name: "ID", Position: 1, NativeType: "text", Nullable: true, Description: "lower", PrimaryKey: 1}},
		},
		"quoted in the project": {
			`"\"A b\"": {"name": "\"A b\"", "description": "quoted"}`, `"A b": {"type": "text", "index": 1, "name": "A b", "comment": "of the database"}, "c": {"name": "c", "index": 2, "comment": "kept"}`, ``,
			[]sdk.Field{{Name: "A b", Position: 1, NativeType: "text", Nullable: true, Description: "quoted"}, {Name: "c", Position: 2, Nullable: true, Description: "kept"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := harvest(t, project(t, `"nodes": {"model.p.a": {`+model+`, "columns": {`+tt.columns+`}`+tt.rest+`}}`, catalogOf("model.p.a", tt.catalog)))
			if diff := cmp.Diff(tt.want, m.assets["d.s.a"].Fields); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestConstraintsOfTheModel: a key of several columns is in its own order.
func TestConstraintsOfTheModel(t *testing.T) {
	for name, constraints := range map[string]string{
		"of the model":   `"constraints": [{"type": "primary_key", "columns": ["day", "shop_id"]}, {"type": "not_null", "columns": ["amount"]}]`,
		"in another way": `"constraints": [{"type": "PRIMARY_KEY", "columns": ["\"day\"", "SHOP_ID"]}, {"type": "not_null", "columns": "amount"}], "primary_key": ["shop_id"]`,
	} {
		m := harvest(t, project(t, `"nodes": {"model.p.a": {`+model+`, `+constraints+`, "columns": {
			"shop_id": {"name": "shop_id"}, "day": {"name": "day"}, "amount": {"name": "amount", "constraints": "odd"}, "note": {"name": "note"}}}}`, nil))
		want := []sdk.Field{{Name: "shop_id", Position: 1, PrimaryKey: 2}, {Name: "day", Position: 2, PrimaryKey: 1}, {Name: "amount", Position: 3}, {Name: "note", Position: 4, Nullable: true}}
		if diff := cmp.Diff(want, m.assets["d.s.a"].Fields); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestFieldOfARule is the field's own name, whatever the test writes.
func TestFieldOfARule(t *testing.T) {
	var tests strings.Builder
	for i, column := range []string{`"id"`, `"\"A\""`, `"[A]"`, `"lower(id)"`, `"b"`} {
		fmt.Fprintf(&tests, `, "test.p.t%d": {"resource_type": "test", "package_name": "p", "name": "t", "attached_node": "model.p.a", "column_name": %s, "test_metadata": {"name": "unique", "kwargs": {}}}`, i, column)
	}
	m := harvest(t, project(t, `"nodes": {"model.p.a": {`+model+`}`+tests.String()+`}`,
		catalogOf("model.p.a", `"ID": {"name": "ID", "index": 1}, "A": {"name": "A", "index": 2}, "B": {"name": "B", "index": 3}, "b": {"name": "b", "index": 4}`)))
	for i, want := range []string{"ID", "A", "A", "lower(id)", "b"} {
		if got := m.quality[fmt.Sprintf("test.p.t%d", i)].Field; got != want {
			t.Errorf("test %d: got field %s, want %s", i, got, want)
		}
	}
}

// TestSourceOverASeed: whoever builds a table speaks first, and who documents it is heard.
func TestSourceOverASeed(t *testing.T) {
	sections := `"nodes": {"seed.p.orders": {"resource_type": "seed", "package_name": "p", "name": "orders", "database": "d", "schema": "s", "tags": ["nightly"], "columns": {"total": {"name": "total", "description": "seed's word"}}}},
		"sources": {"source.p.raw.orders": {"package_name": "p", "source_name": "raw", "name": "orders", "identifier": "orders", "database": "d", "schema": "s",
			"description": "From the till.", "tags": ["pii"], "meta": {"owner": "ana"}, "columns": {
				"id": {"name": "id", "description": "the order number", "tags": ["key"]}, "total": {"name": "total", "description": "source's word"}}}}`
	for name, files := range map[string]map[string]string{
		"catalog of the seed":   catalogOf("seed.p.orders", `"id": {"name": "id", "type": "int", "index": 1}, "total": {"name": "total", "type": "int", "index": 2, "comment": "database's word"}`),
		"catalog of the source": {"catalog.json": `{"sources": {"source.p.raw.orders": {"stats": {"rows": {"value": 7}}, "columns": {"id": {"name": "id", "type": "int", "index": 1}, "total": {"name": "total", "type": "int", "index": 2}}}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := harvest(t, project(t, sections, files)).assets["d.s.orders"]
			want := []sdk.Field{
				{Name: "id", Position: 1, NativeType: "int", Nullable: true, Description: "the order number", Tags: []string{"key"}},
				{Name: "total", Position: 2, NativeType: "int", Nullable: true, Description: "seed's word"},
			}
			if diff := cmp.Diff(want, a.Fields); diff != "" {
				t.Error(diff)
			}
			if a.Kind != "SEED" || a.Reference || a.Rank != sdk.Builder || a.Description != "From the till." || len(a.Aliases) != 2 ||
				!slices.Equal(a.Tags, []string{"nightly", "pii"}) || !slices.Equal(a.Owners, []string{"ana"}) {
				t.Errorf("got %+v", a)
			}
			if got := a.Rows != nil && *a.Rows == 7; got != strings.HasSuffix(name, "source") {
				t.Errorf("rows: %v", a.Rows)
			}
		})
	}
	both := harvest(t, project(t, sections, nil)).assets["d.s.orders"].Fields
	if len(both) != 2 || both[0].Name != "total" || both[1].Name != "id" {
		t.Errorf("without a catalog: got %+v, want what either documents", both)
	}
}

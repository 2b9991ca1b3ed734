package dbt_test

import (
	"os"
	"path/filepath"
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
	for name, text := range b {
		a[name] = text
	}
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

package dbt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/dbt"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(dbt.Plugin())) }

// TestPlugin holds the harvester to the rules on an old and on a new project.
func TestPlugin(t *testing.T) {
	broken := t.TempDir()
	manifest, err := os.ReadFile("testdata/v12/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"cut.json": manifest[:len(manifest)/2], "other.json": []byte(`{"name": "package.json", "version": "1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(broken, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := func(path string) json.RawMessage {
		absolute, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return json.RawMessage(fmt.Sprintf(`{"path": %q, "namespace": "postgres://db.example:5432", "defaultDatabase": "shop"}`, absolute))
	}
	for _, version := range []string{"v1", "v4", "v12"} {
		folder := withCatalog(t, "testdata/"+version)
		f := plugintest.Fixture{
			Config: config(folder), Mutations: []plugintest.Mutation{rewritten(folder)}, Golden: "testdata/" + version + "/golden.jsonl",
			BadConfigs: []plugintest.BadConfig{
				{Name: "no path", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "path"},
				{Name: "absent", Config: config(filepath.Join(broken, "none")), Class: sdk.ClassConfig, Field: "path"},
				{Name: "cut in the middle", Config: config(filepath.Join(broken, "cut.json")), Class: sdk.ClassConfig, Field: "path"},
				{Name: "of another tool", Config: config(filepath.Join(broken, "other.json")), Class: sdk.ClassConfig, Field: "path"},
			},
		}
		if version == "v12" {
			f.Scale = plugintest.Sized(nil, func(n int) json.RawMessage { return config(sized(t, n)) })
			f.Scale.Most = 50_000 // of which each takes some 6 KB of memory
		}
		t.Run(version, func(t *testing.T) { plugintest.Run(t, sdk.Register(dbt.Plugin()), f) })
	}
}

// rewritten has dbt write its manifest anew, as it does with each run, and with
// nothing else in it.
func rewritten(folder string) plugintest.Mutation {
	file := filepath.Join(folder, "manifest.json")
	before, err := os.ReadFile(file)
	write := func(text []byte) func(context.Context) error {
		return func(context.Context) error { return errors.Join(err, os.WriteFile(file, text, 0o600)) }
	}
	return plugintest.Mutation{Name: "a manifest that is written anew", Do: write(append(slices.Clone(before), '\n')), Undo: write(before)}
}

// sized is a project of n models, each of which reads the one before it.
func sized(t *testing.T, n int) string {
	t.Helper()
	var nodes strings.Builder
	for i := range n {
		if i > 0 {
			nodes.WriteString(",")
		}
		fmt.Fprintf(&nodes, `"model.many.m%d": {"unique_id": "model.many.m%[1]d", "resource_type": "model", "package_name": "many", "name": "m%[1]d", "alias": "m%[1]d", "database": "shop", "schema": "marts",
			"config": {"materialized": "table"}, "columns": {"id": {"name": "id", "data_type": "int"}}, "depends_on": {"nodes": ["model.many.m%[2]d"]}, "compiled_code": "select id from shop.marts.m%[2]d"}`, i, max(i-1, 0))
	}
	folder := t.TempDir()
	text := `{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "many", "adapter_type": "postgres"}, "sources": {}, "nodes": {` + nodes.String() + `}}`
	if err := os.WriteFile(filepath.Join(folder, "manifest.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// withCatalog gives a copy of the folder, with an empty catalog where there is
// none, which a check would report as missing.
func withCatalog(t *testing.T, folder string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "catalog.json")); err == nil {
		return copied
	}
	if err := os.WriteFile(filepath.Join(copied, "catalog.json"), []byte(`{"nodes": {}, "sources": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// TestJudge looks at the text alone: the folder need not be there yet.
func TestJudge(t *testing.T) {
	for namespace, field := range map[string]string{"": "", "postgres://db.example": "", "postgres://souk@db.example": "namespace", "postgres://souk:pw@db.example": "namespace"} {
		config := json.RawMessage(fmt.Sprintf(`{"path": "/nowhere", "namespace": %q}`, namespace))
		err := sdk.Register(dbt.Plugin()).Judge(config, slog.New(slog.DiscardHandler))
		if e, _ := errors.AsType[*sdk.Error](err); (field == "") != (err == nil) || e != nil && e.Field != field {
			t.Errorf("%q: %v", namespace, err)
		}
	}
}

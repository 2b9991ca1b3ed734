package dbt_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
		f := plugintest.Fixture{
			Config: config(withCatalog(t, "testdata/"+version)), Golden: "testdata/" + version + "/golden.jsonl",
			BadConfigs: []plugintest.BadConfig{
				{Name: "no path", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "path"},
				{Name: "absent", Config: config(filepath.Join(broken, "none")), Class: sdk.ClassConfig, Field: "path"},
				{Name: "cut in the middle", Config: config(filepath.Join(broken, "cut.json")), Class: sdk.ClassConfig, Field: "path"},
				{Name: "of another tool", Config: config(filepath.Join(broken, "other.json")), Class: sdk.ClassConfig, Field: "path"},
			},
		}
		t.Run(version, func(t *testing.T) { plugintest.Run(t, sdk.Register(dbt.Plugin()), f) })
	}
}

// withCatalog gives the folder, or a copy with an empty catalog where there is
// none, which a check would report as missing.
func withCatalog(t *testing.T, folder string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder, "catalog.json")); err == nil {
		return folder
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		t.Fatal(err)
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

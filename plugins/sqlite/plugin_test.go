package sqlite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	harvester "github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(harvester.Plugin())) }

func TestPlugin(t *testing.T) {
	config := func(path string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"path": %q, "name": "till"}`, path))
	}
	plugintest.Run(t, sdk.Register(harvester.Plugin()), plugintest.Fixture{
		Config: config(file(t, shop)), Golden: "testdata/shop.golden.jsonl",
		BadConfigs: []plugintest.BadConfig{
			{Name: "no path", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "path"},
			{Name: "absent", Config: config(filepath.Join(t.TempDir(), "none.db")), Class: sdk.ClassConfig, Field: "path"},
			{Name: "a folder", Config: config(t.TempDir()), Class: sdk.ClassConfig, Field: "path"},
			{Name: "no number", Config: json.RawMessage(`{"path": 7}`), Class: sdk.ClassConfig, Field: "path"},
		},
		Scale: &plugintest.Scale{Config: func(_ context.Context, n int) (json.RawMessage, map[string]string, error) {
			var script strings.Builder
			for i := range n {
				fmt.Fprintf(&script, "CREATE TABLE t%06d (id INTEGER PRIMARY KEY, name TEXT NOT NULL);", i)
			}
			return config(file(t, script.String())), nil, nil
		}},
	})
}

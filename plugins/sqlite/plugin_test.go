package sqlite_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
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
	scale := plugintest.Sized(nil, func(n int) json.RawMessage { return config(file(t, fmt.Sprintf(tables, n))) })
	// SQLite keeps the names of its schema in 64 lists, so that to look one up
	// grows with their number: to three times the cost at 20,000 and to six at 100,000.
	scale.Growth = 8
	plugintest.Run(t, sdk.Register(harvester.Plugin()), plugintest.Fixture{
		Config: config(file(t, shop)), Golden: "testdata/shop.golden.jsonl",
		BadConfigs: []plugintest.BadConfig{
			{Name: "no path", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "path"},
			{Name: "absent", Config: config(filepath.Join(t.TempDir(), "none.db")), Class: sdk.ClassConfig, Field: "path"},
			{Name: "a folder", Config: config(t.TempDir()), Class: sdk.ClassConfig, Field: "path"},
			{Name: "no number", Config: json.RawMessage(`{"path": 7}`), Class: sdk.ClassConfig, Field: "path"},
		},
		Scale: scale,
	})
}

// tables makes as many tables as it is told. SQLite reads its whole schema anew
// for each CREATE TABLE, so the rows of the schema are written as they are.
const tables = `
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
PRAGMA writable_schema = ON;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)
SELECT 'table', format('t%%06d', i), format('t%%06d', i), 2, format('CREATE TABLE t%%06d (id INTEGER PRIMARY KEY, name TEXT NOT NULL)', i) FROM n;
PRAGMA writable_schema = OFF;`

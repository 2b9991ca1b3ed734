package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

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
	// grows with their number: to 1.1 times the cost at 20,000 and to five times at 100,000,
	// of which the half is the opening of the file.
	scale.Growth = 8
	path := file(t, shop)
	plugintest.Run(t, sdk.Register(harvester.Plugin()), plugintest.Fixture{
		Config: config(path), Golden: "testdata/shop.golden.jsonl",
		BadConfigs: []plugintest.BadConfig{
			{Name: "no path", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "path"},
			{Name: "absent", Config: config(filepath.Join(t.TempDir(), "none.db")), Class: sdk.ClassConfig, Field: "path"},
			{Name: "a folder", Config: config(t.TempDir()), Class: sdk.ClassConfig, Field: "path"},
			{Name: "no number", Config: json.RawMessage(`{"path": 7}`), Class: sdk.ClassConfig, Field: "path"},
		},
		Scale: scale,
		Mutations: []plugintest.Mutation{
			{
				Name: "a new table", Do: script(path, "create table fresh (id)"), Undo: script(path, "drop table fresh"),
				Added: []string{"asset sqlite://till fresh"},
			},
			{
				Name: "another column", Do: script(path, "alter table line add column more text"), Undo: script(path, "alter table line drop column more"),
				Changed: []string{"asset sqlite://till line"},
			},
			{
				Name: "a view that is gone", Do: script(path, "drop view line_count"), Undo: script(path, "create view line_count as select count(*) as n from line"),
				Removed: []string{"asset sqlite://till line_count", "edge sqlite://till line -> sqlite://till line_count DERIVES"},
			},
		},
	})
}

// script changes a file that somebody may be reading.
func script(path, sql string) func(context.Context) error {
	return func(context.Context) error {
		conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		if err != nil {
			return err
		}
		return errors.Join(sqlitex.ExecuteScript(conn, sql, nil), conn.Close())
	}
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

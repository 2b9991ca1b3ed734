package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sqlitedb "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// sqliteFile makes a database to harvest.
func sqliteFile(tb testing.TB, path, script string) {
	tb.Helper()
	conn, err := sqlitedb.OpenConn(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteScript(conn, script, nil), conn.Close()); err != nil {
		tb.Fatal(err)
	}
}

// harvest fills the catalog from a small shop's database.
func (f *federation) harvest() {
	path := filepath.Join(f.files, "shop.db")
	sqliteFile(f.t, path, "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT); CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers)")
	f.admin.do("assignNamespace", "AssignNamespaceInput", map[string]any{"namespace": "sqlite://shop.db", "domainId": f.domains["sales"]}, "namespace { id }", &struct{}{})
	var made struct{ Source struct{ ID string } }
	f.people["sam"].do("createSource", "CreateSourceInput", map[string]any{"name": "shop", "domainId": f.domains["sales"], "plugin": "sqlite", "config": map[string]any{"path": path}}, "source { id }", &made)
	var run struct{ Run struct{ ID string } }
	f.people["sam"].do("startHarvest", "StartHarvestInput", map[string]any{"sourceId": made.Source.ID}, "run { id }", &run)
	var got struct{ HarvestRun struct{ Status string } }
	eventually(f.t, time.Minute, "the harvest succeeds", func() bool {
		f.people["sam"].ask(`query($id: ID!) { harvestRun(id: $id) { status } }`, map[string]any{"id": run.Run.ID}, &got)
		return got.HarvestRun.Status == "SUCCEEDED"
	})
}

// asset finds what was harvested by the name of its table.
func (f *federation) asset(table string) string {
	f.t.Helper()
	var got struct {
		Assets struct{ Nodes []struct{ ID, Name string } }
	}
	f.people["sam"].ask(`{ assets(first: 50) { nodes { id name } } }`, nil, &got)
	for _, a := range got.Assets.Nodes {
		if strings.HasSuffix(a.Name, table) {
			return a.ID
		}
	}
	f.t.Fatalf("no %s among %+v", table, got.Assets.Nodes)
	return ""
}

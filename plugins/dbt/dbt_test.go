package dbt_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/dbt"
	"github.com/souk-mesh/souk/sdk"
)

// memory is a sink that keeps everything.
type memory struct {
	order   []sdk.Record
	assets  map[string]*sdk.Asset
	quality map[string]*sdk.Quality
	edges   []string
	done    []string
	notes   map[string]int
}

func (m *memory) Emit(r sdk.Record) error {
	m.order = append(m.order, r)
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[r.ID.Name] = r
	case *sdk.Edge:
		m.edges = append(m.edges, r.From.Name+" "+r.Kind+" "+r.To.Name)
	case *sdk.Quality:
		m.quality[r.Key] = r
	}
	return nil
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error               { m.notes[n.Code]++; return nil }

func open(t *testing.T, c dbt.Config) (sdk.Source, error) {
	t.Helper()
	return dbt.Plugin().Open(t.Context(), c, sdk.Env{Now: time.Now, Files: sdk.NewFiles("/")})
}

func harvest(t *testing.T, c dbt.Config) *memory {
	t.Helper()
	s, err := open(t, c)
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{assets: map[string]*sdk.Asset{}, quality: map[string]*sdk.Quality{}, notes: map[string]int{}}
	if err := s.Harvest(t.Context(), sdk.Request{}, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// server is the warehouse of the bakery.
const server = "postgres://db.example:5432"

func bakery(t *testing.T) *memory {
	t.Helper()
	return harvest(t, dbt.Config{Path: "testdata/v12", Namespace: "postgresql://DB.example"})
}

func TestModel(t *testing.T) {
	rows := int64(12)
	want := &sdk.Asset{
		ID: sdk.NativeID{Namespace: "postgres://db.example:5432", Name: "shop.Marts.orders_v2"}, Scope: "project:bakery",
		Kind: "TABLE", Rank: sdk.Builder, ShortName: "orders_v2", Description: "All orders.",
		Owners: []string{"sales@bakery.example", "ana@bakery.example"}, OwnerRoles: []string{"loader"}, Tags: []string{"gold", "hourly"},
		Fields: []sdk.Field{
			{Name: "ID", Position: 1, NativeType: "int8", Description: "Its number.", PrimaryKey: 1},
			{Name: "total", Position: 2, NativeType: "numeric", Description: "With tax.", Nullable: true},
		},
		Rows: &rows,
		Properties: map[string]string{
			"group": "sales", "dbt_unique_id": "model.bakery.orders.v2", "package": "bakery", "path": "models/orders.sql",
			"materialized": "table", "access": "public", "version": "2", "contract": "enforced", "meta.tier": "1",
			"column_lineage": "known",
		},
		Constraints: []sdk.Constraint{{Name: "positive", Kind: sdk.Check, Expression: "total >= 0"}, {Kind: sdk.Unique, Fields: []string{"ID", "total"}}},
		Aliases:     []sdk.Alias{{Scheme: "dbt", Namespace: "bakery", Name: "model.bakery.orders.v2"}},
	}
	if diff := cmp.Diff(want, bakery(t).assets["shop.Marts.orders_v2"]); diff != "" {
		t.Error(diff)
	}
}

func TestKindsRanksAndNames(t *testing.T) {
	got := map[string]string{}
	for name, a := range bakery(t).assets {
		got[name] = a.Kind
		if a.Reference {
			got[name] += " reference"
		}
		if strings.HasPrefix(a.ID.Namespace, "dbt://") {
			got[name] += " in " + a.ID.Namespace
		}
	}
	want := map[string]string{
		"shop.Marts.orders_v2": "TABLE", "shop.raw.prices": "SEED", "shop.snap.history": "SNAPSHOT",
		"shop.farm.wheat": "VIEW reference", "shop.front.Till": "TABLE reference", "shop.front.empty": "TABLE reference",
		server + "/model.bakery.prep": "OTHER in dbt://bakery", server + "/exposure.bakery.weekly": "DASHBOARD in dbt://bakery",
		server + "/metric.bakery.turnover": "METRIC in dbt://bakery", server + "/semantic_model.bakery.orders": "SEMANTIC_MODEL in dbt://bakery",
		server + "/saved_query.bakery.by_day": "SAVED_QUERY in dbt://bakery",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOneProjectOnTwoServersSharesNothing: not even what no server holds.
func TestOneProjectOnTwoServersSharesNothing(t *testing.T) {
	ids := func(namespace string) map[sdk.NativeID]bool {
		found := map[sdk.NativeID]bool{}
		for _, a := range harvest(t, dbt.Config{Path: "testdata/v12", Namespace: namespace}).assets {
			found[a.ID] = true
		}
		return found
	}
	dev := ids("postgres://dev:5432")
	for id := range ids("postgres://prod:5432") {
		if dev[id] {
			t.Errorf("%s %s is of both servers", id.Namespace, id.Name)
		}
	}
}

func TestSourceOverASeedIsItsAlias(t *testing.T) {
	a := bakery(t).assets["shop.raw.prices"]
	if a.Rank != sdk.Builder || len(a.Aliases) != 2 {
		t.Errorf("got %+v", a)
	}
}

func TestLineage(t *testing.T) {
	want := []string{
		server + "/metric.bakery.turnover USES " + server + "/exposure.bakery.weekly",
		server + "/semantic_model.bakery.orders DERIVES " + server + "/metric.bakery.turnover",
		server + "/model.bakery.prep DERIVES shop.Marts.orders_v2",
		"shop.farm.wheat DERIVES shop.Marts.orders_v2",
		"shop.front.Till DERIVES shop.Marts.orders_v2",
		"shop.raw.prices DERIVES " + server + "/model.bakery.prep",
		server + "/metric.bakery.turnover USES " + server + "/saved_query.bakery.by_day",
		"shop.Marts.orders_v2 DERIVES " + server + "/semantic_model.bakery.orders",
		"shop.Marts.orders_v2 DERIVES shop.snap.history",
	}
	if diff := cmp.Diff(want, bakery(t).edges); diff != "" {
		t.Error(diff)
	}
}

func TestQuality(t *testing.T) {
	m := bakery(t)
	got := m.quality["test.bakery.unique_orders_id.1"]
	want := &sdk.Quality{
		Asset: sdk.NativeID{Namespace: "postgres://db.example:5432", Name: "shop.Marts.orders_v2"}, Scope: "project:bakery",
		Key: "test.bakery.unique_orders_id.1", Name: "unique_orders_id", Rule: "unique", Field: "ID", Severity: "error",
		Arguments: map[string]string{"config": `{"where":"total > 0"}`, "values": "[1,2]"},
		Result:    &sdk.Result{Status: "fail", Failures: 3, Message: "Got 3 results", At: time.Date(2026, 5, 1, 10, 0, 59, 123e6, time.UTC)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if q := m.quality["unit_test.bakery.orders.sums"]; q.Rule != "unit_test" || q.Result.Status != "pass" {
		t.Errorf("unit test: %+v", q)
	}
	if q := m.quality["freshness.source.bakery.shop.empty"]; q.Result.Status != "error" || q.Result.Message != "the table is empty" {
		t.Errorf("freshness of an empty table: %+v", q)
	}
	if q := m.quality["freshness.source.bakery.shop.till"]; q == nil || q.Result != nil {
		t.Errorf("freshness that was not measured: %+v", q)
	}
	if len(m.quality) != 4 {
		t.Errorf("got %d tests", len(m.quality))
	}
}

func TestNotesScopeAndSecrecy(t *testing.T) {
	m := bakery(t)
	if diff := cmp.Diff(map[string]int{"dbt.columns_followed": 1, "dbt.other_invocation": 1}, m.notes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"project:bakery"}, m.done); diff != "" {
		t.Error(diff)
	}
	text, err := json.Marshal(m.order)
	if err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("SQL or rows leak, or %v", err)
	}
	if diff := cmp.Diff(m.order, bakery(t).order); diff != "" {
		t.Error("two harvests differ: " + diff)
	}
}

func TestVersion1(t *testing.T) {
	m := harvest(t, dbt.Config{Path: "testdata/v1/manifest.json"})
	a := m.assets["acme.oven.bread"]
	if a == nil || a.ID.Namespace != "bigquery" || a.Kind != "TABLE" || len(a.Fields) != 2 || a.Fields[0].Name != "z" || a.Tags[0] != "daily" {
		t.Errorf("got %+v", a)
	}
	q := m.quality["test.bakery.relationships_bread"]
	if q.Asset.Name != "acme.oven.bread" || q.Severity != "warn" || q.Field != "a" {
		t.Errorf("got %+v", q)
	}
	if m.notes["dbt.unknown_node"] != 1 || len(m.done) != 1 || m.done[0] != "project:bakery" {
		t.Errorf("notes %v, done %v", m.notes, m.done)
	}
}

func TestVersion4WithoutDatabases(t *testing.T) {
	m := harvest(t, dbt.Config{Path: "testdata/v4", Namespace: "mysql://db.example", DefaultDatabase: "ignored"})
	if diff := cmp.Diff([]string{"front.till_v2 DERIVES oven.cakes"}, m.edges); diff != "" {
		t.Error(diff)
	}
	if q := m.quality["test.bakery.no_negative_cake"]; q.Rule != "singular" || q.Asset.Name != "oven.cakes" {
		t.Errorf("got %+v", q)
	}
}

func TestRefusals(t *testing.T) {
	whole, err := os.ReadFile("testdata/v12/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "manifest.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct {
		path, namespace     string
		field, text, remedy string
	}{
		"no path":         {"", "x", "path", "missing", "target"},
		"absent":          {filepath.Join(t.TempDir(), "none"), "x", "path", "does not exist", "dbt compile"},
		"truncated":       {file(string(whole[:len(whole)/2])), "x", "path", "manifest.json ends in the middle", "dbt compile"},
		"not JSON":        {file("select 1"), "x", "path", "no valid JSON", "dbt compile"},
		"another tool":    {file(`{"openapi": "3.1.0", "paths": {}}`), "x", "path", "the keys openapi, paths", "target folder"},
		"a catalog":       {"testdata/v12/catalog.json", "x", "path", "catalog/v1.json", "target folder"},
		"no namespace":    {"testdata/v12", "", "namespace", "postgres server", "postgres://"},
		"with a password": {"testdata/v12", "postgres://a:canary@b", "namespace", "a user or a password", "only"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := open(t, dbt.Config{Path: tt.path, Namespace: tt.namespace})
			if err == nil {
				err = s.Harvest(t.Context(), sdk.Request{}, &memory{})
			}
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Class != sdk.ClassConfig || e.Field != tt.field || !strings.Contains(e.Message, tt.text) || !strings.Contains(e.Fix, tt.remedy) {
				t.Errorf("got %#v", err)
			}
			if strings.Contains(e.Error(), "canary") {
				t.Error("the error holds the password")
			}
		})
	}
}

func TestDamagedNodeLeavesTheScopeUndone(t *testing.T) {
	text := `{"metadata": {"dbt_schema_version": "https://x/manifest/v12.json", "adapter_type": "bigquery", "project_name": "p"},
		"nodes": {"model.p.a": {"depends_on": 7}, "model.p.b": {"alias": "b", "schema": "s", "database": "d"}}}`
	path := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := harvest(t, dbt.Config{Path: path})
	if m.notes["dbt.damaged_node"] != 1 || len(m.done) != 0 || m.assets["d.s.b"] == nil {
		t.Errorf("notes %v, done %v, assets %v", m.notes, m.done, m.assets)
	}
}

package dbt_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/dbt"
	"github.com/souk-mesh/souk/sdk"
)

func TestMetricsAndSemanticModels(t *testing.T) {
	m := bakery(t)
	metric, model, query := m.assets[server+"/metric.bakery.turnover"], m.assets[server+"/semantic_model.bakery.orders"], m.assets[server+"/saved_query.bakery.by_day"]
	if metric.ShortName != "Turnover" || metric.Description != "What comes in." || metric.Properties["type"] != "simple" || metric.DefinitionLanguage != "json" {
		t.Errorf("got %+v", metric)
	}
	if want := `{"filter":{"where_filters":[{"where_sql_template":"{{ Dimension('order__day') }} is not null"}]},"type_params":{"measure":{"join_to_timespine":false,"name":"total"}}}`; metric.Definition != want {
		t.Errorf("a metric is made by %s", metric.Definition)
	}
	if want := `{"query_params":{"group_by":["TimeDimension('metric_time', 'day')"],"metrics":["turnover"]}}`; query.Definition != want {
		t.Errorf("a query is made by %s", query.Definition)
	}
	want := []sdk.Field{
		{Name: "order", Position: 1, NativeType: "entity primary", Nullable: true, Meta: map[string]string{"expr": "id"}},
		{Name: "day", Position: 2, NativeType: "dimension time", Nullable: true, Description: "When it came."},
		{Name: "total", Position: 3, NativeType: "measure sum", Nullable: true, Meta: map[string]string{"expr": "total"}},
	}
	if diff := cmp.Diff(want, model.Fields); diff != "" {
		t.Error(diff)
	}
}

func TestFreshnessOfSources(t *testing.T) {
	m := bakery(t)
	if diff := cmp.Diff(&sdk.Freshness{WarnAfter: 24 * time.Hour, Field: "loaded_at"}, m.assets["shop.front.Till"].Freshness); diff != "" {
		t.Error(diff)
	}
	if f := m.assets["shop.front.empty"].Freshness; f != nil {
		t.Errorf("a source without a limit has %+v", f)
	}
}

// TestOddFreshnessAndMetrics: what dbt writes in another shape counts as not said.
func TestOddFreshnessAndMetrics(t *testing.T) {
	text := `{"metadata": {"dbt_schema_version": "https://x/manifest/v12.json", "adapter_type": "bigquery", "project_name": "p"},
		"sources": {
			"source.p.s.moved": {"name": "moved", "schema": "s", "database": "d", "config": {"loaded_at_field": "at", "freshness": {"error_after": {"count": "1.5", "period": "hour"}}}},
			"source.p.s.huge": {"name": "huge", "schema": "s", "database": "d", "freshness": {"warn_after": {"count": 1e300, "period": "day"}, "error_after": {"count": -3, "period": "day"}}},
			"source.p.s.odd": {"name": "odd", "schema": "s", "database": "d", "freshness": {"warn_after": [1], "error_after": {"count": 3, "period": "fortnight"}}}},
		"metrics": {"metric.p.m": {"name": "m", "type_params": "all", "filter": 7}},
		"semantic_models": {"semantic_model.p.s": {"name": "s", "entities": "none", "dimensions": [{}], "measures": null}}}`
	path := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := harvest(t, dbt.Config{Path: path})
	if f := m.assets["d.s.moved"].Freshness; f == nil || f.ErrorAfter != 90*time.Minute || f.Field != "at" {
		t.Errorf("got %+v", f)
	}
	if m.assets["d.s.huge"].Freshness != nil || m.assets["d.s.odd"].Freshness != nil {
		t.Errorf("got %+v and %+v", m.assets["d.s.huge"].Freshness, m.assets["d.s.odd"].Freshness)
	}
	if a := m.assets["bigquery/metric.p.m"]; a.Definition != `{"filter":7,"type_params":"all"}` || len(m.done) != 1 {
		t.Errorf("got %+v", a)
	}
	if a := m.assets["bigquery/semantic_model.p.s"]; len(a.Fields) != 0 {
		t.Errorf("got %+v", a)
	}
}

// TestOneDamagedMetricIsOne: the others are harvested, and the scope stays open
// (a fault of DataHub's pull request 19653).
func TestOneDamagedMetricIsOne(t *testing.T) {
	text := `{"metadata": {"dbt_schema_version": "https://x/manifest/v12.json", "adapter_type": "bigquery", "project_name": "p"},
		"metrics": {"metric.p.list": ["no object"], "metric.p.odd": {"name": "odd", "depends_on": 7}, "metric.p.good": {"name": "good", "type": ["x"], "label": {"no": "text"}}}}`
	path := filepath.Join(t.TempDir(), "manifest.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := harvest(t, dbt.Config{Path: path})
	if m.notes["dbt.damaged_node"] != 2 || len(m.done) != 0 || len(m.assets) != 1 || m.assets["bigquery/metric.p.good"] == nil {
		t.Errorf("notes %v, done %v, assets %v", m.notes, m.done, m.assets)
	}
}

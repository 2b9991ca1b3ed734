package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const ours = `('ops', 'finance', 'raw', 'Legacy CRM')`

// countsAgree compares with what SQL and the manifest say of themselves.
func (p *proof) countsAgree() {
	relations := p.db.count(`select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname in ` + ours + ` and relkind in ('r','p','v','m') and not relispartition`)
	columns := p.db.count(`select count(*) from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
		where nspname in ` + ours + ` and relkind in ('r','p','v','m') and not relispartition and attnum > 0 and not attisdropped`)
	keys := p.db.count(`select count(*) from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace where nspname in ` + ours + ` and contype = 'f' and not relispartition`)
	views := p.db.count(`select count(*) from pg_views where schemaname in ` + ours)
	schemas := p.db.count(`select count(*) from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`)
	indexes := p.db.count(`select count(*) from pg_index x join pg_class c on c.oid = x.indrelid join pg_namespace n on n.oid = c.relnamespace
		where nspname in ` + ours + ` and not indisprimary and not relispartition`)
	built, exposures, tests := manifestCounts(p.t)

	held := map[string]int{}
	for _, a := range p.assets(map[string]any{"namespace": p.db.namespace}) {
		if a.Kind == "DATABASE" || a.Kind == "SCHEMA" {
			held[strings.ToLower(a.Kind)]++
			continue
		}
		schema := strings.Split(a.Name, ".")[1]
		if strings.HasPrefix(schema, "analytics") || schema == "snapshots" {
			held["built"]++
			continue
		}
		held["relations"]++
		held["columns"] += len(a.Fields)
		held["keys"] += len(a.ForeignKeys)
		held["indexes"] += len(a.Indexes)
		if a.Parent != nil && a.Parent.Name == strings.Join(strings.Split(a.Name, ".")[:2], ".") {
			held["held"]++
		}
		if a.Kind == "VIEW" && a.Definition != "" {
			held["views"]++
		}
	}
	project := p.assets(map[string]any{"namespace": "dbt://freight"})
	want := map[string]int{"relations": relations, "columns": columns, "keys": keys, "views": views, "built": built, "database": 1, "schema": schemas, "held": relations, "indexes": indexes}
	for what, n := range want {
		if held[what] != n || n == 0 {
			p.t.Errorf("%s: the catalog has %d, the source says %d", what, held[what], n)
		}
	}
	if len(project) != exposures {
		p.t.Errorf("in dbt://freight: got %d assets, want %d exposures and ephemeral models", len(project), exposures)
	}
	if run := p.harvest("analytics"); run.Counts.QualityRules != tests {
		p.t.Errorf("quality rules: got %d, want %d", run.Counts.QualityRules, tests)
	}
}

// manifestCounts counts what the warehouse shall hold, what lives in the
// project alone, and the tests.
func manifestCounts(t *testing.T) (built, alone, tests int) {
	t.Helper()
	text, err := os.ReadFile("testdata/freight/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Nodes map[string]struct {
			ResourceType string `json:"resource_type"`
			Config       struct {
				Materialized string `json:"materialized"`
			} `json:"config"`
		} `json:"nodes"`
		Exposures map[string]any `json:"exposures"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	alone = len(manifest.Exposures)
	for _, n := range manifest.Nodes {
		switch {
		case n.ResourceType == "test":
			tests++
		case n.Config.Materialized == "ephemeral":
			alone++
		default:
			built++
		}
	}
	return built, alone, tests + freshnessChecks(t)
}

// freshnessChecks counts the sources whose age dbt has judged; each is a rule too.
func freshnessChecks(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("testdata/freight/sources.json")
	if err != nil {
		t.Fatal(err)
	}
	var judged struct {
		Results []any `json:"results"`
	}
	if err := json.Unmarshal(text, &judged); err != nil {
		t.Fatal(err)
	}
	return len(judged.Results)
}

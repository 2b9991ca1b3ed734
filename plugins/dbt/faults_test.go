package dbt_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

// TestTestsOfNodesWithOneName find the node that their model argument means.
func TestTestsOfNodesWithOneName(t *testing.T) {
	source := func(of string) string {
		return fmt.Sprintf(`"source.p.%s.orders": {"package_name": "p", "source_name": %q, "name": "orders", "identifier": "orders", "database": "d", "schema": %q}`, of, of, of)
	}
	orders := func(pkg, schema, version string) string {
		return fmt.Sprintf(`{"resource_type": "model", "package_name": %q, "name": "orders", "version": %q, "database": "d", "schema": %q, "original_file_path": "x.sql"}`, pkg, version, schema)
	}
	nodes := `"model.p.orders.v1": ` + orders("p", "one", "1") + `, "model.p.orders.v2": ` + orders("p", "two", "2") + `, "model.q.orders": ` + orders("q", "q", "")
	everything := `"model.p.orders.v1", "model.p.orders.v2", "model.q.orders", "source.p.us.orders", "source.p.eu.orders"`
	for call, want := range map[string]string{
		`{{ get_where_subquery(source('eu', 'orders')) }}`:          "d.eu.orders",
		`{{ get_where_subquery(source("us", "orders")) }}`:          "d.us.orders",
		`{{ source( 'eu' , 'orders' ) }}`:                           "d.eu.orders",
		`{{ get_where_subquery(ref('orders', v=2)) }}`:              "d.two.orders",
		`{{ get_where_subquery(ref('p', 'orders', version='1')) }}`: "d.one.orders",
		`{{ ref('q', 'orders') }}`:                                  "d.q.orders",
	} {
		test := fmt.Sprintf(`"test.p.t": {"resource_type": "test", "package_name": "p", "name": "t", "attached_node": null, "depends_on": {"nodes": [%s]}, "test_metadata": {"name": "unique", "kwargs": {"model": %q}}}`, everything, call)
		m := harvest(t, project(t, `"nodes": {`+nodes+`, `+test+`}, "sources": {`+source("us")+`, `+source("eu")+`}`, nil))
		if got := m.quality["test.p.t"].Asset.Name; got != want {
			t.Errorf("%s: got %s, want %s", call, got, want)
		}
	}
}

// TestRemarks: what changes the picture without being an error is said.
func TestRemarks(t *testing.T) {
	nodes := `"nodes": {"model.p.a": {` + model + `}}`
	for name, tt := range map[string]struct {
		files map[string]string
		want  map[string]int
	}{
		"no catalog":      {nil, map[string]int{"dbt.no_catalog": 1, "dbt.columns_followed": 1}},
		"as it should be": {catalogOf("model.p.a", ""), map[string]int{"dbt.columns_followed": 1}},
		"tables beyond":   {map[string]string{"catalog.json": `{"nodes": {"model.p.a": {}, "model.p.old": {}}, "sources": {"source.p.x.y": {}}, "errors": null}`}, map[string]int{"dbt.not_in_manifest": 2, "dbt.columns_followed": 1}},
		"errors":          {map[string]string{"catalog.json": `{"nodes": {"model.p.a": {}}, "errors": ["x"]}`}, map[string]int{"dbt.catalog_errors": 1, "dbt.columns_followed": 1}},
	} {
		m := harvest(t, project(t, nodes, tt.files))
		if diff := cmp.Diff(tt.want, m.notes); diff != "" || len(m.done) != 1 {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestMalformedArtifactsAreTheUsersFault: none of them is blamed on the plugin,
// and none of them makes it emit what the host refuses.
//
// Bad input: half an answer.
func TestMalformedArtifactsAreTheUsersFault(t *testing.T) {
	head := `"metadata": {"dbt_schema_version": "https://x/manifest/v12.json", "adapter_type": "postgres", "project_name": "p"}`
	for name, text := range map[string]string{
		"empty": ``, "null": `null`, "number": `5`, "text": `"x"`, "list": `[1]`, "list of lists": `[[[`, "cut": `{` + head + `, "nodes": {"a": {`,
		"more behind it": `{` + head + `} x`, "two documents": `{` + head + `}{}`, "wrong comma": `{` + head + `,,}`, "metadata of text": `{"metadata": "x"}`,
		"deep": `{` + head + `, "nodes": ` + strings.Repeat(`{"a":`, 20000) + `1`, "no UTF-8": "{\"\xff\xfe\": 1}",
	} {
		path := filepath.Join(t.TempDir(), "manifest.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := project(t, `"nodes": {}`, nil)
		c.Path = path
		s, err := open(t, c)
		if err == nil {
			err = s.Harvest(t.Context(), sdk.Request{}, &memory{assets: map[string]*sdk.Asset{}, quality: map[string]*sdk.Quality{}, notes: map[string]int{}})
		}
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassConfig || e.Field != "path" || e.Fix == "" {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

// TestOddNodes are noted or passed over; every record is one that the host takes.
func TestOddNodes(t *testing.T) {
	for name, tt := range map[string]struct {
		sections string
		damaged  int
	}{
		"without a name":      {`"nodes": {"model.p.a": {}}`, 1},
		"null":                {`"nodes": {"model.p.a": null}`, 1},
		"number":              {`"nodes": {"model.p.a": 5}`, 1},
		"without an id":       {`"nodes": {"": {` + model + `}}`, 1},
		"exposure of nothing": {`"exposures": {"exposure.p.x": {}}`, 1},
		"column without name": {`"nodes": {"model.p.a": {` + model + `, "columns": {"": {}, "b": {"name": ""}}}}`, 0},
		"nodes as a list":     {`"nodes": [{` + model + `}]`, 0},
		"dot in a part":       {`"nodes": {"model.p.a": {` + model + `, "relation_name": "\"d\".\"s.t\".\"a\""}}`, 0},
	} {
		m := harvest(t, project(t, tt.sections, map[string]string{"run_results.json": `{"results": {"a": 1}, "metadata": 7}`, "sources.json": `{"results": 5, "x": 1}`}))
		if m.notes["dbt.damaged_node"] != tt.damaged || (len(m.done) == 0) != (tt.damaged > 0) {
			t.Errorf("%s: notes %v, done %v", name, m.notes, m.done)
		}
		for _, r := range m.order {
			if err := sdk.Validate(r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if name == "dot in a part" && m.assets[`d."s.t".a`] == nil {
			t.Errorf("got %v", m.assets)
		}
	}
}

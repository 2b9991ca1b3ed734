package dbt_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

// flows lists which columns go into which, by the edges of a harvest.
func flows(m *memory) (all []string) {
	for _, r := range m.order {
		e, is := r.(*sdk.Edge)
		if !is {
			continue
		}
		for _, f := range e.Fields {
			all = append(all, fmt.Sprintf("%s.%s > %s.%s %s", e.From.Name, f.From, e.To.Name, f.To, f.Transform))
		}
	}
	return all
}

// TestColumnsAreFollowed: through the SQL that dbt has compiled, with the names
// that the catalog has, and to an ephemeral model rather than through it.
func TestColumnsAreFollowed(t *testing.T) {
	prep := server + "/model.bakery.prep"
	want := []string{
		prep + ".id > shop.Marts.orders_v2.ID IDENTITY", prep + ".total > shop.Marts.orders_v2.total AGGREGATION",
		"shop.raw.prices.id > " + prep + ".id IDENTITY", "shop.raw.prices.price > " + prep + ".total TRANSFORMATION",
		"shop.Marts.orders_v2.ID > shop.snap.history.ID IDENTITY", "shop.Marts.orders_v2.total > shop.snap.history.total IDENTITY",
	}
	if diff := cmp.Diff(want, flows(bakery(t))); diff != "" {
		t.Error(diff)
	}
}

// TestUnknownColumnsAreSaid: by the asset, by a note for each model, and counted.
func TestUnknownColumnsAreSaid(t *testing.T) {
	for name, tt := range map[string]struct{ more, want, note string }{
		"no SQL":      {`"language": "sql"`, "unknown: the manifest has no compiled SQL: run dbt compile", ""},
		"Python":      {`"language": "python", "compiled_code": "def model(dbt, session): return 1"`, "unknown: the model is written in python", "dbt.columns_unknown"},
		"nonsense":    {`"compiled_code": "select a from"`, "unknown: the FROM is of a form that is not known", "dbt.columns_unknown"},
		"a template":  {`"compiled_code": "select {{ x }} as y from d.s.t"`, "partly known; unknown are 1 of 1 columns: y", "dbt.columns_unknown"},
		"other table": {`"compiled_code": "select a from elsewhere"`, "partly known; unknown are 1 of 1 columns: a", "dbt.columns_unknown"},
		"a star":      {`"compiled_code": "select * from d.s.t"`, "unknown: all columns of d.s.t, of which it is not known which it has", "dbt.columns_unknown"},
		"known":       {`"compiled_code": "select a from d.s.t"`, "known", ""},
	} {
		m := harvest(t, project(t, `"nodes": {"model.p.a": {`+model+`, "depends_on": {"nodes": ["source.p.s.t"]}, `+tt.more+`}},
			"sources": {"source.p.s.t": {"resource_type": "source", "package_name": "p", "source_name": "s", "name": "t", "database": "d", "schema": "s"}}`, nil))
		for _, a := range m.assets {
			if got := a.Properties["column_lineage"]; a.Properties["dbt_unique_id"] == "model.p.a" && got != tt.want {
				t.Errorf("%s: got %q", name, got)
			}
		}
		if got := m.notes["dbt.columns_unknown"]; got != strings.Count(tt.note, "dbt") || m.notes["dbt.columns_followed"] != 1 {
			t.Errorf("%s: notes %v", name, m.notes)
		}
		if known := tt.want == "known"; known != (len(flows(m)) == 1) {
			t.Errorf("%s: %v", name, flows(m))
		}
	}
}

// TestColumnsWithoutACatalog: those of a model are known from its own SQL to
// the one that is built on it, in whatever order the manifest has them.
func TestColumnsWithoutACatalog(t *testing.T) {
	node := func(name, sql, below string) string {
		return fmt.Sprintf(`"model.p.%s": {"resource_type": "model", "package_name": "p", "name": %q, "database": "d", "schema": "s", "compiled_code": %q, "depends_on": {"nodes": [%q]}}`, name, name, sql, below)
	}
	nodes := strings.Join([]string{node("a", "select *, upper(y) as z from d.s.c", "model.p.c"), node("c", "select x, y from d.s.raw", "source.p.s.raw")}, ", ")
	m := harvest(t, project(t, `"nodes": {`+nodes+`}, "sources": {"source.p.s.raw": {"resource_type": "source", "package_name": "p", "source_name": "s", "name": "raw", "database": "d", "schema": "s"}}`, nil))
	want := []string{
		"d.s.c.x > d.s.a.x IDENTITY", "d.s.c.y > d.s.a.y IDENTITY", "d.s.c.y > d.s.a.z TRANSFORMATION",
		"d.s.raw.x > d.s.c.x IDENTITY", "d.s.raw.y > d.s.c.y IDENTITY",
	}
	if diff := cmp.Diff(want, flows(m)); diff != "" {
		t.Error(diff)
	}
}

package dbt_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// TestNames holds names of every kind, each of which has to come back as it is.
//
// Bad input: names, not UTF-8, 5,000 columns.
func TestNames(t *testing.T) {
	names := []string{`a "quoted" one`, "it's", "with.dot", "a/b", "🐪", strings.Repeat("ñ", 1000), "Case", "case", `back\slash`, "new\nline"}
	var nodes []string
	for i, name := range append(names, "half \xff") {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(name, "\xff") {
			name = string(quoted)
		} else {
			name = `"half ` + "\xff" + `"`
		}
		nodes = append(nodes, fmt.Sprintf(`"model.p.n%d": {"resource_type": "model", "package_name": "p", "name": %s, "database": "d", "schema": "s", "columns": {"c": {"name": %s}}}`, i, name, name))
	}
	var columns []string
	for i := range 5001 {
		columns = append(columns, fmt.Sprintf(`"c%d": {"name": "c%d", "index": %d}`, i, i, i+1))
	}
	wide := `"model.p.wide": {"resource_type": "model", "package_name": "p", "name": "wide", "database": "d", "schema": "s"}`
	m := harvest(t, project(t, `"nodes": {`+strings.Join(append(nodes, wide), ",")+`}`, catalogOf("model.p.wide", strings.Join(columns, ","))))
	for _, name := range append(names, "half \uFFFD") {
		a := m.assets[sdk.JoinName("d", "s", name)]
		if a == nil || a.ShortName != name || len(a.Fields) != 1 || a.Fields[0].Name != name {
			t.Errorf("%q: %+v", name, a)
		}
	}
	if a := m.assets["d.s.wide"]; len(a.Fields) != 5000 || m.notes["dbt.many_columns"] != 1 {
		t.Errorf("%d columns, %v", len(a.Fields), m.notes)
	}
}

// TestAManifestOf50MB is read node by node: what is held is a small part of it.
//
// Bad input: a manifest of 50 MB.
func TestAManifestOf50MB(t *testing.T) {
	const many = 5000
	sql := "select " + strings.Repeat("a.one, ", 100) + "a.two from d.s.t as a"
	raw := strings.Repeat("-- a comment of a macro\\n", 400)
	var b strings.Builder
	b.WriteString(`"nodes": {`)
	for i := range many {
		fmt.Fprintf(&b, `"model.p.m%d": {"resource_type": "model", "package_name": "p", "name": "m%d", "database": "d", "schema": "s", "raw_code": %q, "compiled_code": %q},`, i, i, raw, sql)
	}
	b.WriteString(`"seed.p.t": {"resource_type": "seed", "package_name": "p", "name": "t", "database": "d", "schema": "s"}}`)
	c := project(t, b.String(), nil)
	if size := b.Len(); size < 50_000_000 {
		t.Fatalf("it has %d bytes", size)
	}
	b.Reset()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := harvest(t, c)
	runtime.ReadMemStats(&after)
	if len(m.assets) != many+1 || len(m.done) != 1 || m.assets["d.s.m4999"].Properties["column_lineage"] != "known" {
		t.Errorf("%d assets, %v, %v", len(m.assets), m.done, m.assets["d.s.m4999"])
	}
	if grown := int64(after.HeapSys-before.HeapSys) >> 20; grown > 300 {
		t.Errorf("the heap has grown by %d MiB", grown)
	}
}

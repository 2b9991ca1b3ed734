package bigquery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/bigquery"
	"github.com/souk-mesh/souk/plugins/internal/google/googletest"
	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(bigquery.Plugin())) }

func config(t *testing.T, address string, more object) json.RawMessage {
	t.Helper()
	c := object{"url": address, "oauthUrl": address + "/token", "rightsUrl": address, "project": "acme", "http": object{"transport": "clear", "requestsPerSecond": 2000}}
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPlugin(t *testing.T) {
	private, key := googletest.Key(t)
	_, strange := googletest.Key(t)
	f := newFake(&private.PublicKey)
	f.size = 100
	address := start(t, f)
	secrets := map[string]string{"key": key}
	plugintest.Run(t, sdk.Register(bigquery.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Address: "url", Golden: "testdata/acme.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(t, start(t, sized(&private.PublicKey, n)), object{"includeDatasets": []string{"many"}, "http": object{"transport": "clear", "requestsPerSecond": 10_000}})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "another key", Config: config(t, address, nil), Secrets: map[string]string{"key": strange}, Class: sdk.ClassAuth},
			{Name: "no key", Config: config(t, address, nil), Class: sdk.ClassConfig, Field: "key"},
			{Name: "half a key", Config: config(t, address, nil), Secrets: map[string]string{"key": key[:200]}, Class: sdk.ClassConfig, Field: "key"},
			{Name: "no project", Config: config(t, address, object{"project": "a/b"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "project"},
			{Name: "another project", Config: config(t, address, object{"project": "none"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "no such shards", Config: config(t, address, object{"shards": "some"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "shards"},
			{Name: "no server", Config: config(t, "http://127.0.0.1:1", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, "http://none.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
		},
		Mutations: []plugintest.Mutation{{
			Name: "a shard comes",
			Do: func(context.Context) error {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.table("web", "events_20261201", object{"tableReference": reference("web", "events_20261201")})
				return nil
			},
			Undo: func(context.Context) error {
				f.mu.Lock()
				defer f.mu.Unlock()
				delete(f.tables["web"], "events_20261201")
				return nil
			},
			Changed: []string{"asset bigquery acme.web.events_*"},
		}},
	})
}

func harvest(t *testing.T, change func(*fake), more object) (*memory.Sink, *fake, error) {
	t.Helper()
	private, key := googletest.Key(t)
	f := newFake(&private.PublicKey)
	change(f)
	s, err := sdk.Register(bigquery.Plugin()).Open(t.Context(), config(t, start(t, f), more), map[string]string{"key": key}, sdk.Env{Now: f.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := memory.New()
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, f, err
}

func classOf(err error) sdk.Class {
	e, _ := errors.AsType[*sdk.Error](err)
	if e == nil {
		return ""
	}
	return e.Class
}

// TestTokensAndPages: a token that expires in the middle, and answers of 429.
func TestTokensAndPages(t *testing.T) {
	m, f, err := harvest(t, func(f *fake) { f.Tired = 1 }, nil)
	if err != nil || !slices.Equal(m.Done, []string{"project"}) || f.Granted < 2 || len(m.Assets) != 15 {
		t.Fatal(err, m.Done, f.Granted, len(m.Assets))
	}
	want := []string{
		"acme.shop.customers -> acme.shop.gifts", "acme.shop.customers -> acme.shop.totals", "acme.shop.orders -> acme.shop.daily", "acme.shop.orders -> acme.shop.gifts", "acme.shop.orders -> acme.shop.old_style", "acme.shop.orders -> acme.shop.orders_copy",
		"acme.shop.orders -> acme.shop.orders_kept", "acme.shop.orders -> acme.shop.totals", "acme.web.events_* -> acme.shop.gifts", "orders -> acme.shop.files", "other-project.lake.events_* -> acme.shop.totals",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(m.ByEnds))); diff != "" {
		t.Error(diff)
	}
	if a := m.Named("acme.web.events_*"); a == nil || a.Properties["shards"] != "2" || a.Rows != nil || len(a.Fields) != 2 || m.Named("acme.web.v_20269999") == nil {
		t.Errorf("shards: %v", a)
	}
	m, _, err = harvest(t, func(*fake) {}, object{"shards": "list"})
	if err != nil || m.Named("acme.web.events_20261129") == nil || m.Edge("other-project.lake.events_20260101 -> acme.shop.totals") == nil {
		t.Errorf("shards one by one: %v", err)
	}
}

// TestColumnsOfViews follows them into records and arrays, from a table that is
// listed after the view, and says which are not known.
func TestColumnsOfViews(t *testing.T) {
	m, _, err := harvest(t, func(*fake) {}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for ends, e := range m.ByEnds {
		for _, f := range e.Fields {
			got = append(got, ends+" "+f.From+" > "+f.To+" "+f.Transform)
		}
	}
	slices.Sort(got)
	want := []string{
		"acme.shop.customers -> acme.shop.gifts mail > who MASKED",
		"acme.shop.orders -> acme.shop.daily placed > placed IDENTITY",
		"acme.shop.orders -> acme.shop.daily total > f0_ AGGREGATION",
		"acme.shop.orders -> acme.shop.gifts lines.gift.text > words TRANSFORMATION",
		"acme.shop.orders -> acme.shop.gifts lines.sku > sku TRANSFORMATION",
		"acme.shop.orders -> acme.shop.totals customer > customer IDENTITY",
		"acme.web.events_* -> acme.shop.gifts page > page IDENTITY",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := m.Noted("bigquery.columns_unknown"); len(n) != 1 || n[0] != "acme.shop.old_style: legacy SQL is not read" {
		t.Error(n)
	}
}

func TestRights(t *testing.T) {
	const shop, orders = "/bigquery/v2/projects/acme/datasets/shop/tables", "/bigquery/v2/projects/acme/datasets/shop/tables/orders"
	cases := map[string]struct {
		change func(*fake)
		more   object
		done   []string
		noted  string
		class  sdk.Class
	}{
		"a part of the project": {func(f *fake) { f.rights = f.rights[:1] }, nil, []string{"dataset:empty", "dataset:shop", "dataset:web"}, "", ""},
		"rights not told":       {func(f *fake) { f.instead["/v1/projects/acme:testIamPermissions"] = says(403, "{}") }, nil, []string{"dataset:empty", "dataset:shop", "dataset:web"}, "", ""},
		"a selection":           {func(*fake) {}, object{"includeDatasets": []string{"web", "none"}}, []string{"dataset:web"}, "bigquery.no_dataset", ""},
		"no list of tables":     {func(f *fake) { f.instead[shop] = says(403, "{}") }, nil, nil, "bigquery.no_right", ""},
		"one table":             {func(f *fake) { f.instead[orders] = says(403, "{}") }, nil, []string{"project"}, "bigquery.unread", ""},
		"one that is gone":      {func(f *fake) { f.instead[orders] = says(404, "{}") }, nil, []string{"project"}, "", ""},
		"half a list":           {func(f *fake) { f.instead[shop] = says(200, `{"tables": [{"id": "x"}, {"`) }, nil, nil, "", sdk.ClassUnavailable},
		"a page again":          {func(f *fake) { f.instead[shop] = says(200, `{"tables": [], "nextPageToken": "same"}`) }, nil, nil, "", sdk.ClassUnavailable},
		"no right at all":       {func(f *fake) { f.instead["/bigquery/v2/projects/acme/datasets"] = says(403, "{}") }, nil, nil, "", sdk.ClassDenied},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _, err := harvest(t, c.change, c.more)
			if classOf(err) != c.class || !slices.Equal(m.Done, c.done) || c.noted != "" && len(m.Noted(c.noted)) != 1 {
				t.Errorf("%v, done %v, notes %v", err, m.Done, m.Notes)
			}
		})
	}
}

// TestManyShards: twenty thousand shards cost one request more than one does.
//
// Bad input: names, 5,000 columns.
func TestManyShards(t *testing.T) {
	const many = 20_000
	m, f, err := harvest(t, func(f *fake) {
		f.size = 1000
		f.tables["web"] = map[string]object{}
		for i := range many {
			name := fmt.Sprintf("log%d_20261130", i%7)
			if i >= 7 {
				name = fmt.Sprintf("ga_%04d%02d%02d", 1900+i/336, 1+i/28%12, 1+i%28)
			}
			f.table("web", name, object{"tableReference": reference("web", name)})
		}
		wide := []object{}
		for i := range 6000 {
			wide = append(wide, column(fmt.Sprint("c", i), "STRING", "NULLABLE", nil))
		}
		for i, name := range []string{"Case", "case", "名前", strings.Repeat("x", 1000), "a-b c"} {
			f.table("web", name, object{"tableReference": reference("web", name), "schema": object{"fields": wide[:i*1500]}})
		}
	}, nil)
	if err != nil || len(m.Named("acme.web.a-b c").Fields) != 5000 || len(m.Noted("bigquery.many_fields")) != 1 || m.Named("acme.web.Case") == nil || m.Named("acme.web.case") == nil {
		t.Fatal(err, m.Notes)
	}
	if f.asked > 80 {
		t.Errorf("%d requests", f.asked)
	}
}

// TestAsTheEmulator: the fake gives what bqemulator gave, which testdata/record kept.
func TestAsTheEmulator(t *testing.T) {
	text, err := os.ReadFile("testdata/emulator.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := harvest(t, func(f *fake) {
		for dataset, tables := range f.tables {
			for name, one := range tables {
				if f.tables[dataset][name] = forget(one).(object); !emulated(one) {
					delete(f.tables[dataset], name)
				}
			}
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(text)), "\n")[1:], linesOf(t, m)); diff != "" {
		t.Errorf("(-emulator +fake)\n%s", diff)
	}
}

// emulated tells the tables that the emulator can make and give back: it has no
// views over their SQL, snapshots, clones or files elsewhere.
func emulated(table object) bool {
	return (table["type"] == nil || table["type"] == "TABLE") && table["cloneDefinition"] == nil
}

// forgotten is what the emulator takes and does not give back.
var forgotten = []string{"maxLength", "precision", "scale", "policyTags", "defaultValueExpression", "tableConstraints", "requirePartitionFilter", "rangePartitioning"}

func forget(v any) any {
	switch v := v.(type) {
	case object:
		kept := object{}
		for key, value := range v {
			if !slices.Contains(forgotten, key) {
				kept[key] = forget(value)
			}
		}
		return kept
	case []object:
		kept := []object{}
		for _, one := range v {
			kept = append(kept, forget(one).(object))
		}
		return kept
	}
	return v
}

// linesOf are the assets and edges, without what is another each time.
func linesOf(t *testing.T, m *memory.Sink) (lines []string) {
	t.Helper()
	for _, a := range m.Assets {
		a.Rows, a.Bytes, a.ChangedAt = nil, nil, nil
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	slices.Sort(lines)
	return lines
}

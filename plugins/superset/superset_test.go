package superset_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/plugins/superset"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(superset.Plugin())) }

func config(t *testing.T, address string, more object) json.RawMessage {
	t.Helper()
	c := object{
		"url": address, "user": "souk", "namespace": "superset://acme", "http": object{"transport": "clear", "requestsPerSecond": 10000},
		"databases": object{"shop": "postgres://db.example:5432/shop", "crm": "mysql://crm.example"},
	}
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var secrets = map[string]string{"password": password}

func TestPlugin(t *testing.T) {
	f := recorded(t)
	address := f.start(t)
	change := func(do func()) func(context.Context) error {
		return func(context.Context) error { f.change(do); return nil }
	}
	before := f.lists["dataset"]
	plugintest.Run(t, sdk.Register(superset.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Golden: "testdata/superset-6.1.golden.jsonl",
		Wide: config(t, withDatasets(1, 5001).start(t), nil),
		Scale: &plugintest.Scale{Config: func(_ context.Context, n int) (json.RawMessage, map[string]string, error) {
			return config(t, withDatasets(n, 3).start(t), nil), secrets, nil
		}},
		Mutations: []plugintest.Mutation{{
			Name: "a dataset comes", Added: []string{"asset superset://acme dataset/90"},
			Do: change(func() {
				f.lists["dataset"] = append(slices.Clip(before), object{"id": 90, "table_name": "z"})
				f.details["90"] = object{"id": 90, "table_name": "z", "schema": "public", "database": object{"id": 1, "database_name": "shop"}}
			}),
			Undo: change(func() { f.lists["dataset"] = before }),
		}, {
			Name: "charts may no longer be read", Incomplete: []string{"charts"},
			Removed: []string{
				"asset superset://acme chart/1", "asset superset://acme chart/2", "asset superset://acme chart/3", "asset superset://acme chart/4",
				"edge superset://acme chart/1 -> superset://acme dashboard/1 USES", "edge superset://acme chart/3 -> superset://acme dashboard/1 USES",
				"edge superset://acme dataset/1 -> superset://acme chart/1 USES", "edge superset://acme dataset/1 -> superset://acme chart/2 USES", "edge superset://acme dataset/1/metric/count -> superset://acme chart/2 USES",
				"edge superset://acme dataset/1/metric/revenue -> superset://acme chart/1 USES", "edge superset://acme dataset/1/metric/revenue -> superset://acme chart/2 USES",
				"edge superset://acme dataset/5 -> superset://acme chart/3 USES", "edge superset://acme dataset/7 -> superset://acme chart/4 USES",
			},
			Do:   change(func() { f.instead["/api/v1/chart/"] = `403 {"message": "Forbidden"}` }),
			Undo: change(func() { delete(f.instead, "/api/v1/chart/") }),
		}},
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: config(t, address, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no password", Config: config(t, address, nil), Class: sdk.ClassConfig, Field: "password"},
			{Name: "no user", Config: config(t, address, object{"user": ""}), Secrets: secrets, Class: sdk.ClassConfig, Field: "user"},
			{Name: "no server", Config: config(t, "http://127.0.0.1:1", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, "http://none.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "another path", Config: config(t, address+"/x", nil), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "not encrypted", Config: config(t, address, object{"http": object{}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "a password in a place", Config: config(t, address, object{"databases": object{"shop": "postgres://u:canary-in-it@db/shop"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "databases"},
			{Name: "no database in a place", Config: config(t, address, object{"databases": object{"shop": "postgres://db"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "databases"},
		},
	})
}

func harvest(t *testing.T, f *fake, more object) (*memory.Sink, error) {
	t.Helper()
	s, err := sdk.Register(superset.Plugin()).Open(t.Context(), config(t, f.start(t), more), secrets, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := memory.New()
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

var all = []string{"charts", "dashboards", "databases", "datasets"}

// TestSigningInAgain goes on where tokens end in the middle: first by the long
// token, and by the password where that has ended, too.
func TestSigningInAgain(t *testing.T) {
	f := recorded(t)
	f.lasts, f.long = 2, 2
	m, err := harvest(t, f, nil)
	if err != nil || !slices.Equal(m.SortedDone(), all) || f.signed < 2 || f.long != 0 {
		t.Error(err, m.Done, f.signed, f.long)
	}
	f = recorded(t)
	f.lasts, f.instead["/api/v1/security/refresh"] = 2, `200 {}`
	if m, err := harvest(t, f, nil); err != nil || !slices.Equal(m.SortedDone(), all) || f.signed < 2 {
		t.Error(err, m.Done, f.signed)
	}
}

// TestMetricsOfCharts: a chart shows metrics by their names, and not those that it
// makes up, names of columns, or metrics that are gone. A dataset that cannot be read
// takes nothing away.
func TestMetricsOfCharts(t *testing.T) {
	edges := func(m *memory.Sink) (got []string) {
		for _, e := range m.Edges {
			if strings.Contains(e, "/metric/") && strings.Contains(e, "USES") {
				got = append(got, e)
			}
		}
		slices.Sort(got)
		return got
	}
	f := recorded(t)
	want := []string{"USES dataset/1/metric/count -> chart/2", "USES dataset/1/metric/revenue -> chart/1", "USES dataset/1/metric/revenue -> chart/2"}
	if m, err := harvest(t, f, nil); err != nil || !slices.Equal(edges(m), want) {
		t.Errorf("%v, %q", err, edges(m))
	}
	for params, want := range map[string][]string{
		`{"metric": "count", "x": "revenue", "y": "customer", "size": {"label": "count"}}`: {"USES dataset/1/metric/count -> chart/1", "USES dataset/1/metric/revenue -> chart/1"},
		`{"metrics": "count", "percent_metrics": [["revenue"], null, 7, "count", ""]}`:     {"USES dataset/1/metric/count -> chart/1"},
		`{"groupby": ["count"], "metrics": null}`:                                          nil,
		`{"metrics": [`: nil,
		"":              nil,
	} {
		f := recorded(t)
		f.lists["chart"] = []object{{"id": 1, "slice_name": "x", "datasource_id": 1, "datasource_type": "table", "params": params}}
		if m, err := harvest(t, f, nil); err != nil || !slices.Equal(edges(m), want) {
			t.Errorf("%s: %v, %q", params, err, edges(m))
		}
	}
	f = recorded(t)
	f.instead["/api/v1/dataset/1"] = `500 {"message": "Fatal error"}`
	want = slices.Insert(want, 1, "USES dataset/1/metric/gone -> chart/2")
	if m, err := harvest(t, f, nil); err != nil || !slices.Equal(edges(m), want) {
		t.Errorf("%v, %q", err, edges(m))
	}
}

func TestBusy(t *testing.T) {
	for _, wait := range []string{"", "0"} {
		f := recorded(t)
		f.tired, f.wait = 2, wait
		if m, err := harvest(t, f, nil); err != nil || !slices.Equal(m.SortedDone(), all) {
			t.Errorf("%q: %v, %v", wait, err, m.Done)
		}
	}
}

// TestAnswersThatAreNotWhole end the run before the scope is done.
func TestAnswersThatAreNotWhole(t *testing.T) {
	for _, path := range []string{"/api/v1/database/", "/api/v1/dashboard/", "/api/v1/chart/", "/api/v1/dataset/", "/api/v1/dataset/1"} {
		for _, text := range []string{`{"result": [{"id": 1, "`, "", "half", `[]`, `{"result": []}`} {
			if path == "/api/v1/dataset/1" && strings.HasSuffix(text, "}") {
				continue
			}
			f := recorded(t)
			f.instead[path] = "200 " + text
			m, err := harvest(t, f, nil)
			if memory.ClassOf(err) != sdk.ClassUnavailable || slices.Contains(m.Done, strings.TrimRight(path[8:], "/1")+"s") {
				t.Errorf("%s %q: %v, %v", path, text, err, m.Done)
			}
		}
	}
}

// TestWhatIsNotShown keeps its scope open, or itself alone.
func TestWhatIsNotShown(t *testing.T) {
	without := func(scope string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == scope })
	}
	for name, tt := range map[string]struct {
		path, answer string
		done         []string
		note         string
	}{
		"databases":              {"/api/v1/database/", "403 {}", without("databases"), "superset.denied"},
		"datasets":               {"/api/v1/dataset/", "403 {}", without("datasets"), "superset.denied"},
		"a dataset":              {"/api/v1/dataset/1", "403 {}", all, "superset.undescribed"},
		"a dataset that is ill":  {"/api/v1/dataset/1", `500 {"message": "Fatal error"}`, all, "superset.undescribed"},
		"a dataset that is gone": {"/api/v1/dataset/1", `404 {"message": "Not found"}`, all, ""},
	} {
		f := recorded(t)
		f.instead[tt.path] = tt.answer
		m, err := harvest(t, f, nil)
		if err != nil || !slices.Equal(m.SortedDone(), tt.done) || tt.note != "" && len(m.Notes[tt.note]) != 1 {
			t.Errorf("%s: %v, %v, %v", name, err, m.Done, m.Notes)
		}
	}
	f := withDatasets(10, 1)
	for i := range 10 {
		f.instead[fmt.Sprint("/api/v1/dataset/", i+1)] = "500 {}"
	}
	if m, err := harvest(t, f, nil); memory.ClassOf(err) != sdk.ClassUnavailable || slices.Contains(m.Done, "datasets") {
		t.Error(err, m.Done)
	}
}

// TestThingsThatMove from one page to another while they are read are not taken for gone.
func TestThingsThatMove(t *testing.T) {
	f := withDatasets(5, 1)
	f.size = 2
	m, err := harvest(t, f, nil)
	if err != nil || !slices.Contains(m.Done, "datasets") || len(m.Assets) != 6 {
		t.Fatal(err, m.Done, len(m.Assets))
	}
	f.lists["dataset"][2] = f.lists["dataset"][1] // the third was pushed behind a page that was read, each time
	m, err = harvest(t, f, nil)
	if err != nil || slices.Contains(m.Done, "datasets") || len(m.Notes["superset.moved"]) != 1 {
		t.Error(err, m.Done, m.Notes)
	}
}

// TestWhereDatabasesAre is told by Superset to those who may change it; nothing of
// a credential is kept.
func TestWhereDatabasesAre(t *testing.T) {
	for uri, want := range map[string]string{
		"postgresql+psycopg2://souk:canary-in-uri@db.example:5432/shop?sslmode=require":      "postgres://db.example:5432 shop.s.t",
		"postgresql://souk:canary-in-uri@db.example/shop":                                    "postgres://db.example:5432 shop.s.t",
		"mysql+pymysql://souk:XXXXXXXXXX@crm/crm":                                            "mysql://crm:3306 s.t",
		"trino://souk@trino.example:8443/lake/web":                                           "trino://trino.example:8443 lake.s.t",
		"hive://hive@hive.example:10000/default":                                             "hive://hive.example:10000 s.t",
		"redshift+psycopg2://u:canary-in-uri@c.eu.redshift.amazonaws.com:5439/dev":           "redshift://c.eu.redshift.amazonaws.com:5439 dev.s.t",
		"snowflake://u:canary-in-uri@acme/DB/S?role=x&warehouse=y&private_key=canary-in-uri": "snowflake://acme DB.s.t",
		"bigquery://acme-prod/sales":                                                         "bigquery acme-prod.s.t",
		"sqlite:////tmp/none.db":                                                             "",
		"awsathena+rest://AKIAX:canary-in-uri@athena.eu.amazonaws.com/db?s3_staging_dir=s3":  "",
		"postgresql://souk:canary-in-uri/x@db/shop":                                          "",
		"canary-in-uri": "",
		"":              "",
	} {
		f := withDatasets(1, 1)
		f.places = map[string]string{"1": uri}
		f.details["1"]["schema"], f.details["1"]["table_name"] = "s", "t"
		m, err := harvest(t, f, object{"databases": object{}})
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		got := ""
		for _, a := range m.Assets["superset://acme dataset/1"].Aliases {
			got = a.Namespace + " " + a.Name
		}
		kept, _ := json.Marshal(m)
		if got != want || strings.Contains(string(kept), "canary") || strings.Contains(string(kept), "AKIA") {
			t.Errorf("%s: got %q of %s", uri, got, kept)
		}
	}
}

// TestTablesBehindStatements are those of the database, where it is known, and
// else those of other datasets.
func TestTablesBehindStatements(t *testing.T) {
	f := recorded(t)
	m, err := harvest(t, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DERIVES shop.public.orders -> dataset/5", "DERIVES shop.public.items -> dataset/5", "DERIVES dataset/3 -> dataset/4", "USES dataset/5 -> chart/3", "USES chart/3 -> dashboard/1"} {
		if !slices.Contains(m.Edges, want) {
			t.Errorf("no %s in %q", want, m.Edges)
		}
	}
	for _, e := range m.Edges {
		if strings.Contains(e, "nowhere") || strings.Contains(e, "dashboard/2") {
			t.Error(e)
		}
	}
	if got := m.Assets["superset://acme dataset/2"]; !slices.Equal(got.Owners, []string{"Ben Brook"}) || got.Aliases[0].Name != "crm.customers" {
		t.Errorf("got %+v", got)
	}
	if got := m.Assets["superset://acme chart/1"]; !slices.Equal(got.Tags, []string{"gold"}) || got.Properties["certified_by"] != "Finance" {
		t.Errorf("got %+v", got)
	}
}

// TestTwoDatasetsOfOneTable are two: the second is made of it.
func TestTwoDatasetsOfOneTable(t *testing.T) {
	f := withDatasets(2, 1)
	f.details["2"]["table_name"] = "t000000"
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Assets["superset://acme dataset/1"].Aliases) != 1 || len(m.Assets["superset://acme dataset/2"].Aliases) != 0 || !slices.Contains(m.Edges, "DERIVES shop.public.t000000 -> dataset/2") {
		t.Error(err, m.Edges)
	}
}

// TestOddNames are kept as they are.
//
// Bad input: names, not UTF-8.
func TestOddNames(t *testing.T) {
	long := strings.Repeat("x", 1000)
	f := withDatasets(5, 1)
	for i, name := range []string{`a "b" 'c'`, "a.b/c", "🐪", long, "a\xffb"} {
		f.details[strconv.Itoa(i+1)]["table_name"] = name
		f.details[strconv.Itoa(i+1)]["metrics"] = []object{{"metric_name": name, "expression": "1"}}
	}
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Assets) != 11 || m.Assets["superset://acme dataset/4"].ShortName != long || m.Assets["superset://acme dataset/1"].Aliases[0].Name != `shop.public.a "b" 'c'` {
		t.Error(err, len(m.Assets), m.Assets["superset://acme dataset/1"])
	}
}

// TestThingsThatLackParts are shown all the same: a chart whose dataset was
// deleted or is none, a column without a type, a dataset without a database.
func TestThingsThatLackParts(t *testing.T) {
	f := withDatasets(1, 1)
	f.details["1"] = object{"id": 1, "table_name": nil, "columns": []object{{"column_name": "a", "type": nil}, {"column_name": nil}}, "metrics": nil, "owners": []object{{"first_name": nil, "last_name": nil}}, "extra": "no JSON"}
	f.lists["chart"] = []object{
		{"id": 1, "slice_name": nil, "datasource_id": nil, "datasource_type": nil, "tags": nil, "dashboards": nil},
		{"id": 2, "slice_name": "q", "datasource_id": 7, "datasource_type": "query", "changed_on_utc": "yesterday", "dashboards": []object{{"id": 3}, {"id": 3}}},
	}
	f.lists["dashboard"] = []object{{"id": 3, "dashboard_title": nil, "editors": []object{{"id": 1, "label": "Data team"}}}}
	m, err := harvest(t, f, nil)
	if err != nil || !slices.Equal(m.SortedDone(), all) || len(m.Assets) != 5 || !slices.Equal(m.Edges, []string{"USES chart/2 -> dashboard/3"}) {
		t.Error(err, m.Done, m.Edges, m.Notes)
	}
	if a := m.Assets["superset://acme dashboard/3"]; a == nil || !slices.Equal(a.Owners, []string{"Data team"}) {
		t.Errorf("got %+v", a)
	}
}

// TestTemplates stand for what is not known: no name is made of them.
func TestTemplates(t *testing.T) {
	f := withDatasets(3, 1)
	for id, sql := range map[string]string{
		"1": `select * from {{ table }} join public.b on true {% if x %} join c on true {% endif %} {# from d #}`,
		"2": "select * from public.{{ name }} where x in (select y from e)",
		"3": "not ' SQL",
	} {
		f.details[id]["sql"] = sql
	}
	m, err := harvest(t, f, nil)
	want := []string{"DERIVES shop.public.b -> dataset/1", "DERIVES shop.public.c -> dataset/1", "DERIVES shop.public.e -> dataset/2"}
	if err != nil || !slices.Equal(m.SortedEdges(), want) {
		t.Error(err, m.SortedEdges())
	}
}

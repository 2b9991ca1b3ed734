package dremio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/dremio"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(dremio.Plugin())) }

func start(t *testing.T, f *fake) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func config(t *testing.T, address string, more object) json.RawMessage {
	t.Helper()
	c := object{"url": address, "user": "souk", "namespace": "dremio://acme", "http": object{"transport": "clear", "requestsPerSecond": 2000}}
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPlugin(t *testing.T) {
	address := start(t, newFake())
	secrets := map[string]string{"password": password}
	plugintest.Run(t, sdk.Register(dremio.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Golden: "testdata/dremio.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(t, start(t, sized(n)), object{"http": object{"transport": "clear", "requestsPerSecond": 10_000}})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: config(t, address, nil), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no password", Config: config(t, address, nil), Class: sdk.ClassConfig, Field: "password"},
			{Name: "no user", Config: config(t, address, object{"user": ""}), Class: sdk.ClassConfig, Field: "user"},
			{Name: "no server", Config: config(t, "http://127.0.0.1:1", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, "http://none.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "another path", Config: config(t, address+"/x", nil), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "a password for the cloud", Config: config(t, address, object{"project": "p1"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "token"},
			{Name: "no project", Config: config(t, address, object{"project": "p/1"}), Secrets: map[string]string{"token": token}, Class: sdk.ClassConfig, Field: "project"},
		},
	})
}

// memory is a sink that keeps everything, and refuses what the host would.
type memory struct {
	assets map[string]*sdk.Asset
	edges  []string
	done   []string
	notes  map[string][]string
}

func (m *memory) Emit(r sdk.Record) error {
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[r.ID.Name] = r
	case *sdk.Edge:
		m.edges = append(m.edges, r.Kind+" "+r.From.Namespace+" "+r.From.Name+" -> "+r.To.Name)
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	m.notes[n.Code] = append(m.notes[n.Code], n.Sample)
	return nil
}

func harvest(t *testing.T, f *fake, more object) (*memory, error) {
	t.Helper()
	secrets := map[string]string{"password": password}
	if f.cloud {
		secrets = map[string]string{"token": token}
	}
	s, err := sdk.Register(dremio.Plugin()).Open(t.Context(), config(t, start(t, f), more), secrets, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := &memory{assets: map[string]*sdk.Asset{}, notes: map[string][]string{}}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

func classOf(err error) sdk.Class {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return ""
	}
	return e.Class
}

func says(status int, text string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		w.WriteHeader(status)
		fmt.Fprint(w, text)
		return true
	}
}

var all = []string{"source:pg", "source:lake", "source:mart", "space:sales"}

func TestTheCatalog(t *testing.T) {
	for _, cloud := range []bool{false, true} {
		f := newFake()
		f.tired, f.lasts = 1, 3
		more := object{}
		if f.cloud = cloud; cloud {
			more = object{"project": "p1", "user": ""}
		}
		m, err := harvest(t, f, more)
		if err != nil || !slices.Equal(m.done, all) || !cloud && f.number < 3 {
			t.Fatal(err, m.done, f.number)
		}
		big := m.assets["sales.big"]
		if big.Kind != "VIEW" || big.Description != "# Big orders" || !slices.Equal(big.Tags, []string{"gold", "pii"}) || big.Definition != "select 1" || big.StableID != ids["big"] || big.Parent.Name != "sales" {
			t.Errorf("got %+v", big)
		}
		if got := m.assets["sales"].Description; got != "What Sales sells." {
			t.Error(got)
		}
		if got := m.assets["mart.daily"]; got.Kind != "VIEW" || got.StableID != "9fd4ce8c-0f62-4d3f-9e0b-0b8c7b1f4b7a" || !slices.Equal(m.notes["dremio.no_lineage"], []string{"source:mart"}) {
			t.Errorf("got %+v, %v", got, m.notes)
		}
		if got := m.assets[`pg.public."a.b ""c"" 🐪?"`]; got.StableID != "ebe519ab-20e3-43ff-9b4c-b3ec590c7e65" {
			t.Errorf("got %+v", got)
		}
		raw := m.assets["lake.bucket.raw"].Fields
		if raw[1].NativeType != "LIST<VARCHAR>" || raw[2].NativeType != "STRUCT<Parking: STRUCT<garage: BOOLEAN, Price Range: DECIMAL(3,0)>>" {
			t.Errorf("got %+v", raw)
		}
		if got := m.assets["pg.public"]; got.Kind != "FOLDER" || got.Parent.Name != "pg" || m.assets["pg"].Parent != nil {
			t.Errorf("got %+v", got)
		}
		if got := m.assets["pg.public.orders"].Fields[1].NativeType; got != "DECIMAL(10,2)" {
			t.Error(got)
		}
		want := []string{
			"USES postgres://db.example:5432 shop.public.orders -> pg.public.orders", "USES postgres://db.example:5432 shop.public.customers -> pg.public.customers",
			`USES postgres://db.example:5432 shop.public."a.b ""c"" 🐪?" -> pg.public."a.b ""c"" 🐪?"`, "USES s3://bucket raw -> lake.bucket.raw",
			"DERIVES dremio://acme pg.public.customers -> sales.big", "DERIVES dremio://acme pg.public.orders -> sales.big",
		}
		if diff := cmp.Diff(want, m.edges); diff != "" {
			t.Error(diff)
		}
	}
}

// TestWhatIsNotShown keeps its source or space open, or itself alone.
func TestWhatIsNotShown(t *testing.T) {
	for name, tt := range map[string]struct {
		path   string
		answer func(http.ResponseWriter) bool
		done   []string
		note   string
	}{
		"a source that is bad":  {"pg", says(200, `{"entityType": "source", "type": "POSTGRES", "state": {"status": "bad"}, "children": []}`), all[1:], "dremio.source_is_bad"},
		"a folder":              {"pg/public", says(403, `{}`), all[1:], "dremio.unread"},
		"a source":              {"lake", says(403, `{}`), []string{all[0], all[2], all[3]}, "dremio.unread"},
		"a table":               {"orders", says(403, `{}`), all, "dremio.undescribed"},
		"lineage":               {"big/graph", says(403, `{}`), all, "dremio.lineage"},
		"a wiki":                {"big/collaboration/wiki", says(403, `{}`), all, "dremio.unwritten"},
		"lineage, in Community": {"big/graph", says(404, `{}`), all, "dremio.no_lineage"},
	} {
		f := newFake()
		f.instead[tt.path] = tt.answer
		m, err := harvest(t, f, nil)
		if err != nil || !slices.Equal(m.done, tt.done) || len(m.notes[tt.note]) != 1 {
			t.Errorf("%s: %v, %v, %v", name, err, m.done, m.notes)
		}
	}
	f := newFake()
	f.instead["orders"] = says(404, `{}`) // it has gone since it was listed
	if m, err := harvest(t, f, nil); err != nil || !slices.Equal(m.done, all) || m.assets["pg.public.orders"] != nil {
		t.Error(err, m.done)
	}
}

// TestAnswersThatAreNotWhole end the run before the source is done.
func TestAnswersThatAreNotWhole(t *testing.T) {
	for _, path := range []string{"", "pg", "pg/public", "orders", "big/graph"} {
		for _, text := range []string{`{"children": [{"id": "a"}, {"`, "", "half", `[]`} {
			f := newFake()
			f.instead[path] = says(200, text)
			m, err := harvest(t, f, nil)
			if classOf(err) != sdk.ClassUnavailable || len(m.done) > 3 || path != "big/graph" && len(m.done) > 0 {
				t.Errorf("%s %q: %v, %v", path, text, err, m.done)
			}
		}
	}
	f := newFake()
	f.instead["pg"] = says(200, `{"children": [], "nextPageToken": "same"}`)
	if m, err := harvest(t, f, nil); classOf(err) != sdk.ClassUnavailable || !strings.Contains(err.Error(), "does not end") || len(m.done) > 0 {
		t.Error(err, m.done)
	}
}

// sized is a Dremio with n tables in a store of files.
func sized(n int) *fake {
	f := newFake()
	f.size = 500
	var children []object
	for i := range n {
		id := fmt.Sprint("t", i)
		children = append(children, object{"id": id, "path": []string{"lake", "bucket", id}, "type": "DATASET"})
		f.things[id] = object{"type": "PHYSICAL_DATASET", "path": []string{"lake", "bucket", id}, "fields": []object{}}
	}
	f.things["lake"]["children"] = children
	return f
}

// Bad input: 5,000 columns.
func TestManyFields(t *testing.T) {
	f := sized(1)
	var fields []object
	for i := range 5001 {
		fields = append(fields, object{"name": fmt.Sprint("f", i), "type": object{"name": "INTEGER"}})
	}
	f.things["t0"]["fields"] = fields
	m, err := harvest(t, f, object{"details": false, "http": object{"transport": "clear", "requestsPerSecond": 10000}})
	if err != nil || len(m.assets) != 12 || !slices.Equal(m.done, all) || len(m.assets["lake.bucket.t0"].Fields) != 5000 || len(m.notes["dremio.many_fields"]) != 1 {
		t.Errorf("%v, %d, %v", err, len(m.assets), m.notes)
	}
}

// TestTheSystemBehindASource is named as what Dremio publishes of its config says.
func TestTheSystemBehindASource(t *testing.T) {
	for want, tt := range map[string]struct {
		kind   string
		config object
		path   []string
	}{
		"postgres://db:5432 shop.public.t": {"POSTGRES", object{"hostname": "db", "port": "5432", "databaseName": "shop"}, []string{"s", "public", "t"}},
		"redshift://c.r57.us-west-2.redshift.amazonaws.com:5439 support.public.t": {
			"REDSHIFT", object{"connectionString": "jdbc:redshift://c.r57.us-west-2.redshift.amazonaws.com:5439/support"}, []string{"s", "public", "t"},
		},
		"mysql://db:3307 shop.t":     {"MYSQL", object{"hostname": "db", "port": 3307}, []string{"s", "shop", "t"}},
		"mssql://db:1433 shop.dbo.t": {"MSSQL", object{"hostname": "db", "port": "1433", "showOnlyConnectionDatabase": false}, []string{"s", "shop", "dbo", "t"}},
		"mongodb://db:27017 shop.t":  {"MONGO", object{"hostList": []object{{"hostname": "db", "port": 27017}}, "authDatabase": "admin"}, []string{"s", "shop", "t"}},
		"s3://bucket a/t":            {"S3", object{"rootPath": "/"}, []string{"s", "bucket", "a", "t"}},
		"s3://bucket in/a/t":         {"S3", object{"rootPath": "/bucket/in"}, []string{"s", "a", "t"}},
		"gs://bucket t":              {"GCS", object{"projectId": "dremio-4321", "rootPath": "/bucket/"}, []string{"s", "t"}},
		"not of a replica set":       {"MONGO", object{"hostList": []object{{"hostname": "a", "port": 1}, {"hostname": "b", "port": 1}}}, []string{"s", "shop", "t"}},
		"not without a database":     {"MSSQL", object{"hostname": "db", "port": "1433"}, []string{"s", "dbo", "t"}},
		"not without the config":     {"POSTGRES", object{}, []string{"s", "public", "t"}},
		"not without the bucket":     {"S3", object{"rootPath": "/"}, []string{"s", "t"}},
		"not of another kind":        {"SNOWFLAKE", object{"hostname": "https://locator_id.snowflakecomputing.com", "database": "d"}, []string{"s", "public", "t"}},
	} {
		f := newFake()
		f.things["lake"] = source("lake", tt.kind, tt.config, child("raw", "DATASET", "PROMOTED", tt.path...))
		f.things["raw"]["path"] = tt.path
		m, err := harvest(t, f, object{"details": false})
		var got []string
		for _, e := range m.edges {
			if from, is := strings.CutSuffix(e, " -> "+sdk.JoinName(tt.path...)); is {
				got = append(got, strings.TrimPrefix(from, "USES "))
			}
		}
		if err != nil || strings.HasPrefix(want, "not ") && len(got) > 0 || !strings.HasPrefix(want, "not ") && !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q, %v", want, got, err)
		}
	}
}

// TestLineageThatIsNotTold stays for one view, while that of others is told. Where
// a source or a space is told none, it soon asks no more.
func TestLineageThatIsNotTold(t *testing.T) {
	views := func(f *fake, told string) {
		var children []object
		for i := range 8 {
			id := fmt.Sprint("v", i)
			path := []string{"mart", id}
			children = append(children, object{"id": id, "path": path, "type": "DATASET", "datasetType": "VIRTUAL"})
			f.things[id] = object{"id": id, "type": "VIRTUAL_DATASET", "path": path, "fields": []object{}}
			if id == told {
				f.extra[id+"/graph"] = f.extra["big/graph"]
			}
		}
		f.things["mart"]["children"] = children
	}
	f := newFake()
	views(f, "v2")
	m, err := harvest(t, f, nil)
	if want := []string{"mart.v0", "mart.v1", "mart.v3", "mart.v4", "mart.v5", "mart.v6", "mart.v7"}; err != nil || !slices.Equal(m.done, all) || !slices.Equal(m.notes["dremio.lineage"], want) || m.notes["dremio.no_lineage"] != nil {
		t.Error(err, m.done, m.notes)
	}
	f = newFake()
	asked := 0
	views(f, "")
	for i := range 8 {
		f.instead[fmt.Sprint("v", i, "/graph")] = func(w http.ResponseWriter) bool {
			asked++
			return says(400, `{"errorMessage": "no", "moreInfo": ""}`)(w)
		}
	}
	m, err = harvest(t, f, nil)
	if err != nil || asked != 5 || !slices.Equal(m.done, all) || !slices.Equal(m.notes["dremio.no_lineage"], []string{"source:mart"}) || !strings.Contains(strings.Join(m.edges, "\n"), "-> sales.big") {
		t.Error(err, asked, m.done, m.notes, m.edges)
	}
}

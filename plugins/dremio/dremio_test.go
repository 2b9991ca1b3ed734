package dremio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/dremio"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(dremio.Plugin())) }

type object = map[string]any

const (
	password = "canary-of-dremio"
	token    = "canary-of-a-token"
)

// fake is a fake of Dremio Software and Cloud, written on 2026-11-30 from
// https://docs.dremio.com/current/reference/api/catalog/ (its sources, containers,
// datasets, wiki, tags and lineage, with maxChildren and pageToken) and
// https://docs.dremio.com/current/reference/api/#authentication.
type fake struct {
	mu      sync.Mutex
	cloud   bool
	number  int // of the token that a password gives
	lasts   int // requests that it is good for; 0 for all
	left    int
	tired   int
	size    int // children of a page
	things  map[string]object
	extra   map[string]object // by path behind the id
	instead map[string]func(w http.ResponseWriter) bool
}

func newFake() *fake {
	child := func(id, kind, more string, path ...string) object {
		c := object{"id": id, "path": path, "type": kind}
		if kind == "CONTAINER" {
			c["containerType"] = more
		} else {
			c["datasetType"] = more
		}
		return c
	}
	table := func(kind string, path []string, fields ...string) object {
		var all []object
		for _, f := range fields {
			name, of, _ := strings.Cut(f, " ")
			t := object{"name": of}
			if of == "DECIMAL" {
				t["precision"], t["scale"] = 10, 2
			}
			all = append(all, object{"name": name, "type": t})
		}
		return object{"entityType": "dataset", "type": kind, "path": path, "fields": all, "tag": "1", "sql": "select 1"}
	}
	return &fake{size: 2, instead: map[string]func(http.ResponseWriter) bool{}, things: map[string]object{
		"": {"data": []object{
			child("h", "CONTAINER", "HOME", "@ana"), child("pg", "CONTAINER", "SOURCE", "pg"), child("lake", "CONTAINER", "SOURCE", "lake"), child("sales", "CONTAINER", "SPACE", "sales"),
		}},
		"pg": {
			"entityType": "source", "type": "POSTGRES", "state": object{"status": "good"}, "config": object{"hostname": "db.example", "port": "5432", "databaseName": "shop"},
			"children": []object{child("pg/public", "CONTAINER", "FOLDER", "pg", "public")},
		},
		"pg/public": {"entityType": "folder", "children": []object{
			child("orders", "DATASET", "DIRECT", "pg", "public", "orders"), child("customers", "DATASET", "DIRECT", "pg", "public", "customers"), child("odd", "DATASET", "DIRECT", "pg", "public", `a.b "c"`),
		}},
		"lake": {
			"entityType": "source", "type": "S3", "state": object{"status": "good"}, "config": object{}, "children": []object{child("raw", "DATASET", "PROMOTED", "lake", "bucket", "raw"), child("file", "FILE", "", "lake", "bucket", "x.csv")},
		},
		"sales": {"entityType": "space", "children": []object{
			child("big", "DATASET", "VIRTUAL", "sales", "big"), child("f", "CONTAINER", "FUNCTION", "sales", "f"), child("self", "CONTAINER", "FOLDER", "sales", "self"),
		}},
		"self":      {"entityType": "folder", "children": []object{child("self", "CONTAINER", "FOLDER", "sales", "self")}},
		"orders":    table("PHYSICAL_DATASET", []string{"pg", "public", "orders"}, "id BIGINT", "cents DECIMAL"),
		"customers": table("PHYSICAL_DATASET", []string{"pg", "public", "customers"}, "id BIGINT"),
		"odd":       table("PHYSICAL_DATASET", []string{"pg", "public", `a.b "c"`}, "🐪 VARCHAR"),
		"raw":       table("PHYSICAL_DATASET", []string{"lake", "bucket", "raw"}, "day DATE"),
		"big":       table("VIRTUAL_DATASET", []string{"sales", "big"}, "id BIGINT"),
	}, extra: map[string]object{
		"big/collaboration/wiki": {"text": "# Big orders", "version": 1}, "big/collaboration/tag": {"tags": []string{"pii", "gold"}, "version": "1"},
		"big/graph": {"parents": []object{child("orders", "DATASET", "DIRECT", "pg", "public", "orders"), child("customers", "DATASET", "DIRECT", "pg", "public", "customers"), child("orders", "DATASET", "DIRECT", "pg", "public", "orders")}},
	}}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	prefix := "/api/v3/catalog"
	if f.cloud {
		prefix = "/v0/projects/p1/catalog"
	}
	path, ours := strings.CutPrefix(r.URL.Path, prefix)
	switch {
	case r.URL.Path == "/apiv2/login" && !f.cloud:
		f.login(w, r)
		return
	case !ours:
		w.WriteHeader(http.StatusNotFound)
		return
	case !f.allowed(r.Header.Get("Authorization")):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case f.tired > 0:
		f.tired--
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.left--
	path = strings.TrimPrefix(path, "/")
	if other := f.instead[path]; other != nil && other(w) {
		return
	}
	thing, known := f.things[path]
	if !known {
		if thing, known = f.extra[path]; !known {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"errorMessage": "not found"}`)
			return
		}
	}
	_ = json.NewEncoder(w).Encode(f.page(thing, r))
}

// page cuts the children of a container.
func (f *fake) page(thing object, r *http.Request) object {
	children, has := thing["children"].([]object)
	if !has || !r.URL.Query().Has("maxChildren") {
		return thing
	}
	out := maps.Clone(thing)
	at, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	end := min(at+f.size, len(children))
	out["children"] = children[at:end]
	if end < len(children) {
		out["nextPageToken"] = strconv.Itoa(end)
	}
	return out
}

func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	var who struct{ UserName, Password string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&who) != nil || who.UserName != "souk" || who.Password != password {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errorMessage": "Invalid username or password"}`)
		return
	}
	f.number++
	f.left = f.lasts
	fmt.Fprintf(w, `{"token": "t%d", "userName": "souk", "admin": false}`, f.number)
}

func (f *fake) allowed(sent string) bool {
	if sent == "Bearer "+token {
		return true
	}
	return !f.cloud && sent == fmt.Sprint("_dremiot", f.number) && (f.lasts == 0 || f.left > 0)
}

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

var all = []string{"source:pg", "source:lake", "space:sales"}

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
		if big.Kind != "VIEW" || big.Description != "# Big orders" || !slices.Equal(big.Tags, []string{"gold", "pii"}) || big.Definition != "select 1" || big.StableID != "big" || big.Parent.Name != "sales" {
			t.Errorf("got %+v", big)
		}
		if got := m.assets["pg.public"]; got.Kind != "FOLDER" || got.Parent.Name != "pg" || m.assets["pg"].Parent != nil {
			t.Errorf("got %+v", got)
		}
		if got := m.assets["pg.public.orders"].Fields[1].NativeType; got != "DECIMAL(10,2)" {
			t.Error(got)
		}
		want := []string{
			"USES postgres://db.example:5432 shop.public.orders -> pg.public.orders", "USES postgres://db.example:5432 shop.public.customers -> pg.public.customers",
			`USES postgres://db.example:5432 shop.public."a.b ""c""" -> pg.public."a.b ""c"""`, "USES s3://bucket raw -> lake.bucket.raw",
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
		"a source":              {"lake", says(403, `{}`), []string{all[0], all[2]}, "dremio.unread"},
		"a table":               {"orders", says(403, `{}`), all, "dremio.undescribed"},
		"lineage":               {"big/graph", says(403, `{}`), all, "dremio.no_lineage"},
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
			if classOf(err) != sdk.ClassUnavailable || len(m.done) > 2 || path != "big/graph" && len(m.done) > 0 {
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

func TestManyTablesAndFields(t *testing.T) {
	f := newFake()
	f.size = 500
	var children []object
	for i := range 20_000 {
		id := fmt.Sprint("t", i)
		children = append(children, object{"id": id, "path": []string{"lake", "bucket", id}, "type": "DATASET"})
		f.things[id] = object{"type": "PHYSICAL_DATASET", "path": []string{"lake", "bucket", id}, "fields": []object{}}
	}
	var fields []object
	for i := range 5001 {
		fields = append(fields, object{"name": fmt.Sprint("f", i), "type": object{"name": "INTEGER"}})
	}
	f.things["t0"]["fields"] = fields
	f.things["lake"]["children"] = children
	m, err := harvest(t, f, object{"details": false, "http": object{"transport": "clear", "requestsPerSecond": 10000}})
	if err != nil || len(m.assets) != 20_009 || !slices.Equal(m.done, all) || len(m.assets["lake.bucket.t0"].Fields) != 5000 || len(m.notes["dremio.many_fields"]) != 1 {
		t.Errorf("%v, %d, %v", err, len(m.assets), m.notes)
	}
}

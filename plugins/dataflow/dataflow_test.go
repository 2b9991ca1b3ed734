package dataflow_test

import (
	"crypto/rsa"
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
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/dataflow"
	"github.com/souk-mesh/souk/plugins/internal/google/googletest"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(dataflow.Plugin())) }

type object = map[string]any

// fake is a fake of Dataflow and of Google's server of tokens, written on 2026-11-30 from
// https://docs.cloud.google.com/dataflow/docs/reference/rest/v1b3/projects.jobs/aggregated,
// https://docs.cloud.google.com/dataflow/docs/reference/rest/v1b3/projects.locations.jobs/get
// and https://developers.google.com/identity/protocols/oauth2/service-account, and held on the same day
// against Google's own description in https://github.com/googleapis/google-api-python-client,
// googleapiclient/discovery_cache/documents/dataflow.v1b3.json.
type fake struct {
	mu sync.Mutex
	googletest.Door
	size    int
	failed  []object
	jobs    []object
	byPath  map[string]object
	instead map[string]func(w http.ResponseWriter) bool
}

func newFake(public *rsa.PublicKey) *fake {
	job := func(id, name, region, state, created string, more object) object {
		j := object{"id": id, "projectId": "acme", "name": name, "location": region, "type": "JOB_TYPE_BATCH", "currentState": state, "createTime": created, "startTime": created, "currentStateTime": created[:14] + "30:00Z"}
		maps.Copy(j, more)
		return j
	}
	step := func(kind, name, key, value string) object {
		return object{"kind": kind, "id": name, "name": name, "displayData": []object{{"key": "numShards", "int64Value": "3"}, {"key": key, "strValue": value}}}
	}
	return &fake{Door: googletest.Door{Public: public, Now: time.Now}, size: 2, instead: map[string]func(http.ResponseWriter) bool{}, jobs: []object{
		job("j1", "load", "europe-west1", "JOB_STATE_DONE", "2026-11-28T08:00:00Z", nil),
		job("j2", "load", "europe-west1", "JOB_STATE_FAILED", "2026-11-29T08:00:00Z", object{
			"labels": object{"team": "sales", "gold": ""},
			"pipelineDescription": object{"originalPipelineTransform": []object{
				step("READ_KIND", "Read files", "filePattern", "gs://raw/orders/2026-*.csv"), step("PAR_DO_KIND", "Parse", "table", "acme:no.step"), step("WRITE_KIND", "Write", "table", "acme:shop.orders$20261129"),
				step("READ_KIND", "Hidden", "filePattern", "RuntimeValueProvider{propertyName=input}"),
			}},
			"jobMetadata": object{
				"sdkVersion": object{"versionDisplayName": "Apache Beam SDK for Java", "version": "2.60.0"}, "bigqueryDetails": []object{{"projectId": "acme", "dataset": "shop", "table": "orders"}, {"projectId": "acme", "dataset": "shop", "table": "lookup"}, {"query": "select 1"}},
				"fileDetails": []object{{"filePattern": "gs://raw/orders/2026-*.csv"}}, "spannerDetails": []object{{"projectId": "acme", "instanceId": "i", "databaseId": "d"}}, "bigTableDetails": []object{{"projectId": "acme", "instanceId": "i", "tableId": "t"}},
			},
		}),
		job("j3", "load", "us-central1", "JOB_STATE_RUNNING", "2026-11-29T09:00:00Z", object{"type": "JOB_TYPE_STREAMING", "pipelineDescription": object{"originalPipelineTransform": []object{
			step("READ_KIND", "Read", "subscription", "projects/acme/subscriptions/orders-sub"), step("WRITE_KIND", "Publish", "topic", "projects/other/topics/out"), step("WRITE_KIND", "Table", "tableSpec", "shop.events"),
		}}, "jobMetadata": object{"pubsubDetails": []object{{"topic": "orders"}}}}),
	}}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.Opens(w, r) {
		return
	}
	if other := f.instead[r.URL.Path]; other != nil && other(w) {
		return
	}
	if r.URL.Path == "/v1b3/projects/acme/jobs:aggregated" {
		f.list(w, r)
		return
	}
	if j := f.job(r.URL.Path); j != nil && r.URL.Query().Get("view") == "JOB_VIEW_ALL" {
		_ = json.NewEncoder(w).Encode(j)
		return
	}
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}`)
}

// job finds a job by its path.
func (f *fake) job(path string) object {
	if len(f.byPath) != len(f.jobs) {
		f.byPath = map[string]object{}
		for _, j := range f.jobs {
			f.byPath[fmt.Sprintf("/v1b3/projects/acme/locations/%s/jobs/%s", j["location"], j["id"])] = j
		}
	}
	return f.byPath[path]
}

// sized is a project with n jobs, each of which ran once.
func sized(public *rsa.PublicKey, n int) *fake {
	f := newFake(public)
	f.size = 500
	one := f.jobs[0]
	f.jobs = nil
	for i := range n {
		j := maps.Clone(one)
		j["id"], j["name"], j["createTime"] = fmt.Sprint("j", i), fmt.Sprint("load", i), time.Now().Add(-time.Duration(i)*time.Second).UTC().Format(time.RFC3339)
		f.jobs = append(f.jobs, j)
	}
	return f
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if size, err := strconv.Atoi(query.Get("pageSize")); err != nil || size < 1 || !slices.Contains([]string{"", "UNKNOWN", "ALL", "TERMINATED", "ACTIVE"}, query.Get("filter")) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": {"code": 400, "message": "Invalid value", "status": "INVALID_ARGUMENT"}}`)
		return
	}
	at, _ := strconv.Atoi(query.Get("pageToken"))
	end := min(at+f.size, len(f.jobs))
	var page []object
	for _, j := range f.jobs[at:end] { // a summary has the metadata, and no description
		j = maps.Clone(j)
		delete(j, "pipelineDescription")
		page = append(page, j)
	}
	body := object{}
	if len(page) > 0 {
		body["jobs"] = page
	}
	if end < len(f.jobs) {
		body["nextPageToken"] = strconv.Itoa(end)
	}
	if len(f.failed) > 0 {
		body["failedLocation"] = f.failed
	}
	_ = json.NewEncoder(w).Encode(body)
}

func start(t *testing.T, f *fake) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func config(t *testing.T, address string, more object) json.RawMessage {
	t.Helper()
	c := object{"url": address, "oauthUrl": address + "/token", "project": "acme", "http": object{"transport": "clear", "requestsPerSecond": 2000}}
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
	address := start(t, newFake(&private.PublicKey))
	secrets := map[string]string{"key": key}
	plugintest.Run(t, sdk.Register(dataflow.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Address: "url", Golden: "testdata/acme.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(t, start(t, sized(&private.PublicKey, n)), object{"http": object{"transport": "clear", "requestsPerSecond": 10_000}})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "another key", Config: config(t, address, nil), Secrets: map[string]string{"key": strange}, Class: sdk.ClassAuth},
			{Name: "no key", Config: config(t, address, nil), Class: sdk.ClassConfig, Field: "key"},
			{Name: "half a key", Config: config(t, address, nil), Secrets: map[string]string{"key": key[:200]}, Class: sdk.ClassConfig, Field: "key"},
			{Name: "a password", Config: config(t, address, nil), Secrets: map[string]string{"key": "canary-password"}, Class: sdk.ClassConfig, Field: "key"},
			{Name: "no project", Config: config(t, address, object{"project": "a/b"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "project"},
			{Name: "another project", Config: config(t, address, object{"project": "none"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "days below zero", Config: config(t, address, object{"days": -1}), Secrets: secrets, Class: sdk.ClassConfig, Field: "days"},
			{Name: "no server", Config: config(t, "http://127.0.0.1:1", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, "http://none.invalid", nil), Secrets: secrets, Class: sdk.ClassUnavailable},
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
		m.edges = append(m.edges, fmt.Sprintf("%s %s -> %s %v", r.Kind, r.From.Name, r.To.Name, r.Confidence))
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

func harvest(t *testing.T, change func(*fake), more object) (*memory, *fake, error) {
	t.Helper()
	private, key := googletest.Key(t)
	f := newFake(&private.PublicKey)
	f.Now = func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }
	change(f)
	s, err := sdk.Register(dataflow.Plugin()).Open(t.Context(), config(t, start(t, f), more), map[string]string{"key": key}, sdk.Env{Now: f.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := &memory{assets: map[string]*sdk.Asset{}, notes: map[string][]string{}}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, f, err
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

func TestAProject(t *testing.T) {
	m, f, err := harvest(t, func(f *fake) { f.Lasts, f.Tired = 2, 1 }, nil)
	if err != nil || !slices.Equal(m.done, []string{"jobs"}) || f.Granted < 2 {
		t.Fatal(err, m.done, f.Granted)
	}
	want := []string{
		"DERIVES europe-west1.load -> acme.shop.orders 1", "DERIVES us-central1.load -> acme.shop.events 1", "DERIVES us-central1.load -> topic:other:out 1",
		"USES acme.shop.lookup -> europe-west1.load 0.5", "USES d -> europe-west1.load 0.5", "USES orders -> europe-west1.load 1", "USES subscription:acme:orders-sub -> us-central1.load 1",
		"USES t -> europe-west1.load 0.5", "USES topic:acme:orders -> us-central1.load 0.5",
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(m.edges))); diff != "" {
		t.Error(diff)
	}
	a := m.assets["europe-west1.load"]
	if len(a.Runs) != 2 || a.Runs[0].State != sdk.RunFailed || a.Runs[0].ID != "j2" || a.Runs[0].Ended.Sub(a.Runs[0].Started) != 30*time.Minute || a.Runs[1].State != sdk.RunSucceeded || !slices.Equal(a.Tags, []string{"gold", "team:sales"}) {
		t.Errorf("got %+v", a)
	}
	if a := m.assets["us-central1.load"]; len(a.Runs) != 1 || a.Runs[0].State != sdk.RunRunning || !a.Runs[0].Ended.IsZero() {
		t.Errorf("got %+v", a)
	}
	m, _, err = harvest(t, func(f *fake) { f.jobs[2]["createTime"] = "2020-01-01T00:00:00Z" }, object{"days": 1})
	if err != nil || m.assets["us-central1.load"] == nil || m.assets["europe-west1.load"] != nil {
		t.Errorf("one that runs is left out, or one that ended is not: %v", err)
	}
}

// TestStates: every state of Google's description is known, but for the two that
// say nothing.
func TestStates(t *testing.T) {
	states := map[string]sdk.RunState{
		"UNKNOWN": sdk.RunUnknown, "STOPPED": sdk.RunUnknown, "RUNNING": sdk.RunRunning, "DONE": sdk.RunSucceeded, "FAILED": sdk.RunFailed, "CANCELLED": sdk.RunCancelled, "UPDATED": sdk.RunSucceeded,
		"DRAINING": sdk.RunRunning, "DRAINED": sdk.RunSucceeded, "PENDING": sdk.RunRunning, "CANCELLING": sdk.RunRunning, "QUEUED": sdk.RunRunning, "RESOURCE_CLEANING_UP": sdk.RunSucceeded,
		"PAUSING": sdk.RunRunning, "PAUSED": sdk.RunRunning,
	}
	m, _, err := harvest(t, func(f *fake) {
		for state := range states {
			j := maps.Clone(f.jobs[2])
			j["id"], j["name"], j["currentState"] = state, state, "JOB_STATE_"+state
			f.jobs = append(f.jobs, j)
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for state, want := range states {
		got := m.assets["us-central1."+state].Runs[0]
		if ended := want != sdk.RunRunning && want != sdk.RunUnknown; got.State != want || got.Ended.IsZero() == ended {
			t.Errorf("%s: got %+v", state, got)
		}
	}
}

func TestWhatIsNotShown(t *testing.T) {
	const path = "/v1b3/projects/acme/jobs:aggregated"
	m, _, err := harvest(t, func(f *fake) { f.failed = []object{{"name": "asia-east1"}} }, nil)
	if err != nil || len(m.done) > 0 || len(m.notes["dataflow.region"]) != 1 {
		t.Errorf("%v, %v, %v", err, m.done, m.notes)
	}
	m, _, err = harvest(t, func(f *fake) {
		f.instead["/v1b3/projects/acme/locations/us-central1/jobs/j3"] = says(403, "{}")
	}, nil)
	if err != nil || len(m.done) != 1 || len(m.notes["dataflow.unread"]) != 1 {
		t.Errorf("%v, %v, %v", err, m.done, m.notes)
	}
	for _, text := range []string{`{"jobs": [{"id": "a"}, {"`, "", "null", `[]`, `{"jobs": {}}`, `{"jobs": [], "nextPageToken": "same"}`} {
		m, _, err := harvest(t, func(f *fake) { f.instead[path] = says(200, text) }, nil)
		if classOf(err) != sdk.ClassUnavailable || len(m.done) > 0 {
			t.Errorf("%q: %v, %v", text, err, m.done)
		}
	}
	m, _, err = harvest(t, func(f *fake) { f.instead[path] = says(403, "{}") }, nil)
	if classOf(err) != sdk.ClassDenied || len(m.done) > 0 {
		t.Errorf("%v, %v", err, m.done)
	}
	m, _, err = harvest(t, func(f *fake) { f.jobs = nil }, nil)
	if err != nil || len(m.done) != 1 {
		t.Errorf("a project without jobs: %v, %v", err, m.done)
	}
}

// Bad input: names.
func TestNamesAndManyJobs(t *testing.T) {
	const many = 20_000
	names := []string{`a "quoted" one`, "with.dot", "a/b", "🐪", strings.Repeat("ñ", 1000), "Case", "case"}
	m, _, err := harvest(t, func(f *fake) {
		f.size, f.jobs = 500, nil
		for i, name := range names {
			f.jobs = append(f.jobs, object{"id": fmt.Sprint("n", i), "name": name, "location": "r", "createTime": "2026-11-28T08:00:00Z"})
		}
		for i := range many { // the runs of one job
			f.jobs = append(f.jobs, object{"id": fmt.Sprint("j", i), "name": "often", "location": "r", "createTime": time.Unix(int64(i), 0).UTC().Format(time.RFC3339)})
		}
	}, nil)
	if err != nil || len(m.assets) != len(names)+1 || len(m.assets["r.often"].Runs) != 25 || m.assets["r.often"].Runs[0].ID != fmt.Sprint("j", many-1) {
		t.Fatalf("%v, %d", err, len(m.assets))
	}
	for _, name := range names {
		if a := m.assets[sdk.JoinName("r", name)]; a == nil || a.ShortName != name {
			t.Errorf("%q is not there", name)
		}
	}
}

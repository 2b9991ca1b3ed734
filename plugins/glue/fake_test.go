package glue_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/souk-mesh/souk/plugins/glue"
	"github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

type object = map[string]any

// fake speaks as much of Glue as the emulator does not: pages, refusals and
// answers that are none. It is written from the pages of
// https://docs.aws.amazon.com/glue/latest/webapi/ (API_GetDatabases, API_GetTables,
// API_GetJobs, API_GetJobRuns, API_GetTags, CommonErrors), read in November 2026.
type fake struct {
	mu      sync.Mutex
	asked   map[string]int
	catalog map[string]string   // the catalog that an operation asked for the last time
	lists   map[string][]object // by the operation, and for tables by the database
	size    int
	instead map[string]func(n int, w http.ResponseWriter) bool // n counts the requests of that operation
}

// keys are where the lists stand in the answers.
var keys = map[string]string{
	"GetDatabases": "DatabaseList", "GetTables": "TableList", "GetJobs": "Jobs", "GetJobRuns": "JobRuns", "GetCrawlers": "Crawlers",
	"GetTriggers": "Triggers", "GetConnections": "ConnectionList", "ListWorkflows": "Workflows",
}

func newFake() *fake {
	f := &fake{asked: map[string]int{}, catalog: map[string]string{}, size: 2, lists: map[string][]object{}, instead: map[string]func(int, http.ResponseWriter) bool{}}
	for _, d := range []string{"a", "b"} {
		f.lists["GetDatabases"] = append(f.lists["GetDatabases"], object{"Name": d, "CatalogId": "123456789012"})
		for _, t := range []string{"one", "One", "two", "three", "four"} {
			f.lists["GetTables/"+d] = append(f.lists["GetTables/"+d], object{"Name": t, "DatabaseName": d})
		}
	}
	f.lists["GetJobs"] = []object{{"Name": "j", "Command": object{"Name": "glueetl"}}}
	f.lists["GetJobRuns"] = []object{
		{"Id": "r1", "JobName": "j", "JobRunState": "TIMEOUT", "StartedOn": 1.7e9, "CompletedOn": 1.7e9 + 60},
		{"Id": "r2", "JobName": "j", "JobRunState": "FAILED", "StartedOn": 1.7e9 + 100, "CompletedOn": 1.7e9 + 130, "ErrorMessage": "no memory"},
		{"Id": "r3", "JobName": "j", "JobRunState": "RUNNING", "StartedOn": 1.7e9 + 200, "CompletedOn": 1.7e9 + 200},
	}
	return f
}

// withTables is a catalog with a number of tables.
func withTables(n int) *fake {
	f := newFake()
	f.size = 100
	f.lists["GetTables/a"] = nil
	for i := range n {
		f.lists["GetTables/a"] = append(f.lists["GetTables/a"], object{
			"Name": fmt.Sprintf("t%05d", i), "Parameters": object{"classification": "parquet"},
			"StorageDescriptor": object{"Location": fmt.Sprintf("s3://lake/a/t%05d/", i), "Columns": []object{{"Name": "id", "Type": "bigint"}, {"Name": "day", "Type": "date"}}},
		})
	}
	return f
}

func (f *fake) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	operation, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.")
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if !ours || r.Method != http.MethodPost || !strings.Contains(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIASOUK/") {
		refuse(w, "UnrecognizedClientException")
		return
	}
	var in struct {
		DatabaseName, NextToken, CatalogID string // CatalogId, in any case
		MaxResults                         int
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &in) != nil || in.MaxResults > 100 {
		refuse(w, "ValidationException")
		return
	}
	key := operation
	if in.DatabaseName != "" {
		key += "/" + in.DatabaseName
	}
	f.asked[key]++
	f.catalog[operation] = in.CatalogID
	if do := f.instead[key]; do != nil && do(f.asked[key], w) {
		return
	}
	if operation == "GetTags" {
		fmt.Fprint(w, `{"Tags": {}}`)
		return
	}
	list, known := keys[operation]
	if !known {
		refuse(w, "InvalidInputException")
		return
	}
	f.page(w, list, f.lists[key], in.NextToken)
}

func (f *fake) page(w http.ResponseWriter, list string, items []object, token string) {
	var from int
	_, _ = fmt.Sscanf(token, "at-%d", &from)
	to := min(len(items), from+f.size)
	out := object{list: append([]object{}, items[from:to]...)}
	if to < len(items) {
		out["NextToken"] = fmt.Sprintf("at-%d", to)
	}
	_ = json.NewEncoder(w).Encode(out)
}

// refuse answers as Glue refuses: with 400 and a word.
func refuse(w http.ResponseWriter, code string) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"__type": "%s", "Message": "canary-of-the-server"}`, code)
}

func refuses(code string) func(int, http.ResponseWriter) bool {
	return func(_ int, w http.ResponseWriter) bool {
		refuse(w, code)
		return true
	}
}

func says(text string) func(int, http.ResponseWriter) bool {
	return func(_ int, w http.ResponseWriter) bool {
		fmt.Fprint(w, text)
		return true
	}
}

// memory is a sink that keeps everything, and refuses what the host would.
type memory struct {
	assets map[string]*sdk.Asset
	edges  map[string]*sdk.Edge
	done   []string
	notes  map[string][]sdk.Note
}

func (m *memory) Emit(r sdk.Record) error {
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[r.ID.Name] = r
	case *sdk.Edge:
		m.edges[r.Kind+" "+r.From.Name+" -> "+r.To.Name] = r
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	m.notes[n.Code] = append(m.notes[n.Code], n)
	return nil
}

func (m *memory) tables() []string {
	var out []string
	for name := range m.assets {
		if table, is := strings.CutPrefix(name, "table/"); is {
			out = append(out, table)
		}
	}
	slices.Sort(out)
	return out
}

func harvest(t *testing.T, address string, change func(*glue.Config)) (*memory, error) {
	t.Helper()
	c := glue.Config{
		Access: aws.Access{
			Endpoint: address, Region: "eu-west-2", AccessKeyID: "AKIASOUK", SecretKey: "canary-of-the-secret-key", SessionToken: "canary-of-the-session-token",
			HTTP: web.Config{Transport: "clear"},
		},
		Jobs: "read", Runs: 10, Tags: "skip",
	}
	if change != nil {
		change(&c)
	}
	s, err := glue.Plugin().Open(t.Context(), c, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := &memory{assets: map[string]*sdk.Asset{}, edges: map[string]*sdk.Edge{}, notes: map[string][]sdk.Note{}}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

// is tells whose turn an error is.
func is(err error, class sdk.Class) bool {
	e, ours := errors.AsType[*sdk.Error](err)
	return ours && e.Class == class
}

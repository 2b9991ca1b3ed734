package datafactory_test

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
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/datafactory"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(datafactory.Plugin())) }

type object = map[string]any

const (
	tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	secret = "canary-of-azure"
	root   = "/subscriptions/s1"
	shop   = root + "/resourceGroups/g/providers/Microsoft.DataFactory/factories/shop"
)

// fake is a fake of Azure Resource Manager and Entra ID, written on 2026-11-30 from
// https://learn.microsoft.com/en-us/rest/api/datafactory/factories/list,
// https://learn.microsoft.com/en-us/rest/api/datafactory/pipelines/list-by-factory,
// https://learn.microsoft.com/en-us/rest/api/datafactory/datasets/list-by-factory,
// https://learn.microsoft.com/en-us/rest/api/datafactory/linked-services/list-by-factory,
// https://learn.microsoft.com/en-us/rest/api/datafactory/pipeline-runs/query-by-factory
// and https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
// and held on the same day against Microsoft's own description and its examples of answers,
// https://github.com/Azure/azure-rest-api-specs, specification/datafactory/resource-manager/Microsoft.DataFactory:
// stable/2018-06-01/entityTypes (Dataset.json, LinkedService.json) and DataFactory/examples/2018-06-01.
type fake struct {
	mu      sync.Mutex
	token   int
	lasts   int // requests that a token is good for; 0 for all
	left    int
	tired   int
	size    int
	lists   map[string][]object // by path
	instead map[string]func(w http.ResponseWriter) bool
}

func newFake() *fake {
	named := func(kind, name string, properties object) object {
		return object{"id": shop + "/" + kind + "/" + name, "name": name, "type": "Microsoft.DataFactory/factories/" + kind, "etag": "x", "properties": properties}
	}
	dataset := func(name, service, kind string, properties object) object {
		return named("datasets", name, object{"type": kind, "linkedServiceName": object{"referenceName": service, "type": "LinkedServiceReference"}, "annotations": []any{"gold"}, "typeProperties": properties, "schema": []object{{"name": "id", "type": "int"}}})
	}
	ref := func(name string) []object { return []object{{"referenceName": name, "type": "DatasetReference"}} }
	return &fake{size: 2, instead: map[string]func(http.ResponseWriter) bool{}, lists: map[string][]object{
		root + "/providers/Microsoft.DataFactory/factories": {{"id": shop, "name": "shop", "type": "Microsoft.DataFactory/factories", "eTag": "x", "location": "westeurope", "tags": object{}, "properties": object{"provisioningState": "Succeeded", "version": "2018-06-01"}}},
		shop + "/linkedservices": {
			named("linkedservices", "sql", object{"type": "AzureSqlDatabase", "typeProperties": object{"connectionString": "Integrated Security=False;Data Source=tcp:shop.database.windows.net,1433;Initial Catalog=shop;User ID=adf;Password=canary-in-a-string"}}),
			named("linkedservices", "lake", object{"type": "AzureBlobFS", "typeProperties": object{"url": "https://shop.dfs.core.windows.net"}}),
			named("linkedservices", "pg", object{"type": "PostgreSqlV2", "typeProperties": object{"server": "db.example", "port": 5433, "database": "crm"}}),
			named("linkedservices", "old", object{"type": "AzureStorage", "typeProperties": object{"sasUri": "https://old.blob.core.windows.net/?sv=canary-in-a-signature"}}),
			named("linkedservices", "hidden", object{"type": "AzureStorage", "typeProperties": object{"connectionString": object{"type": "SecureString", "value": "**********"}, "encryptedCredential": "canary-encrypted"}}),
			named("linkedservices", "blob", object{"type": "AzureBlobStorage", "typeProperties": object{"connectionString": "DefaultEndpointsProtocol=https;AccountName=files;EndpointSuffix=core.windows.net"}}),
		},
		shop + "/datasets": {
			dataset("Orders", "sql", "AzureSqlTable", object{"schema": "dbo", "table": "orders"}),
			dataset("Old", "sql", "AzureSqlTable", object{"tableName": "[dbo].[or.ders]"}),
			dataset("Raw", "lake", "Parquet", object{"location": object{"type": "AzureBlobFSLocation", "fileSystem": "raw", "folderPath": "orders/day", "fileName": "a.parquet"}}),
			dataset("Any", "lake", "Parquet", object{"location": object{"type": "AzureBlobFSLocation", "fileSystem": "raw", "folderPath": object{"value": "@dataset().day", "type": "Expression"}}}),
			dataset("People", "pg", "PostgreSqlV2Table", object{"schema": "public", "table": "people"}),
			dataset("Csv", "blob", "DelimitedText", object{"location": object{"type": "AzureBlobStorageLocation", "container": "in", "fileName": "x.csv"}}),
			dataset("Lost", "none", "Json", object{}),
			dataset("OldBlob", "old", "AzureBlob", object{"format": object{"type": "TextFormat"}, "folderPath": "in/day", "fileName": "y.csv"}),
			dataset("Unseen", "hidden", "AzureBlob", object{"folderPath": "in/day"}),
			named("datasets", "Expressed", object{"type": "AzureBlob", "linkedServiceName": object{"referenceName": "old", "type": "LinkedServiceReference"}, "schema": object{"type": "Expression", "value": "@dataset().columns"}, "typeProperties": object{"folderPath": object{"type": "Expression", "value": "@dataset().folder"}}}),
			named("datasets", "Structured", object{"type": "AzureBlob", "linkedServiceName": object{"referenceName": "old", "type": "LinkedServiceReference"}, "structure": []any{object{"name": "id", "type": "Int64"}, object{"name": object{"type": "Expression", "value": "@x"}, "type": "String"}, "odd"}}),
		},
		shop + "/pipelines": {
			named("pipelines", "load", object{"description": "Loads a day.", "annotations": []any{"sales", "gold", 7}, "folder": object{"name": "daily"}, "activities": []object{
				{"name": "copy", "type": "Copy", "description": "Copies.", "inputs": ref("Raw"), "outputs": ref("orders"), "typeProperties": object{"source": object{"type": "ParquetSource"}, "sink": object{"type": "AzureSqlSink"}}},
				{"name": "each", "type": "ForEach", "typeProperties": object{"items": object{"value": "@x", "type": "Expression"}, "activities": []object{
					{"name": "if", "type": "IfCondition", "typeProperties": object{"ifTrueActivities": []object{{"name": "look", "type": "Lookup", "typeProperties": object{"dataset": object{"referenceName": "People", "type": "DatasetReference"}}}}}},
					{"name": "switch", "type": "Switch", "typeProperties": object{"cases": []object{{"value": "a", "activities": []object{{"name": "csv", "type": "Copy", "inputs": ref("Csv"), "outputs": ref("Any")}}}}}},
				}}},
			}}),
			named("pipelines", "all", object{"activities": []object{{"name": "run", "type": "ExecutePipeline", "typeProperties": object{"pipeline": object{"referenceName": "load", "type": "PipelineReference"}}}, {"name": "wait", "type": "Wait", "typeProperties": object{"waitTimeInSeconds": 1}}}}),
		},
		shop + "/queryPipelineRuns": {
			{"runId": "r3", "pipelineName": "load", "status": "Failed", "runStart": "2026-11-29T08:00:00Z", "runEnd": "2026-11-29T08:00:01.5Z", "message": "no"},
			{"runId": "r2", "pipelineName": "load", "status": "Succeeded", "runStart": "2026-11-28T08:00:00Z", "runEnd": "2026-11-28T08:01:00Z"},
			{"runId": "r1", "pipelineName": "all", "status": "InProgress", "runStart": "2026-11-27T08:00:00Z", "runEnd": nil, "durationInMs": nil, "annotations": []any{}, "invokedBy": object{"name": "Manual", "id": "x"}, "parameters": object{"p": "canary-of-a-parameter"}, "message": ""},
		},
	}}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.URL.Path == "/"+tenant+"/oauth2/v2.0/token" {
		f.grant(w, r)
		return
	}
	switch {
	case r.Header.Get("Authorization") != fmt.Sprint("Bearer token-", f.token) || f.lasts > 0 && f.left == 0:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error": {"code": "ExpiredAuthenticationToken", "message": "The access token expiry UTC time is earlier than current UTC time."}}`)
		return
	case r.URL.Query().Get("api-version") != "2018-06-01":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": {"code": "MissingApiVersionParameter", "message": "The api-version query parameter (?api-version=) is required for all requests."}}`)
		return
	case f.tired > 0:
		f.tired--
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.left--
	if other := f.instead[r.URL.Path]; other != nil && other(w) {
		return
	}
	items, known := f.lists[r.URL.Path]
	posts := strings.HasSuffix(r.URL.Path, "/queryPipelineRuns")
	if !known || posts != (r.Method == http.MethodPost) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error": {"code": "ResourceNotFound", "message": "The resource was not found."}}`)
		return
	}
	f.page(w, r, items, posts)
}

func (f *fake) grant(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("client_secret") != secret || r.PostFormValue("client_id") != "souk" || r.PostFormValue("scope") != "https://management.azure.com/.default" || r.PostFormValue("grant_type") != "client_credentials" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}`)
		return
	}
	f.token++
	f.left = f.lasts
	fmt.Fprintf(w, `{"token_type": "Bearer", "expires_in": 3599, "access_token": "token-%d"}`, f.token)
}

func (f *fake) page(w http.ResponseWriter, r *http.Request, items []object, posts bool) {
	at, _ := strconv.Atoi(r.URL.Query().Get("$skipToken"))
	if posts {
		var q struct {
			LastUpdatedAfter, LastUpdatedBefore time.Time
			ContinuationToken                   string
		}
		if json.NewDecoder(r.Body).Decode(&q) != nil || q.LastUpdatedAfter.IsZero() || !q.LastUpdatedBefore.After(q.LastUpdatedAfter) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		at, _ = strconv.Atoi(q.ContinuationToken)
	}
	end := min(at+f.size, len(items))
	body := object{"value": items[at:end]}
	if end < len(items) && posts {
		body["continuationToken"] = strconv.Itoa(end)
	} else if end < len(items) {
		body["nextLink"] = fmt.Sprintf("http://%s%s?api-version=2018-06-01&$skipToken=%d", r.Host, r.URL.Path, end)
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
	c := object{"url": address, "login": address, "tenant": tenant, "clientId": "souk", "subscription": "s1", "http": object{"transport": "clear", "requestsPerSecond": 2000}}
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPlugin(t *testing.T) {
	address := start(t, newFake())
	secrets := map[string]string{"clientSecret": secret}
	plugintest.Run(t, sdk.Register(datafactory.Plugin()), plugintest.Fixture{
		Config: config(t, address, nil), Secrets: secrets, Golden: "testdata/shop.golden.jsonl",
		Scale: plugintest.Sized(secrets, func(n int) json.RawMessage {
			return config(t, start(t, sized(n)), object{"http": object{"transport": "clear", "requestsPerSecond": 10_000}})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong secret", Config: config(t, address, nil), Secrets: map[string]string{"clientSecret": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "no secret", Config: config(t, address, nil), Class: sdk.ClassConfig, Field: "clientSecret"},
			{Name: "no tenant", Config: config(t, address, object{"tenant": "a/b"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "tenant"},
			{Name: "no subscription", Config: config(t, address, object{"subscription": "a/b"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "subscription"},
			{Name: "another subscription", Config: config(t, address, object{"subscription": "s2"}), Secrets: secrets, Class: sdk.ClassConfig, Field: "url"},
			{Name: "a factory that is not there", Config: config(t, address, object{"factories": []string{"shop", "none"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "factories"},
			{Name: "too many days", Config: config(t, address, object{"days": 100}), Secrets: secrets, Class: sdk.ClassConfig, Field: "days"},
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
	short := func(id sdk.NativeID) string {
		if rest, ours := strings.CutPrefix(id.Name, shop+"/"); ours {
			return rest
		}
		return id.Namespace + " " + id.Name
	}
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[short(r.ID)] = r
	case *sdk.Edge:
		m.edges = append(m.edges, r.Kind+" "+short(r.From)+" -> "+short(r.To))
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
	s, err := sdk.Register(datafactory.Plugin()).Open(t.Context(), config(t, start(t, f), more), map[string]string{"clientSecret": secret}, sdk.Env{})
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

func TestAFactory(t *testing.T) {
	f := newFake()
	f.lasts, f.tired = 4, 1
	m, err := harvest(t, f, object{"factories": []string{"SHOP"}})
	if err != nil || !slices.Equal(m.done, []string{"factory:shop"}) || f.token < 3 {
		t.Fatal(err, m.done, f.token)
	}
	const lake, sql = "abfss://raw@shop.dfs.core.windows.net orders/day/a.parquet", "mssql://shop.database.windows.net:1433 shop.dbo.orders"
	want := []string{
		"DERIVES pipelines/load -> " + sql, "DERIVES pipelines/load -> datasets/Any", "DERIVES pipelines/load/activities/copy -> " + sql, "DERIVES pipelines/load/activities/csv -> datasets/Any",
		"USES " + lake + " -> pipelines/load", "USES " + lake + " -> pipelines/load/activities/copy", "USES pipelines/load -> pipelines/all",
		"USES postgres://db.example:5433 crm.public.people -> pipelines/load", "USES postgres://db.example:5433 crm.public.people -> pipelines/load/activities/look",
		"USES wasbs://in@files.blob.core.windows.net x.csv -> pipelines/load", "USES wasbs://in@files.blob.core.windows.net x.csv -> pipelines/load/activities/csv",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(m.edges))); diff != "" {
		t.Error(diff)
	}
	if a := m.assets[`mssql://shop.database.windows.net:1433 shop.dbo."or.ders"`]; a == nil || !a.Reference {
		t.Errorf("got %+v", a)
	}
	if a := m.assets["datasets/Any"]; a == nil || len(a.Fields) != 1 || !slices.Equal(a.Tags, []string{"gold"}) {
		t.Errorf("got %+v", a)
	}
	if a := m.assets["wasbs://in@old.blob.core.windows.net day/y.csv"]; a == nil || !a.Reference {
		t.Error("a dataset of the older kind is not found at its place")
	}
	if a, b := m.assets["datasets/Expressed"], m.assets["datasets/Structured"]; a == nil || len(a.Fields) > 0 || b == nil || len(b.Fields) != 1 || b.Fields[0].NativeType != "Int64" {
		t.Errorf("got %+v and %+v", a, b)
	}
	if a := m.assets["pipelines/load"]; !slices.Equal(a.Tags, []string{"gold", "sales"}) || a.Description != "Loads a day." || len(a.Runs) != 2 || a.Runs[0].State != sdk.RunFailed || a.Runs[0].Message != "no" || a.Runs[0].Ended.Sub(a.Runs[0].Started) != 1500*time.Millisecond {
		t.Errorf("got %+v", a)
	}
}

func TestWhatMayNotBeRead(t *testing.T) {
	for _, path := range []string{"/linkedservices", "/datasets", "/pipelines", "/queryPipelineRuns"} {
		f := newFake()
		f.instead[shop+path] = says(403, `{"error": {"code": "AuthorizationFailed", "message": "The client does not have authorization."}}`)
		m, err := harvest(t, f, nil)
		if err != nil || len(m.done) > 0 || len(m.notes["datafactory.denied"]) != 1 {
			t.Errorf("%s: %v, %v", path, err, m.done)
		}
		for _, text := range []string{`{"value": [{"id": "a"}, {"`, "", `{"error": {}}`, `{"value": [], "nextLink": "https://elsewhere.example/x"}`} {
			f := newFake()
			f.instead[shop+path] = says(200, text)
			m, err := harvest(t, f, nil)
			if path == "/queryPipelineRuns" && strings.Contains(text, "nextLink") {
				continue // it pages by a token
			}
			if class := classOf(err); class != sdk.ClassUnavailable && class != sdk.ClassConfig || len(m.done) > 0 {
				t.Errorf("%s %q: %v, %v", path, text, err, m.done)
			}
		}
	}
}

// sized is a factory with n pipelines.
func sized(n int) *fake {
	f := newFake()
	f.size = 500
	f.lists[shop+"/pipelines"] = nil
	for i := range n {
		name := fmt.Sprint("p", i)
		f.lists[shop+"/pipelines"] = append(f.lists[shop+"/pipelines"], object{"id": shop + "/pipelines/" + name, "name": name, "properties": object{"activities": []object{{"name": "wait", "type": "Wait"}}}})
	}
	return f
}

// Bad input: 5,000 columns.
func TestManyFields(t *testing.T) {
	f := newFake()
	var schema []object
	for i := range 5001 {
		schema = append(schema, object{"name": fmt.Sprint("f", i), "type": "int"})
	}
	for _, d := range f.lists[shop+"/datasets"] {
		if d["name"] == "Any" {
			d["properties"].(object)["schema"] = schema
		}
	}
	m, err := harvest(t, f, nil)
	if err != nil || len(m.done) != 1 || len(m.assets["datasets/Any"].Fields) != 5000 || len(m.notes["datafactory.many_fields"]) != 1 {
		t.Errorf("%v, %d, %v", err, len(m.assets), m.notes)
	}
}

// Bad input: names.
func TestNames(t *testing.T) {
	f := newFake()
	names := []string{`a "quoted" one`, "with.dot", "a/b", "🐪", strings.Repeat("ñ", 1000), "Case", "case"}
	var pipelines []object
	for _, name := range names {
		pipelines = append(pipelines, object{"id": shop + "/pipelines/" + name, "name": name, "properties": object{"activities": []object{{"name": name, "type": "Copy", "inputs": []object{{"referenceName": "Raw"}, {"referenceName": "none"}}, "typeProperties": 7}}}})
	}
	f.lists[shop+"/pipelines"] = pipelines
	m, err := harvest(t, f, object{"days": 0})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if a := m.assets["pipelines/"+name]; a == nil || a.ShortName != name || m.assets["pipelines/"+name+"/activities/"+name] == nil {
			t.Errorf("%q is not there", name)
		}
	}
}

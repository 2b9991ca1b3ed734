package atlas_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

const (
	user     = "admin"
	password = "canary-of-atlas"
)

type object = map[string]any

// recorded is what a real Atlas answered; testdata/record made it.
type recorded struct {
	Typedefs object
	Search   map[string]struct {
		Entities []object
		Count    int `json:"approximateCount"`
	}
	Entities map[string]struct {
		Entities         []object
		ReferredEntities map[string]object
	}
	Answers map[string]struct {
		Status int
		Body   any
	}
}

// fake serves what was recorded: searches in pages, and entities together.
type fake struct {
	mu       sync.Mutex
	recorded recorded
	tired    int // requests that are answered 429 from now on
	most     int // how many entities a page has, at most
	asked    int
	instead  map[string]func(w http.ResponseWriter) bool // by path
}

func load(t *testing.T) *fake {
	t.Helper()
	text, err := os.ReadFile("testdata/atlas-2.1.json")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{most: 2, instead: map[string]func(http.ResponseWriter) bool{}}
	if err := json.Unmarshal(text, &f.recorded); err != nil {
		t.Fatal(err)
	}
	return f
}

func start(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	w.Header().Set("Content-Type", "application/json")
	name, pass, _ := r.BasicAuth()
	path, ours := strings.CutPrefix(r.URL.Path, "/api/atlas/v2")
	switch {
	case !ours:
		w.WriteHeader(http.StatusNotFound)
		return
	case name != user || pass != password:
		f.give(w, "wrong password")
		return
	case f.tired > 0:
		f.tired--
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if other := f.instead[path]; other != nil && other(w) {
		return
	}
	switch path {
	case "/types/typedefs":
		answer(w, f.recorded.Typedefs)
	case "/search/basic":
		f.search(w, r)
	case "/entity/bulk":
		f.bulk(w, r.URL.Query()["guid"])
	default:
		f.give(w, "unknown path")
	}
}

func answer(w http.ResponseWriter, body any) { _ = json.NewEncoder(w).Encode(body) }

func (f *fake) give(w http.ResponseWriter, known string) {
	a := f.recorded.Answers[known]
	w.WriteHeader(a.Status)
	answer(w, a.Body)
}

func (f *fake) search(w http.ResponseWriter, r *http.Request) {
	var q struct {
		TypeName               string
		Limit, Offset          int
		ExcludeDeletedEntities bool
	}
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&q) != nil || !q.ExcludeDeletedEntities {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	known := f.recorded.Search[q.TypeName]
	body := object{"queryType": "BASIC", "searchParameters": object{"typeName": q.TypeName}, "approximateCount": known.Count}
	if q.Offset < len(known.Entities) { // otherwise the list is left out, as Atlas does
		body["entities"] = known.Entities[q.Offset:min(q.Offset+min(q.Limit, f.most), len(known.Entities))]
	}
	answer(w, body)
}

func (f *fake) bulk(w http.ResponseWriter, guids []string) {
	entities, referred := []object{}, map[string]object{}
	for _, guid := range guids {
		known, has := f.recorded.Entities[guid]
		if !has {
			f.give(w, "unknown guid")
			return
		}
		entities = append(entities, known.Entities...)
		maps.Copy(referred, known.ReferredEntities)
	}
	answer(w, object{"entities": entities, "referredEntities": referred})
}

const (
	tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	secret = "canary-of-purview"
)

// purview is a fake of Microsoft Purview and of Entra ID. It was compared on
// 2026-11-30 with what Microsoft publishes of the data plane's version 2023-09-01, in
// https://github.com/Azure/azure-rest-api-specs below
// specification/purview/data-plane/Azure.Analytics.Purview.DataMap/stable/2023-09-01:
//   - purviewdatamap.json at 0d5478b13a28: QueryOptions, QueryResult, SearchResultValue,
//     AtlasEntity, AtlasEntityDef, AtlasErrorResponse, and guid as a parameter that is repeated;
//   - examples/Discovery_Query_PaginationContinuationPage.json at 43de45cb6448,
//     Discovery_Query_GlossaryTerm.json at 4984b1579aa6, Entity_ListByGuids.json at 0b87b77fbcfb;
//
// which is what https://learn.microsoft.com/en-us/rest/api/purview/datamapdataplane/ is made
// of; and with https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
type purview struct {
	mu     sync.Mutex
	token  int
	lasts  int // requests that a token is good for
	left   int
	tired  int
	assets []object
	terms  []object // hits of the search that are no assets
	gone   int      // entities that were asked for and are not there
	byGUID map[string]object
	parts  map[string]object // columns and schemas, by guid
	say    int               // the count that the search tells; -1 for the true one
	size   int
}

func newPurview() *purview {
	asset := func(guid, kind, name, qualified string, more object) object {
		e := object{
			"guid": guid, "typeName": kind, "status": "ACTIVE", "attributes": object{"owner": nil, "name": name, "qualifiedName": qualified, "description": nil},
			"relationshipAttributes": object{"schema": []any{}, "inputToProcesses": []any{}, "meanings": []any{}, "outputFromProcesses": []any{}, "tabular_schema": nil},
			"lastModifiedTS":         "1", "createdBy": "ExampleCreator", "updatedBy": "ExampleUpdator", "createTime": 1553072455110, "updateTime": 1553072455110, "version": 0,
			"isIncomplete": false, "provenanceType": 0, "homeId": "", "collectionId": "acme", "businessAttributes": object{}, "customAttributes": object{},
		}
		maps.Copy(e, more)
		return e
	}
	ref := func(guid, kind, text string) object {
		return object{
			"guid": guid, "typeName": kind, "entityStatus": "ACTIVE", "displayText": text, "relationshipStatus": "ACTIVE",
			"relationshipGuid": "400fd8e4-97bd-45eb-a21c-880b4094ce5b", "relationshipAttributes": object{"typeName": "tabular_schema_columns"}, "relationshipType": "tabular_schema_columns",
		}
	}
	column := func(guid, name, kind, tag string) object {
		c := asset(guid, "azure_sql_column", name, "mssql://shop.database.windows.net/shop/dbo/orders#"+name, nil)
		c["attributes"].(object)["data_type"] = kind
		if tag != "" {
			c["classifications"] = []any{object{"typeName": tag, "entityGuid": guid, "entityStatus": "ACTIVE", "lastModifiedTS": "1", "attributes": object{}, "source": "DataScan", "sourceDetails": object{"ClassificationRuleId": tag}}}
		}
		return c
	}
	table := asset("t1", "azure_sql_table", "orders", "mssql://shop.database.windows.net/shop/dbo/orders", object{
		"attributes":             object{"name": "orders", "qualifiedName": "mssql://shop.database.windows.net/shop/dbo/orders", "userDescription": "What was bought.", "description": nil},
		"relationshipAttributes": object{"columns": []any{ref("c2", "azure_sql_column", "id"), ref("c1", "azure_sql_column", "email")}, "meanings": []any{ref("g1", "AtlasGlossaryTerm", "Order")}},
		"contacts":               object{"Owner": []any{object{"id": "30435ff9-9b96-44af-a5a9-e05c8b1ae2df", "info": "Ana"}}, "Expert": []any{object{"id": "x", "info": "Ben"}}},
		"labels":                 []any{"gold"},
		"meanings":               []any{object{"termGuid": "g1", "displayText": "Order", "relationGuid": "r1", "status": "VALIDATED"}, object{"termGuid": "g2", "displayText": "Turnover", "relationGuid": "r2"}},
	})
	file := asset("f1", "azure_datalake_gen2_resource_set", "raw", "https://shop.dfs.core.windows.net/lake/raw/orders/{N}.parquet", object{
		"relationshipAttributes": object{"attachedSchema": []any{ref("s1", "tabular_schema", "schema")}},
	})
	copyActivity := asset("p1", "adf_copy_activity", "copy orders", "/subscriptions/1/resourceGroups/g/providers/Microsoft.DataFactory/factories/f/pipelines/p/activities/copy", object{
		"attributes": object{"name": "copy orders", "qualifiedName": "/subscriptions/1/resourceGroups/g/providers/Microsoft.DataFactory/factories/f/pipelines/p/activities/copy", "inputs": []any{ref("f1", "azure_datalake_gen2_resource_set", "raw")}, "outputs": []any{ref("t1", "azure_sql_table", "orders"), ref("gone", "azure_sql_table", "x")}},
	})
	schema := asset("s1", "tabular_schema", "schema", "schema", object{"relationshipAttributes": object{"columns": []any{ref("c3", "column", "day")}}})
	terms := []object{
		{
			"@search.score": 1.0, "objectType": "Glossary terms", "glossaryType": "AtlasGlossaryTerm", "id": "g1", "name": "Order", "glossary": "DefaultGlossary", "longDescription": "What was ordered.",
			"termStatus": "Approved", "termTemplate": []string{}, "createTime": 1625819659805, "updateTime": 1625819659805, "qualifiedName": "Order@DefaultGlossary",
		},
		{"@search.score": 1.0, "objectType": "Glossary terms", "glossaryType": "AtlasGlossary", "id": "g0", "name": "DefaultGlossary", "createTime": 1625819658745, "updateTime": 1640656877302, "qualifiedName": "DefaultGlossary"},
	}
	return &purview{byGUID: map[string]object{}, say: -1, size: 2, assets: []object{table, file, copyActivity}, terms: terms, parts: map[string]object{
		"c1": column("c1", "email", "nvarchar", "MICROSOFT.PERSONAL.EMAIL"), "c2": column("c2", "id", "bigint", ""), "c3": asset("c3", "column", "day", "day", object{"attributes": object{"name": "day", "type": "date"}}), "s1": schema,
	}}
}

func (p *purview) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/"+tenant+"/oauth2/v2.0/token" {
		p.grant(w, r)
		return
	}
	switch {
	case r.Header.Get("Authorization") != fmt.Sprint("Bearer token-", p.token) || p.lasts > 0 && p.left == 0:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.URL.Query().Get("api-version") != "2023-09-01":
		refuse(w, http.StatusBadRequest, "ATLAS-400-00-000", "api-version is missing")
		return
	case p.tired > 0:
		p.tired--
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	p.left--
	switch r.URL.Path {
	case "/datamap/api/atlas/v2/types/typedefs":
		answer(w, object{"enumDefs": []object{}, "structDefs": []object{}, "classificationDefs": []object{}, "relationshipDefs": []object{}, "entityDefs": []object{
			{"name": "Referenceable", "superTypes": []string{}},
			{"name": "Asset", "superTypes": []string{"Referenceable"}},
			{"name": "DataSet", "superTypes": []string{"Asset"}},
			{"name": "Process", "superTypes": []string{"Asset"}},
			{"name": "azure_sql_table", "superTypes": []string{"DataSet"}},
			{"name": "azure_datalake_gen2_resource_set", "superTypes": []string{"DataSet"}},
			{"name": "adf_copy_activity", "superTypes": []string{"Process"}},
		}})
	case "/datamap/api/search/query":
		p.query(w, r)
	case "/datamap/api/atlas/v2/entity/bulk":
		p.bulk(w, r.URL.Query()["guid"])
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *purview) grant(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("client_id") != "souk" || r.PostFormValue("client_secret") != secret || r.PostFormValue("scope") != "https://purview.azure.net/.default" {
		w.WriteHeader(http.StatusUnauthorized)
		answer(w, object{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
		return
	}
	p.token++
	p.left = p.lasts
	answer(w, object{"token_type": "Bearer", "expires_in": 3599, "access_token": fmt.Sprint("token-", p.token)})
}

// refuse answers an error as AtlasErrorResponse has it.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	answer(w, object{"requestId": "9edbba34-0bc4-414a-9664-58c6e0d32786", "errorCode": code, "errorMessage": message})
}

func (p *purview) query(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Keywords          *string
		Limit             int
		ContinuationToken *string
	}
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&q) != nil || q.Limit < 1 || q.Limit > 1000 {
		refuse(w, http.StatusBadRequest, "ATLAS-400-00-001", "the limit is no number from 1 to 1000")
		return
	}
	at := 0
	if q.ContinuationToken != nil {
		if _, err := fmt.Sscanf(*q.ContinuationToken, "at-%d", &at); err != nil {
			refuse(w, http.StatusBadRequest, "ATLAS-400-00-001", "the token is none")
			return
		}
	}
	all := len(p.terms) + len(p.assets)
	end := min(at+min(p.size, q.Limit), all)
	hits := []object{}
	for i := at; i < end; i++ {
		if i < len(p.terms) {
			hits = append(hits, p.terms[i])
			continue
		}
		hits = append(hits, hitOf(p.assets[i-len(p.terms)]))
	}
	count := p.say
	if count < 0 {
		count = all
	}
	body := object{"@search.count": count, "@search.count.approximate": false, "value": hits}
	if end < all {
		body["continuationToken"] = fmt.Sprint("at-", end)
	}
	answer(w, body)
}

// hitOf is what the search tells of an asset, which is more than the plugin reads.
func hitOf(e object) object {
	return object{
		"@search.score": 1.0, "objectType": "Tables", "id": e["guid"], "qualifiedName": "x", "name": "x", "description": nil, "owner": nil, "entityType": e["typeName"],
		"classification": []string{}, "label": []string{}, "assetType": []string{"Azure SQL Database"}, "term": []object{}, "contact": []object{}, "createTime": 1625819659805, "updateTime": 1625819659805,
	}
}

func (p *purview) bulk(w http.ResponseWriter, guids []string) {
	if len(p.byGUID) < len(p.assets) {
		for _, e := range p.assets {
			p.byGUID[e["guid"].(string)] = e
		}
	}
	entities := []object{}
	for _, guid := range guids {
		e, has := p.byGUID[guid]
		if !has {
			p.gone++
			refuse(w, http.StatusNotFound, "ATLAS-404-00-005", "Given instance guid "+guid+" is invalid/not found")
			return
		}
		entities = append(entities, e)
	}
	answer(w, object{"referredEntities": p.parts, "entities": entities})
}

// manyAssets is a Purview with n tables more.
func manyAssets(n int) *purview {
	p := newPurview()
	p.size = 1000
	for _, name := range numbered(n) {
		p.assets = append(p.assets, object{"guid": name, "typeName": "azure_sql_table", "status": "ACTIVE", "attributes": json.RawMessage(fmt.Sprintf(`{"name": %q, "qualifiedName": "mssql://shop.database.windows.net/shop/dbo/%s"}`, name, name))})
	}
	return p
}

// numbered gives n names.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("n", i)
	}
	return names
}

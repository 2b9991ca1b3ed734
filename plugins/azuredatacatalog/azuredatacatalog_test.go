package azuredatacatalog_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/azuredatacatalog"
	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(azuredatacatalog.Plugin())) }

type object = map[string]any

func config(t *testing.T, c object) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPlugin(t *testing.T) {
	servers := object{"OLAP": "mssql://olap.corp.example:1433"}
	export := read(t)
	folder, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	plugintest.Run(t, sdk.Register(azuredatacatalog.Plugin()), plugintest.Fixture{
		Config: config(t, object{"path": folder, "servers": servers}), Golden: "testdata/catalog.golden.jsonl",
		Wide: config(t, object{"path": write(t, map[string]string{"wide.json": wide(5001)})}),
		Scale: plugintest.Sized(nil, func(n int) json.RawMessage {
			return config(t, object{"path": write(t, map[string]string{"many.json": sized(n)})})
		}),
		BadConfigs: []plugintest.BadConfig{
			{Name: "no file", Config: config(t, object{"path": folder + "/none.json"}), Class: sdk.ClassConfig, Field: "path"},
			{Name: "no path", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "path"},
			{Name: "no namespace", Config: config(t, object{"path": folder, "servers": object{"a": "b"}}), Class: sdk.ClassConfig, Field: "servers"},
			{Name: "half a file", Config: config(t, object{"path": write(t, map[string]string{"a.json": export[:len(export)/2]})}), Class: sdk.ClassConfig, Field: "path"},
			{Name: "an empty folder", Config: config(t, object{"path": t.TempDir()}), Class: sdk.ClassConfig, Field: "path"},
		},
	})
}

func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/catalog.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func harvest(t *testing.T, path string, servers map[string]string) (*memory.Sink, error) {
	t.Helper()
	s, err := azuredatacatalog.Plugin().Open(t.Context(), azuredatacatalog.Config{Path: path, Namespace: "azuredatacatalog", Servers: servers}, sdk.Env{Files: sdk.NewFiles("/")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := memory.New()
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

// of runs over one file.
func of(t *testing.T, text string) (*memory.Sink, error) {
	t.Helper()
	return harvest(t, filepath.Join(write(t, map[string]string{"export.json": text}), "export.json"), nil)
}

const orders = "mssql://sql01.corp.example:1433 shop.dbo.orders"

func TestWhatAnExportTells(t *testing.T) {
	m, err := harvest(t, "testdata", nil)
	if err != nil || !slices.Equal(m.Done, []string{"catalog"}) || len(m.Assets) != 5 {
		t.Fatal(err, m.Done, m.Assets)
	}
	got := m.Assets[orders]
	if got == nil || got.Kind != "TABLE" || got.ShortName != "Orders of the shop" || got.Description != "From the extended property.\n\nWhat was bought." ||
		!slices.Equal(got.Tags, []string{"gold", "sales"}) || !slices.Equal(got.Owners, []string{"ben@acme.example"}) || *got.Rows != 1200 || *got.Bytes != 98304 || got.ChangedAt.Year() != 2023 {
		t.Fatalf("got %+v", got)
	}
	fields := []sdk.Field{
		{Name: "id", Position: 1, NativeType: "int"},
		{Name: "email", Position: 2, NativeType: "nvarchar", Nullable: true, Description: "Where the bill goes.\n\nChecked on entry.", Tags: []string{"pii"}},
		{Name: "cents", Position: 3, NativeType: "int", Nullable: true, Meta: map[string]string{"terms": "Cent"}},
	}
	if diff := cmp.Diff(fields, got.Fields); diff != "" {
		t.Error(diff)
	}
	properties := map[string]string{
		"sourceType": "SQL Server", "objectType": "Table", "registeredBy": "ana@acme.example", "experts": "cleo@acme.example", "terms": "Order",
		"documentation": "<p>All orders since 2019.</p>", "accessInstruction": "Ask Ben.",
	}
	if diff := cmp.Diff(properties, got.Properties); diff != "" || got.Parent == nil || got.Parent.Name != "shop" || got.StableID != "t1" {
		t.Errorf("%s %+v", diff, got)
	}
	if got := m.Assets["azuredatacatalog analysis-services:olap.corp.example/shop/Sales/Kpi/Margin"]; got == nil || got.Kind != "METRIC" || got.DefinitionLanguage != "mdx" {
		t.Errorf("got %+v in %v", got, m.Assets)
	}
	if got := m.Assets["wasbs://lake@shopfiles.blob.core.windows.net raw/orders.csv"]; got == nil || got.Fields[0].Description != "The day." {
		t.Errorf("got %+v", got)
	}
	for _, a := range m.Assets {
		if strings.Contains(fmt.Sprintf("%+v", a), "canary") {
			t.Errorf("a row of the data is told: %+v", a)
		}
	}
}

// assets gives the assets of the fixture one by one.
func assets(t *testing.T) []json.RawMessage {
	t.Helper()
	var export struct{ Catalog []json.RawMessage }
	if err := json.Unmarshal([]byte(read(t)), &export); err != nil {
		t.Fatal(err)
	}
	return export.Catalog
}

// page is a page of a search, as the service answers it.
func page(t *testing.T, total int, list []json.RawMessage) string {
	t.Helper()
	results := []object{}
	for _, a := range list {
		results = append(results, object{"updated": "0001-01-01T00:00:00", "content": a, "hitProperties": []any{object{"fieldPath": "properties.name"}}})
	}
	return string(config(t, object{"query": object{"id": "bd06", "searchTerms": "", "startPage": 1, "count": 2}, "id": "bd06", "totalResults": total, "startIndex": 1, "itemsPerPage": 2, "results": results}))
}

// TestFormsOfAnExport: whatever people have kept, the assets are the same.
func TestFormsOfAnExport(t *testing.T) {
	all := assets(t)
	want, err := of(t, read(t))
	if err != nil {
		t.Fatal(err)
	}
	first, second := page(t, 5, all[:2]), page(t, 5, all[2:])
	var single []string
	for _, a := range all {
		single = append(single, string(a))
	}
	for name, text := range map[string]string{
		"pages after another":      first + "\n" + second,
		"a list of pages":          "[" + first + "," + second + "]",
		"a page twice":             first + first + second,
		"a list of assets":         "[" + strings.Join(single, ",") + "]",
		"an asset a line":          strings.Join(single, "\n"),
		"a mark before the export": "\ufeff" + read(t),
	} {
		got, err := of(t, text)
		if diff := cmp.Diff(want.Assets, got.Assets); err != nil || diff != "" || !slices.Equal(got.Done, []string{"catalog"}) || len(got.Notes) > 0 {
			t.Errorf("%s: %v %s %v %v", name, err, diff, got.Done, got.Notes)
		}
	}
	got, err := of(t, first)
	if err != nil || len(got.Done) > 0 || len(got.Notes["azuredatacatalog.pages"]) != 1 {
		t.Errorf("a page is missing: %v, %v, %v", err, got.Done, got.Notes)
	}
}

// TestFilesThatAreNoExport are refused, wherever they break.
//
// Bad input: half an answer.
func TestFilesThatAreNoExport(t *testing.T) {
	text := read(t)
	wideText := utf16.Encode([]rune(text))
	utf := []byte{0xff, 0xfe}
	for _, u := range wideText {
		utf = append(utf, byte(u), byte(u>>8))
	}
	for name, text := range map[string]string{
		"empty": "", "no JSON": "half", "a number": "3", "another object": `{"a": 1}`, "lists in lists": strings.Repeat("[", 10_000), "a list that is none": `{"results": {"a": 1}}`,
		"only terms": `[{"id": "x/terms/1", "name": "Order"}]`, "UTF-16": string(utf), "no count": `{"totalResults": "many", "results": []}`, "html": "<html>", "half a list": `{"catalog": [`,
		"half a word": `{"cata`, "cut after an asset": text[:strings.LastIndexByte(text, '}')-3], "cut in an asset": text[:len(text)/3],
	} {
		m, err := of(t, text)
		if memory.ClassOf(err) != sdk.ClassConfig || len(m.Done) > 0 || len(m.Assets) > 0 {
			t.Errorf("%s: %v, %v", name, err, m.Done)
		}
	}
}

// TestAnAssetOfAnotherShape is noted, and nothing is retired.
func TestAnAssetOfAnotherShape(t *testing.T) {
	m, err := of(t, `[{"id": "views/tables/1", "properties": {"name": "a", "dsl": {"protocol": "tds", "address": {"server": "s", "database": "d", "schema": "x", "object": "a"}}},
		"annotations": {"tags": "none", "descriptions": [{"properties": {"description": "Still read."}}], "experts": null, "schema": {"properties": {"columns": "none"}}}},
		{"id": "views/tables/2", "properties": {"name": "b", "dsl": null}}, {"id": "views/tables/3", "properties": {}}]`)
	got := m.Assets["mssql://s:1433 d.x.a"]
	if err != nil || len(m.Done) > 0 || len(m.Notes["azuredatacatalog.damaged"]) != 1 || got == nil || got.Description != "Still read." || m.Assets["azuredatacatalog asset:b"] == nil || len(m.Assets) != 2 {
		t.Errorf("%v, %v, %v, %+v", err, m.Done, m.Notes, m.Assets)
	}
}

func located(protocol string, address object) string {
	text, _ := json.Marshal(object{"protocol": protocol, "address": address})
	return fmt.Sprintf(`{"id": "views/tables/%x", "properties": {"name": "n", "dataSource": {"sourceType": "x", "objectType": "Table"}, "dsl": %s}}`, string(text), text)
}

// Bad input: names.
func TestNames(t *testing.T) {
	table := func(server string) object {
		return object{"server": server, "database": "d", "schema": "s", "object": "o"}
	}
	for want, text := range map[string]string{
		"mssql://sql.example:1433 d.s.o":                          located("tds", table("SQL.example")),
		"mssql://sql.example:14330 d.s.o":                         located("tds", table("tcp:sql.example,14330")),
		`mssql://sql.example\prod d.s.o`:                          located("tds", table(`SQL.example\PROD`)),
		"mssql://sql.example:1555 d.s.o":                          located("tds", table(`SQL.example\PROD,1555`)),
		"mssql://db.corp.example:1433 d.s.o":                      located("tds", table("ALIAS")),
		`mssql://x:1433 d.s."with.dot ""and"" quote"`:             located("tds", object{"server": "x", "database": "d", "schema": "s", "object": `with.dot "and" quote`}),
		"mssql://x:1433 d.s.🐪/" + strings.Repeat("ñ", 1000):       located("tds", object{"server": "x", "database": "d", "schema": "s", "object": "🐪/" + strings.Repeat("ñ", 1000)}),
		"mssql://x:1433 d.s.Case":                                 located("tds", object{"server": "x", "database": "d", "schema": "s", "object": "Case"}),
		"mssql://x:1433 d.s.case":                                 located("tds", object{"server": "x", "database": "d", "schema": "s", "object": "case"}),
		"postgres://pg:5433 d.s.o":                                located("postgresql", table("pg:5433")),
		"mysql://my:3306 d.o":                                     located("mysql", object{"server": "my", "database": "d", "object": "o"}),
		"oracle://ora:1521 d.s.o":                                 located("oracle", table("ora")),
		"hive://hs:10001 d.o":                                     located("hiveserver2", object{"server": "hs", "port": 10001, "database": "d", "object": "o"}),
		"teradata://td:1025 d.o":                                  located("teradata", object{"server": "td", "database": "d", "object": "o"}),
		"db2://mf:50000 d.s.o":                                    located("db2", table("mf")),
		"wasbs://c@a.blob.core.windows.net x/y":                   located("azure-blobs", object{"domain": "blob.core.windows.net", "account": "A", "container": "c", "name": "/x/y/"}),
		"wasbs://c@a.blob.core.windows.net /":                     located("azure-blobs", object{"account": "a", "container": "c"}),
		"adl://lake.azuredatalakestore.net raw/x.csv":             located("webhdfs", object{"url": "https://Lake.azuredatalakestore.net/webhdfs/v1/raw/x.csv"}),
		"azuredatacatalog webhdfs:http://name:50070/webhdfs/v1/x": located("webhdfs", object{"url": "http://name:50070/webhdfs/v1/x"}),
		"azuredatacatalog http:https://x.example/a?b=c":           located("http", object{"url": "https://x.example/a?b=c"}),
		"azuredatacatalog odata:https://x.example/o/Orders":       located("odata", object{"url": "https://x.example/o", "resource": "Orders"}),
		"azuredatacatalog salesforce-com:login/c/i%2Fj":           located("salesforce-com", object{"loginServer": "login", "class": "c", "itemName": "i/j"}),
		"azuredatacatalog generic-asset:77":                       located("generic-asset", object{"assetId": "77"}),
		"azuredatacatalog tds:a b/d/s/o":                          located("tds", table("a b")),
		"azuredatacatalog azure-tables:core.windows.net/a/t":      located("azure-tables", object{"domain": "core.windows.net", "account": "a", "name": "t"}),
	} {
		path := write(t, map[string]string{"a.json": text})
		m, err := harvest(t, path, map[string]string{"ALIAS": "mssql://db.corp.example:1433"})
		if names := slices.Collect(maps.Keys(m.Assets)); err != nil || !slices.Equal(names, []string{want}) {
			t.Errorf("%v: got %.200q, and want %.200q", err, names, want)
		}
	}
}

// TestTwoAssetsOfOneLocation: the first one counts, with a note.
func TestTwoAssetsOfOneLocation(t *testing.T) {
	one := `{"id": "views/tables/1", "properties": {"name": "a", "dsl": {"protocol": "tds", "address": {"server": "s", "database": "d", "schema": "x", "object": "a"}}}}`
	m, err := of(t, "["+one+","+strings.Replace(one, "tables/1", "tables/2", 1)+"]")
	if err != nil || len(m.Assets) != 1 || len(m.Notes["azuredatacatalog.twice"]) != 1 || len(m.Done) != 1 {
		t.Errorf("%v, %v, %v", err, m.Notes, m.Done)
	}
}

func wide(n int) string {
	var columns strings.Builder
	for i := range n {
		fmt.Fprintf(&columns, `, {"name": "c%d", "type": "int"}`, i)
	}
	return fmt.Sprintf(`{"catalog": [{"id": "views/tables/1", "properties": {"name": "wide", "dsl": {"protocol": "mysql", "address": {"server": "s", "database": "d", "object": "wide"}}}, "annotations": {"schema": {"properties": {"columns": [%s]}}}}]}`, columns.String()[2:])
}

// sized is an export of n tables, with text that is not UTF-8.
func sized(n int) string {
	var text strings.Builder
	text.WriteString(`{"catalog": [`)
	for i := range n {
		fmt.Fprintf(&text, `{"id": "views/tables/%d", "properties": {"name": "t%d", "dsl": {"protocol": "mysql", "address": {"server": "s", "database": "d", "object": "t%d"}}}, "annotations": {"descriptions": [{"properties": {"description": "bad %s"}}]}},`, i, i, i, "\xff")
	}
	return strings.TrimSuffix(text.String(), ",") + "]}"
}

// Bad input: not UTF-8.
func TestTextThatIsNotUTF8(t *testing.T) {
	m, err := of(t, sized(9))
	if err != nil || len(m.Assets) != 9 || len(m.Done) != 1 || m.Assets["mysql://s:3306 d.t7"].Description != "bad \uFFFD" {
		t.Errorf("%v, %d, %v", err, len(m.Assets), m.Done)
	}
}

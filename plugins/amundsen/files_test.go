package amundsen_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/amundsen"
	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

// written are the files that a real databuilder wrote; testdata/record kept them.
func written(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/databuilder-7.5.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ Files map[string]string }
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	return kept.Files
}

// folder writes files into a folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func fromFiles(t *testing.T, files map[string]string) (*memory.Sink, error) {
	t.Helper()
	return run(t, object{"folder": folder(t, files), "sources": sources})
}

func TestFiles(t *testing.T) {
	t.Parallel()
	base := object{"folder": folder(t, written(t)), "namespace": "amundsen://shop", "sources": sources}
	cut := written(t)
	cut["nodes/Table_0.csv"] = cut["nodes/Table_0.csv"][:60]
	plugintest.Run(t, sdk.Register(amundsen.Plugin()), plugintest.Fixture{
		Config: config(t, base, nil), Secrets: map[string]string{"password": password}, Golden: "testdata/databuilder-7.5.golden.jsonl", Kills: 5,
		BadConfigs: []plugintest.BadConfig{
			{Name: "no folder", Config: config(t, base, object{"folder": "/none"}), Class: sdk.ClassConfig, Field: "folder"},
			{Name: "an empty folder", Config: config(t, base, object{"folder": t.TempDir()}), Class: sdk.ClassConfig, Field: "folder"},
			{Name: "a file that is cut", Config: config(t, base, object{"folder": folder(t, cut)}), Class: sdk.ClassConfig, Field: "folder"},
			{Name: "a search service beside it", Config: config(t, base, object{"search": "https://x.example"}), Class: sdk.ClassConfig, Field: "search"},
		},
	})
}

func TestWhatTheFilesTell(t *testing.T) {
	m, err := fromFiles(t, written(t))
	if err != nil {
		t.Fatal(err)
	}
	orders := m.Assets["postgres://db.example:5432 shop.public.orders"]
	if orders == nil || orders.Kind != "TABLE" || orders.Description != "What was *bought*,\nand by \"whom\"." || !slices.Equal(orders.Tags, []string{"certified", "gold", "sales"}) ||
		!slices.Equal(orders.Owners, []string{"ana@acme.example", "ben@acme.example"}) || orders.Usage == nil || *orders.Usage != (sdk.Usage{Reads: 42, Users: 2}) {
		t.Fatalf("got %+v", orders)
	}
	if orders.Properties["description.quality_report"] != "All checks passed." || orders.Properties["source"] != "https://git.acme.example/shop/orders.sql" || orders.ChangedAt.Unix() != 1782000000 {
		t.Errorf("got %+v", orders)
	}
	daily := m.Assets["hive://metastore.example:9083 sales.orders_by_day"]
	if daily.Kind != "VIEW" || daily.Properties["written_by"] != "Airflow" || daily.Parent == nil || m.Assets["hive://metastore.example:9083 sales"].Description != "What the shop sells." {
		t.Errorf("got %+v", daily)
	}
	if got := m.Assets[`hive://metastore.example:9083 "sales.eu"."odd. ünï/🐪"`]; got == nil || got.Fields[0].Name != "a/b" {
		t.Errorf("a cluster, a schema and a name with dots: %v", m.Assets)
	}
	board := m.Assets["amundsen mode_dashboard://gold.sales/weekly"]
	if board == nil || board.Kind != "DASHBOARD" || board.Properties["group"] != "Sales" || !slices.Equal(board.Tags, []string{"kpi"}) || !slices.Equal(board.Owners, []string{"ben@acme.example"}) {
		t.Errorf("got %+v", board)
	}
	want := []string{
		"DERIVES sales.orders_by_day -> acme-prod.marts.revenue", "DERIVES shop.public.orders -> acme-prod.marts.revenue", "DERIVES shop.public.orders -> sales.orders_by_day id>orders",
		"USES sales.orders_by_day -> mode_dashboard://gold.sales/weekly",
	}
	if diff := cmp.Diff(want, m.SortedEdges()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(everything, m.SortedDone()); diff != "" {
		t.Error(diff)
	}
	for _, a := range m.Assets {
		if strings.Contains(fmt.Sprintf("%+v", a), "secret@acme.example") {
			t.Errorf("a value of the data is told: %+v", a)
		}
	}
}

// TestFilesOfTwoRuns tell everything twice.
func TestFilesOfTwoRuns(t *testing.T) {
	files := written(t)
	once, err := fromFiles(t, files)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range written(t) {
		files["second/"+name] = text
	}
	twice, err := fromFiles(t, files)
	if diff := cmp.Diff(once.Assets, twice.Assets); err != nil || diff != "" || len(once.Edges) != len(twice.Edges) {
		t.Errorf("%v %s", err, diff)
	}
}

// TestFilesOfSomeJobs close only what they tell.
func TestFilesOfSomeJobs(t *testing.T) {
	files := map[string]string{}
	for name, text := range written(t) {
		if strings.Contains(name, "/Table") && !strings.Contains(name, "_Table_") || strings.Contains(name, "Column_3") {
			files[name] = text
		}
	}
	m, err := fromFiles(t, files)
	if diff := cmp.Diff([]string{"tables"}, m.SortedDone()); err != nil || diff != "" || len(m.Assets["postgres://db.example:5432 shop.public.orders"].Fields) != 3 {
		t.Errorf("%v %s %v", err, diff, m.Assets)
	}
	delete(files, "nodes/Table_0.csv")
	if m, err := fromFiles(t, files); memory.ClassOf(err) != sdk.ClassConfig || len(m.Done) > 0 {
		t.Errorf("no table: %v, %v", err, m.Done)
	}
}

// extracted are files as databuilder's CSV extractors read them.
var extracted = map[string]string{
	"table.csv":        "database,cluster,schema,name,description,tags,is_view,description_source\nhive,gold,sales,orders,\"What was bought.\",\"Sales,gold\",false,\nhive,gold,sales,daily,,,true,\nhive,gold,sales,orders,All checks passed.,,,quality\nhive,gold,sales,short,Without the rest.\n",
	"col.csv":          "\ufeffname,description,col_type,sort_order,database,cluster,schema,table_name,badges\nid,The number.,bigint,1,hive,gold,sales,orders,PK\nmail,,string,0,hive,gold,sales,orders,\"PII,Secret\"\n",
	"lineage.csv":      "source_table_key,target_table_key\nhive://gold.sales/orders,hive://gold.sales/daily\nnone,hive://gold.sales/daily\n",
	"cols.csv":         "source_column_key,target_column_key\nhive://gold.sales/orders/id,hive://gold.sales/daily/orders\n",
	"owner.csv":        "db_name,schema,cluster,table_name,owners\nhive,sales,gold,orders,\"ben@acme.example, ana@acme.example\"\nhive,sales,gold,none,x\n",
	"badges.csv":       "name,category,database,cluster,schema,table_name\n\"beta,npi\",table_status,hive,gold,sales,orders\n",
	"usage.csv":        "database,cluster,schema,table,column,user_email,read_count\nhive,gold,sales,orders,id,ana@acme.example,7\n",
	"updated.csv":      "cluster,db,schema,table_name,last_updated_time_epoch\ngold,hive,sales,orders,1570230473\n",
	"source.csv":       "db_name,cluster,schema,table_name,source,source_type\nhive,gold,sales,orders,https://git.acme.example/x,github\n",
	"app.csv":          "task_id,dag_id,application_url_template,db_name,schema,table_name,cluster\nload,shop,x,hive,sales,daily,gold\n",
	"schema.csv":       "schema_key,schema,description\nhive://gold.sales,sales,What the shop sells.\n",
	"stats.csv":        "cluster,db,schema,table_name,col_name,stat_name,stat_val,start_epoch,end_epoch\ngold,hive,sales,orders,mail,max,secret@acme.example,1,2\n",
	"watermark.csv":    "create_time,database,schema,table_name,part_name,part_type,cluster\n2019-10-01T12:13:14,hive,sales,orders,mail=secret@acme.example,low_watermark,gold\n",
	"board.csv":        "product,cluster,dashboard_group,dashboard_group_id,dashboard_group_description,dashboard_group_url,dashboard_name,dashboard_id,description,created_timestamp,dashboard_url\nmode,gold,Sales,s1,,,Weekly,w1,The week.,1592333799,https://mode.example/w1\n",
	"board_table.csv":  "product,cluster,dashboard_group_id,dashboard_id,table_ids\nmode,gold,s1,w1,\"hive://gold.sales/orders,hive://gold.sales/daily\"\n",
	"board_owner.csv":  "product,cluster,dashboard_group_id,dashboard_id,email\nmode,gold,s1,w1,ben@acme.example\n",
	"board_usage.csv":  "product,cluster,dashboard_group_id,dashboard_id,view_count,email\nmode,gold,s1,w1,100,ana@acme.example\n",
	"board_change.csv": "product,cluster,dashboard_group_id,dashboard_id,last_modified_timestamp\nmode,gold,s1,w1,1592351454\n",
	"empty.csv":        "",
	"other.csv":        "a,b\n1,2\n",
	"note.txt":         "\"no CSV",
}

func TestFilesOfTheExtractors(t *testing.T) {
	m, err := fromFiles(t, extracted)
	if err != nil {
		t.Fatal(err)
	}
	orders := m.Assets["hive://metastore.example:9083 sales.orders"]
	changed := orders.ChangedAt
	orders.ChangedAt = nil
	want := &sdk.Asset{
		ID: orders.ID, Scope: "tables", Kind: "TABLE", Rank: sdk.Reference, ShortName: "orders", Description: "What was bought.", Owners: []string{"ana@acme.example", "ben@acme.example"},
		Tags: []string{"beta", "gold", "npi", "sales"}, Usage: &sdk.Usage{Reads: 7, Users: 1}, Parent: &sdk.NativeID{Namespace: "hive://metastore.example:9083", Name: "sales"},
		Fields: []sdk.Field{
			{Name: "mail", Position: 1, NativeType: "string", Nullable: true, Tags: []string{"pii", "secret"}},
			{Name: "id", Position: 2, NativeType: "bigint", Nullable: true, Description: "The number.", Tags: []string{"pk"}},
		},
		Properties: map[string]string{"amundsen_key": "hive://gold.sales/orders", "description.quality": "All checks passed.", "source": "https://git.acme.example/x"},
	}
	if diff := cmp.Diff(want, orders); diff != "" || changed.Unix() != 1570230473 {
		t.Error(diff, changed)
	}
	if got := m.Assets["hive://metastore.example:9083 sales.daily"]; got.Kind != "VIEW" || got.Properties["written_by"] != "shop/load" {
		t.Errorf("got %+v", got)
	}
	if got := m.Assets["hive://metastore.example:9083 sales.short"]; got == nil || got.Description != "Without the rest." {
		t.Errorf("got %+v", got)
	}
	board := m.Assets["amundsen mode_dashboard://gold.s1/w1"]
	if board == nil || !slices.Equal(board.Owners, []string{"ben@acme.example"}) || board.ChangedAt.Unix() != 1592351454 {
		t.Errorf("got %+v", board)
	}
	edges := []string{"DERIVES sales.orders -> sales.daily id>orders", "USES sales.daily -> mode_dashboard://gold.s1/w1", "USES sales.orders -> mode_dashboard://gold.s1/w1"}
	if diff := cmp.Diff(edges, m.SortedEdges()); diff != "" || len(m.Notes["amundsen.no_key"]) != 1 {
		t.Error(diff, m.Notes)
	}
}

// TestFilesThatAreCut end the harvest, wherever the cut is.
func TestFilesThatAreCut(t *testing.T) {
	for name, text := range map[string]string{
		"in a field":        "LABEL,KEY,name,is_view:UNQUOTED\n\"Table\",\"hive://gold.a/b\",\"b",
		"between fields":    "LABEL,KEY,name,is_view:UNQUOTED\n\"Table\",\"hive://gold.a/b\"",
		"a bad quote":       "LABEL,KEY,name,is_view:UNQUOTED\nTable,\"hive\"x,b,False\n",
		"of people":         "database,cluster,schema,name,description\nhive,gold,sales\n",
		"another delimiter": "LABEL;KEY;name\nTable;hive://gold.a/b;b\n",
	} {
		m, err := fromFiles(t, map[string]string{"a.csv": text})
		if memory.ClassOf(err) != sdk.ClassConfig || len(m.Done) > 0 {
			t.Errorf("%s: %v, %v", name, err, m.Done)
		}
	}
	m, err := fromFiles(t, map[string]string{"a.csv": "LABEL,KEY,name\nTable,hive://gold.a/b\xff,b\xff\nTable,nothing,odd\n"})
	if err != nil || m.Assets["hive://metastore.example:9083 a.b\uFFFD"] == nil || m.Assets["amundsen nothing"] == nil {
		t.Errorf("not UTF-8, and a key that is none: %v, %v", err, m.Assets)
	}
}

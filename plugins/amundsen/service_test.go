package amundsen_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/amundsen"
	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/sdk"
)

func run(t *testing.T, c object) (*memory.Sink, error) {
	t.Helper()
	s, err := sdk.Register(amundsen.Plugin()).Open(t.Context(), config(t, c, nil), map[string]string{"password": password}, sdk.Env{Files: sdk.NewFiles("/")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := memory.New()
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

// harvest runs against the fake. Settings of nil take one away.
func harvest(t *testing.T, f *fake, more object) (*memory.Sink, error) {
	t.Helper()
	address := f.start(t)
	c := object{"url": address, "search": address, "user": user, "namespace": "amundsen://shop", "sources": sources, "http": object{"transport": "clear", "requestsPerSecond": 10_000}}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return run(t, c)
}

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(code)
		return true
	}
}

func says(text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(w, text)
		return true
	}
}

var everything = []string{"dashboards", "lineage", "tables"}

func TestWhatTheServiceTells(t *testing.T) {
	f := load(t)
	f.tired = 1
	m, err := harvest(t, f, object{"columnLineage": true})
	if err != nil {
		t.Fatal(err)
	}
	orders := m.Assets["postgres://db.example:5432 shop.public.orders"]
	if orders == nil || orders.Kind != "TABLE" || orders.Description != "What was *bought*." || !slices.Equal(orders.Tags, []string{"gold", "sales"}) || !slices.Equal(orders.Owners, []string{"ana@acme.example"}) {
		t.Fatalf("got %+v", orders)
	}
	if orders.Properties["description.quality_report"] != "All checks passed." || orders.Properties["source"] != "https://git.acme.example/shop/orders.sql" || orders.ChangedAt.Unix() != 1782000000 || orders.Parent.Name != "shop.public" {
		t.Errorf("got %+v", orders)
	}
	var fields []string
	for _, f := range orders.Fields {
		fields = append(fields, fmt.Sprint(f.Position, " ", f.Name, " ", f.NativeType, " ", f.Tags, f.Description))
	}
	if diff := cmp.Diff([]string{"1 id bigint []The number of the order.", "2 customer bigint []", "3 cents integer []", "4 email text [pii]Where the bill goes."}, fields); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"DERIVES sales.orders_by_day -> acme-prod.marts.revenue day>day", "DERIVES shop.public.customers -> sales.orders_by_day", "DERIVES shop.public.orders -> sales.orders_by_day id>orders",
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

// TestATableThatTheServiceCannotGive: the real service answers 500 to a name that
// its database has no letters for. The others are told, and it is not gone.
func TestATableThatTheServiceCannotGive(t *testing.T) {
	f := load(t)
	for _, key := range f.recorded.Keys {
		if strings.Contains(key, odd) {
			f.list(key)
		}
	}
	m, err := harvest(t, f, nil)
	notes := m.Notes["amundsen.unread"]
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0].Asset.Name, odd) || !slices.Contains(m.Done, "tables") {
		t.Errorf("%v, %v, %v", err, m.Done, notes)
	}
	if m.Assets["postgres://db.example:5432 shop.public.orders"] == nil {
		t.Error("the others are lost")
	}
}

// TestATableThatTheServiceDoesNotKnow is told as the index has it: Neo4j answers
// 404 for a table without columns.
func TestATableThatTheServiceDoesNotKnow(t *testing.T) {
	f := load(t)
	f.list("hive://gold.sales/none")
	m, err := harvest(t, f, nil)
	got := m.Assets["hive://metastore.example:9083 sales.none"]
	if err != nil || got == nil || got.Description != "From the index." || !slices.Equal(got.Tags, []string{"gold", "indexed"}) || len(m.Done) != 3 {
		t.Errorf("%v, %+v, %v", err, got, m.Done)
	}
}

// TestAServiceThatIsOutOfOrder ends the harvest, and retires nothing.
func TestAServiceThatIsOutOfOrder(t *testing.T) {
	for path, texts := range map[string][]string{
		"/v2/search": {`{"results": {"table": {"results": [{"key": "`, `{"results": {}}`, `{}`, "", "half", `{"results": {"table": {"total_results": 3}}}`},
		"/tags/":     {"", `{"tag_usages": [`},
		"/table/bigquery://acme-prod.marts/revenue": {"", `{"database": "bigquery"`, `[]`},
	} {
		for _, text := range texts {
			f := load(t)
			f.instead[path] = says(text)
			m, err := harvest(t, f, nil)
			if memory.ClassOf(err) != sdk.ClassUnavailable || len(m.Done) > 0 {
				t.Errorf("%s, %q: %v, %v", path, text, err, m.Done)
			}
		}
	}
	f := load(t)
	for _, key := range f.recorded.Keys {
		f.instead["/table/"+key] = status(500)
	}
	if m, err := harvest(t, f, nil); memory.ClassOf(err) != sdk.ClassUnavailable || len(m.Done) > 0 {
		t.Errorf("%v, %v", err, m.Done)
	}
}

// TestASearchThatGivesAPageAgain, as a proxy that keeps answers does.
func TestASearchThatGivesAPageAgain(t *testing.T) {
	f := load(t)
	f.hits = nil
	for i := range 150 {
		f.list(fmt.Sprint("hive://gold.sales/t", i))
	}
	var first []object
	f.instead["/v2/search"] = func(w http.ResponseWriter, _ *http.Request) bool {
		first = f.hits[:100]
		answer(w, 200, object{"results": object{"table": object{"results": first, "total_results": 150}}})
		return true
	}
	m, err := harvest(t, f, nil)
	if memory.ClassOf(err) != sdk.ClassUnavailable || len(m.Done) > 0 {
		t.Errorf("%v, %v", err, m.Done)
	}
}

// TestASearchThatDoesNotCount, as that of Atlas, ends with a page that is empty.
func TestASearchThatDoesNotCount(t *testing.T) {
	f := load(t)
	f.uncounted = true
	for i := range 250 {
		f.list(fmt.Sprint("hive://gold.sales/t", i))
	}
	m, err := harvest(t, f, object{"lineage": false})
	if err != nil || len(m.Assets) != 250+10 || !slices.Contains(m.Done, "tables") {
		t.Errorf("%v, %d, %v", err, len(m.Assets), m.Done)
	}
}

// TestASearchServiceThatIsTooOld has no /v2/search, or not by POST.
func TestASearchServiceThatIsTooOld(t *testing.T) {
	for _, code := range []int{404, 405} {
		f := load(t)
		f.instead["/v2/search"] = status(code)
		_, err := harvest(t, f, nil)
		if e, ours := errors.AsType[*sdk.Error](err); !ours || e.Class != sdk.ClassConfig || e.Field != "search" {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// TestThingsThatAreNull: databuilder may have written none.
func TestThingsThatAreNull(t *testing.T) {
	f := load(t)
	f.instead["/table/hive://gold.sales/no_columns"] = says(`{"database": "hive", "cluster": "gold", "schema": "sales", "name": "no_columns", "description": null, "tags": null, "owners": [{"email": null}],
		"columns": [{"name": "b", "col_type": null, "sort_order": 2}, {"name": "a", "sort_order": 2, "badges": null}, {"name": "a"}, {"name": "", "sort_order": 1}], "last_updated_timestamp": 1e30, "source": null, "table_writer": null}`)
	f.instead["/dashboard/"+f.recorded.Dashboards[0]] = says(`{"uri": null, "name": null, "group_name": null, "owners": null, "tables": [{"name": null}], "updated_timestamp": null}`)
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Done) != 3 {
		t.Fatal(err, m.Done)
	}
	got := m.Assets["hive://metastore.example:9083 sales.no_columns"]
	want := []sdk.Field{{Name: "a", Position: 1, Nullable: true}, {Name: "b", Position: 2, Nullable: true}}
	if diff := cmp.Diff(want, got.Fields); diff != "" || len(got.Owners) > 0 || got.ChangedAt != nil {
		t.Errorf("%s %+v", diff, got)
	}
	if got := m.Assets["amundsen://shop mode_dashboard://gold.sales/weekly"]; got == nil || got.ShortName != "mode_dashboard://gold.sales/weekly" {
		t.Errorf("got %+v", got)
	}
}

// TestPartsThatAreMissing keep their scope open.
func TestPartsThatAreMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*fake)
		want   []string
		note   string
	}{
		"an index that lacks tables which it counts": {func(f *fake) { f.count = 99 }, []string{"dashboards", "lineage"}, "amundsen.fewer"},
		"no index of dashboards":                     {func(f *fake) { f.noBoards = true }, []string{"lineage", "tables"}, "amundsen.no_dashboards"},
		"a backend without lineage": {func(f *fake) {
			for _, key := range f.recorded.Keys {
				f.instead["/table/"+key+"/lineage"] = status(404)
			}
		}, []string{"dashboards", "tables"}, "amundsen.no_lineage"},
		"a dashboard that may not be read": {func(f *fake) { f.instead["/dashboard/"+f.recorded.Dashboards[0]] = status(403) }, everything, "amundsen.unread"},
		"a backend without tags":           {func(f *fake) { f.instead["/tags/"] = status(500) }, everything, ""},
	} {
		f := load(t)
		tt.change(f)
		m, err := harvest(t, f, nil)
		if diff := cmp.Diff(tt.want, m.SortedDone()); err != nil || diff != "" || tt.note != "" && len(m.Notes[tt.note]) == 0 {
			t.Errorf("%s: %v %s %v", name, err, diff, m.Notes)
		}
	}
}

// TestMoreTablesThanASearchShows: Elasticsearch shows 10,000 of one search. They
// are listed by schema, and nothing is retired.
func TestMoreTablesThanASearchShows(t *testing.T) {
	f := load(t)
	f.hits = nil
	for i := range 150 {
		f.list(fmt.Sprint("hive://gold.a/t", i))
		f.list(fmt.Sprint("hive://gold.b*/t", i))
	}
	f.count = 10_000
	m, err := harvest(t, f, object{"lineage": false})
	if err != nil || len(m.Assets) != 303 || !slices.Contains(f.filters, `b\*`) || slices.Contains(m.Done, "tables") || len(m.Notes["amundsen.window"]) != 1 {
		t.Errorf("%v, %d, %v, %v", err, len(m.Assets), m.Done, m.Notes["amundsen.window"])
	}
}

// TestWithoutASearchService finds what people have to do with, what is popular
// and what lineage names, and takes nothing for gone.
func TestWithoutASearchService(t *testing.T) {
	f := load(t)
	m, err := harvest(t, f, object{"search": nil, "columnLineage": true, "tables": []string{"hive://gold.sales/no_columns"}})
	if err != nil || len(m.Done) > 0 || len(m.Notes["amundsen.not_all"]) != 3 {
		t.Fatal(err, m.Done, m.Notes)
	}
	for _, name := range []string{
		"postgres://db.example:5432 shop.public.orders", "postgres://db.example:5432 shop.public.customers", "hive://metastore.example:9083 sales.orders_by_day",
		"hive://metastore.example:9083 sales.no_columns", "bigquery acme-prod.marts.revenue", "amundsen://shop mode_dashboard://gold.sales/weekly",
	} {
		if m.Assets[name] == nil {
			t.Errorf("%s is not found", name)
		}
	}
	if len(m.Edges) != 4 || !slices.Contains(m.Edges, "DERIVES shop.public.orders -> sales.orders_by_day id>orders") {
		t.Errorf("got %v", m.Edges)
	}
	for _, path := range []string{"/user", "/popular_resources/", "/user/ana@acme.example/own/"} {
		f = load(t)
		f.instead[path] = status(500)
		if m, err := harvest(t, f, object{"search": nil}); err != nil || len(m.Notes["amundsen.no_listing"]) != 1 {
			t.Errorf("%s: %v, %v", path, err, m.Notes)
		}
	}
}

// Bad input: names.
func TestNames(t *testing.T) {
	f := load(t)
	f.hits = nil
	f.list("hive://gold.sales/" + strings.Repeat("ñ", 1000))
	f.list("hive://gold.sales/Case")
	f.list("hive://gold.sales/case")
	f.list("hive://gold.sales/a/b")
	f.list(`hive://gold.sales/with.dot "quoted" 'and' ;`)
	f.list("hive://gold.sales/🐪")
	f.list(`hive://gold.sales/back\slash`)
	f.list("hive_table://gold.sales/t")
	f.list("snowflake://prod.public/t")
	f.list("custom://gold.sales/t")
	f.hits = append(f.hits, object{"key": "hive://my.own.cluster.sales.eu/t", "database": "hive", "cluster": "my.own.cluster", "schema": "sales.eu", "table": "t"})
	m, err := harvest(t, f, object{"sources": object{"hive": "hive://m:9083", "hive://my.own.cluster": "hive://other:9083/x", "snowflake": "snowflake://org-acme"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"hive://m:9083 sales." + strings.Repeat("ñ", 1000), "hive://m:9083 sales.Case", "hive://m:9083 sales.case", "hive://m:9083 sales.a/b",
		`hive://m:9083 sales."with.dot ""quoted"" 'and' ;"`, "hive://m:9083 sales.🐪", `hive://m:9083 sales.back\slash`, "amundsen://shop hive_table://gold.sales/t", "snowflake://org-acme prod.public.t", "amundsen://shop custom://gold.sales/t", `hive://other:9083 x."sales.eu".t`,
	} {
		if m.Assets[name] == nil {
			t.Errorf("%s is not there", name)
		}
	}
}

// TestTwoTablesOfOneName by the settings: the first one counts, with a note.
func TestTwoTablesOfOneName(t *testing.T) {
	f := load(t)
	f.hits = nil
	f.list("hive://gold.sales/t")
	f.list("hive://silver.sales/t")
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Notes["amundsen.twice"]) == 0 || m.Assets["hive://metastore.example:9083 sales.t"].Properties["amundsen_key"] != "hive://gold.sales/t" {
		t.Error(err, m.Notes)
	}
}

// Bad input: 5,000 columns.
func TestManyColumns(t *testing.T) {
	f := load(t)
	columns := []object{}
	for i := range 5001 {
		columns = append(columns, object{"name": fmt.Sprint("c", i), "col_type": "int", "sort_order": i})
	}
	f.instead["/table/hive://gold.sales/no_columns"] = func(w http.ResponseWriter, _ *http.Request) bool {
		answer(w, 200, object{"database": "hive", "cluster": "gold", "schema": "sales", "name": "no_columns", "columns": columns})
		return true
	}
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Assets["hive://metastore.example:9083 sales.no_columns"].Fields) != 5000 || len(m.Notes["amundsen.many_columns"]) != 1 {
		t.Error(err, m.Notes)
	}
}

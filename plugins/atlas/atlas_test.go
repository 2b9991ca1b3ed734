package atlas_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/atlas"
	"github.com/souk-mesh/souk/sdk"
)

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
		m.assets[r.ID.Namespace+" "+r.ID.Name] = r
	case *sdk.Edge:
		words := []string{r.Kind, r.From.Name, "->", r.To.Name}
		for _, f := range r.Fields {
			words = append(words, f.From+">"+f.To+":"+f.Transform)
		}
		m.edges = append(m.edges, strings.Join(words, " "))
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

func run(t *testing.T, plugin sdk.Registration, c object, secrets map[string]string) (*memory, error) {
	t.Helper()
	s, err := plugin.Open(t.Context(), config(t, c, nil), secrets, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := &memory{assets: map[string]*sdk.Asset{}, notes: map[string][]string{}}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

func harvest(t *testing.T, f *fake) (*memory, error) {
	t.Helper()
	return run(t, sdk.Register(atlas.Plugin()), object{"url": start(t, f), "user": user, "namespace": "atlas://shop", "clusters": object{"cl1": "hive://m:9083"}}, map[string]string{"password": password})
}

func harvestPurview(t *testing.T, p *purview) (*memory, error) {
	t.Helper()
	address := start(t, p)
	return run(t, sdk.Register(atlas.Purview()), object{"url": address, "login": address, "tenant": tenant, "clientId": "souk", "namespace": "purview://acme"}, map[string]string{"clientSecret": secret})
}

func says(text string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		fmt.Fprint(w, text)
		return true
	}
}

func classOf(err error) sdk.Class {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return ""
	}
	return e.Class
}

func TestWhatAtlasTells(t *testing.T) {
	f := load(t)
	f.tired = 1
	m, err := harvest(t, f)
	if err != nil {
		t.Fatal(err)
	}
	orders := m.assets["postgres://db.example:5432 shop.public.orders"]
	if orders == nil || orders.Kind != "TABLE" || orders.Description != "What was bought." || orders.Properties["terms"] != "order" || !slices.Equal(orders.Owners, []string{"ben"}) {
		t.Fatalf("got %+v", orders)
	}
	var fields []string
	for _, f := range orders.Fields {
		fields = append(fields, fmt.Sprint(f.Name, " ", f.NativeType, " ", f.PrimaryKey, f.Nullable, f.Tags))
	}
	if diff := cmp.Diff([]string{"cents integer 0 true [Finance]", "customer bigint 0 true []", "id bigint 1 false []"}, fields); diff != "" {
		t.Error(diff)
	}
	if got := m.assets["postgres://db.example:5432 shop.public.customers"]; !slices.Equal(got.Tags, []string{"PII"}) || got.Description != "Who buys." {
		t.Errorf("got %+v", got)
	}
	if got := m.assets[`postgres://db.example:5432 shop.public."big.orders"`]; got == nil || got.Kind != "VIEW" {
		t.Errorf("got %+v", got)
	}
	if got := m.assets["hive://m:9083 stocks.daily"]; got == nil || got.Fields[0].Name != "dt" || got.Fields[1].Name != "close" {
		t.Errorf("got %+v", got)
	}
	if got := m.assets["hive://m:9083 stocks.daily_view"]; got.Definition != "select `dt` from `stocks`.`daily`" || got.Parent == nil || got.Parent.Name != "stocks" || got.StableID == "" {
		t.Errorf("got %+v", got)
	}
	for name := range m.assets {
		if strings.Contains(name, "gone") {
			t.Errorf("%s has been deleted", name)
		}
	}
	want := []string{
		"DERIVES big_orders -> shop.public.\"big.orders\"", "DERIVES load_orders -> shop.public.orders", "DERIVES stocks.daily -> stocks.daily_view dt>dt:dt", "DERIVES stocks.daily_view@cl1:1 -> stocks.daily_view",
		"USES orders@cl1 -> load_orders", "USES raw/orders.csv -> load_orders", "USES shop.public.customers -> big_orders", "USES shop.public.orders -> big_orders",
		"USES stocks.daily -> stocks.daily_view@cl1:1",
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(m.edges))); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(m.done, "type:rdbms_table") || slices.Contains(m.done, "type:rdbms_column") {
		t.Errorf("done: %v", m.done)
	}
}

// TestAnAtlasThatDoesNotShowAllRetiresNothing of what it does not show.
func TestAnAtlasThatDoesNotShowAllRetiresNothing(t *testing.T) {
	for path, texts := range map[string][]string{
		"/search/basic":   {`{"queryType": "BASIC", "approximateCount": 3}`, `{"queryType": "BASIC", "entities": [{"guid": "`, `{"error": "?"}`, "", "half"},
		"/types/typedefs": {"{}", `{"entityDefs": [{"name": "DataSet", "superTypes": []}]}`, "half"},
		"/entity/bulk":    {"", `{"entities": [{"guid"`},
	} {
		for _, text := range texts {
			f := load(t)
			f.instead[path] = says(text)
			m, err := harvest(t, f)
			if classOf(err) != sdk.ClassUnavailable || len(m.done) > 0 {
				t.Errorf("%s, %q: %v, %v", path, text, err, m.done)
			}
		}
	}
	f := load(t)
	f.instead["/entity/bulk"] = says(`{"entities": []}`)
	m, err := harvest(t, f)
	if err != nil || slices.Contains(m.done, "type:rdbms_table") || len(m.notes["atlas.unread"]) == 0 {
		t.Errorf("%v, %v", err, m.done)
	}
}

// TestAnEntityThatMayNotBeRead keeps its type open, and one that has gone does not.
func TestAnEntityThatMayNotBeRead(t *testing.T) {
	for status, open := range map[int]bool{403: true, 404: false} {
		f := load(t)
		guid := f.recorded.Search["rdbms_table"].Entities[0]["guid"].(string)
		delete(f.recorded.Entities, guid)
		f.recorded.Answers["unknown guid"] = struct {
			Status int
			Body   any
		}{status, object{"errorMessage": "no"}}
		m, err := harvest(t, f)
		if err != nil || slices.Contains(m.done, "type:rdbms_table") == open || !slices.Contains(m.done, "type:rdbms_db") || (len(m.notes["atlas.unread"]) == 1) != open {
			t.Errorf("%d: %v, %v, %v", status, err, m.done, m.notes)
		}
	}
}

// TestOneEndWithoutAName costs its own part of the lineage, and no other.
func TestOneEndWithoutAName(t *testing.T) {
	f := load(t)
	for _, name := range []string{"hive_column_lineage", "hive_process"} {
		guid := f.recorded.Search[name].Entities[0]["guid"].(string)
		attributes := f.recorded.Entities[guid].Entities[0]["attributes"].(object)
		inputs := attributes["inputs"].([]any)
		kind := map[string]string{"hive_process": "hive_table", "hive_column_lineage": "hive_column"}[name]
		attributes["inputs"] = append([]any{object{"guid": nil, "typeName": kind}, object{"guid": "unknown", "typeName": kind}, object{"guid": "", "typeName": kind}}, inputs...)
	}
	m, err := harvest(t, f)
	for _, want := range []string{"DERIVES stocks.daily -> stocks.daily_view dt>dt:dt", "USES stocks.daily -> stocks.daily_view@cl1:1"} {
		if !slices.Contains(m.edges, want) {
			t.Errorf("%v: %s is lost: %v", err, want, m.edges)
		}
	}
}

func TestTypesInACircle(t *testing.T) {
	f := load(t)
	defs := f.recorded.Typedefs["entityDefs"].([]any)
	f.recorded.Typedefs["entityDefs"] = append(defs, object{"name": "a", "superTypes": []string{"b"}}, object{"name": "b", "superTypes": []string{"a"}})
	if _, err := harvest(t, f); err != nil {
		t.Error(err)
	}
}

// tables makes an Atlas with one type of tables.
func tables(f *fake, names ...string) {
	f.most = 100
	entry := f.recorded.Search["rdbms_table"]
	entry.Entities, entry.Count = nil, len(names)
	for i, name := range names {
		guid := fmt.Sprint("guid-", i)
		entry.Entities = append(entry.Entities, object{"guid": guid, "typeName": "rdbms_table", "status": "ACTIVE"})
		f.recorded.Entities[guid] = struct {
			Entities         []object
			ReferredEntities map[string]object
		}{Entities: []object{{"guid": guid, "typeName": "rdbms_table", "status": "ACTIVE", "attributes": object{"name": name, "qualifiedName": name}}}}
	}
	f.recorded.Search["rdbms_table"] = entry
}

// Bad input: names.
func TestNames(t *testing.T) {
	f := load(t)
	names := []string{`a "quoted" one`, "with.dot", "a/b", "🐪", strings.Repeat("ñ", 1000), "Case", "case", "foo:@bar", "“smart”\u200b", "twice", "twice"}
	tables(f, names...)
	m, err := harvest(t, f)
	if err != nil || len(m.notes["atlas.twice"]) != 1 {
		t.Fatal(err, m.notes)
	}
	for _, name := range names {
		if m.assets["atlas://shop "+name] == nil {
			t.Errorf("%q is not there", name)
		}
	}
}

// Bad input: 5,000 columns.
func TestManyColumns(t *testing.T) {
	f := load(t)
	tables(f, "wide")
	wide := f.recorded.Entities["guid-0"]
	wide.ReferredEntities = map[string]object{}
	var columns []any
	for i := range 5001 {
		guid := fmt.Sprint("c", i)
		columns = append(columns, object{"guid": guid, "typeName": "rdbms_column"})
		wide.ReferredEntities[guid] = object{"guid": guid, "typeName": "rdbms_column", "status": "ACTIVE", "attributes": object{"name": guid}}
	}
	wide.Entities[0]["relationshipAttributes"] = object{"columns": columns}
	f.recorded.Entities["guid-0"] = wide
	m, err := harvest(t, f)
	if err != nil || len(m.assets["atlas://shop wide"].Fields) != 5000 || len(m.notes["atlas.many_fields"]) != 1 {
		t.Errorf("%v, %v", err, m.notes)
	}
}

func TestPurviewsTokenExpires(t *testing.T) {
	p := newPurview()
	p.lasts, p.tired = 2, 1
	m, err := harvestPurview(t, p)
	if err != nil || len(m.assets) != 3 || len(m.done) != 1 || p.token < 2 {
		t.Errorf("%v, %v, %d tokens", err, m.done, p.token)
	}
	if p.gone > 0 {
		t.Error("a term of the glossary is asked for as an asset")
	}
	if got := m.assets["mssql://shop.database.windows.net:1433 shop.dbo.orders"]; got == nil || got.Properties["terms"] != "Order, Turnover" {
		t.Errorf("got %+v", got)
	}
}

func TestAPurviewThatShowsLessThanItCounts(t *testing.T) {
	p := newPurview()
	p.say = 7
	m, err := harvestPurview(t, p)
	if classOf(err) != sdk.ClassUnavailable || len(m.done) > 0 {
		t.Errorf("%v, %v", err, m.done)
	}
}

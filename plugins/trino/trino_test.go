package trino_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/plugins/trino"
	"github.com/souk-mesh/souk/sdk"
)

func opened(t *testing.T, f *fake, secrets map[string]string, more object) sdk.Source {
	t.Helper()
	all := object{"excludeCatalogs": []string{}}
	maps.Copy(all, more)
	s, err := sdk.Register(trino.Plugin()).Open(t.Context(), config(t, start(t, f), all), secrets, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var secrets = map[string]string{"password": password}

func harvest(t *testing.T, f *fake, more object) (*memory.Sink, error) {
	t.Helper()
	m := memory.New()
	err := opened(t, f, secrets, more).Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

// named finds an asset by its name in Trino, or in the system of the catalog shop.
func named(m *memory.Sink, name string) *sdk.Asset {
	return cmp.Or(m.Assets["trino://acme:8443 "+name], m.Assets["postgres://db.example:5432 "+name])
}

// stopping is a sink that ends the run when it sees an asset.
type stopping struct {
	*memory.Sink
	at   string
	stop func()
}

func (s stopping) Emit(r sdk.Record) error {
	if a, is := r.(*sdk.Asset); is && a.ID.Name == s.at {
		s.stop()
	}
	return s.Sink.Emit(r)
}

var notTPCH = object{"excludeCatalogs": []string{"tpch"}}

// TestTheCluster holds what the golden file does not: catalogs that cannot be
// listed and views that cannot be planned.
func TestTheCluster(t *testing.T) {
	f := load(t)
	m, err := harvest(t, f, notTPCH)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"catalog:lake", "catalog:memory", "catalog:shop"}; !slices.Equal(m.Done, want) {
		t.Error(m.Done)
	}
	if n := m.Notes["trino.catalog"]; len(n) != 1 || n[0].Scope != "catalog:broken" || !strings.Contains(n[0].Sample, "JDBC_ERROR") {
		t.Error(n)
	}
	if n := m.Notes["trino.lineage_unknown"]; len(n) != 2 || n[0].Asset.Name != "memory.default.closed" || n[1].Asset.Name != "memory.default.stale" || named(m, "memory.default.stale").Definition == "" {
		t.Error(n)
	}
	if n := m.Notes["trino.undescribed"]; len(n) != 2 || n[0].Asset.Namespace != "postgres://db.example:5432" || named(m, "shop.public.bare") != nil {
		t.Error(n)
	}
	if a := named(m, "lake.sales.daily"); a.Kind != "MATERIALIZED_VIEW" || a.Parent.Name != "lake.sales" || a.Fields[0].Name != "day" || a.Definition == "" {
		t.Errorf("%+v", a)
	}
	for _, h := range f.headers {
		if h.Get("X-Trino-Source") != "souk" || h.Get("X-Trino-Catalog") != "" && h.Get("X-Trino-Schema") != "sales" {
			t.Error(h)
		}
	}
}

// TestScopes holds the scopes of what is configured.
func TestScopes(t *testing.T) {
	for name, tt := range map[string]struct {
		more object
		done []string
		note string
	}{
		"one":            {object{"includeCatalogs": []string{"memory"}}, []string{"catalog:memory"}, ""},
		"one not there":  {object{"includeCatalogs": []string{"memory", "none"}}, []string{"catalog:memory"}, "trino.no_catalog"},
		"lineage unread": {object{"includeCatalogs": []string{"memory"}, "lineage": "leave"}, []string{"catalog:memory"}, ""},
	} {
		m, err := harvest(t, load(t), tt.more)
		if err != nil || !slices.Equal(m.Done, tt.done) || tt.note != "" && len(m.Notes[tt.note]) != 1 {
			t.Errorf("%s: %v, %v, %v", name, err, m.Done, m.Notes)
		}
	}
	f := load(t)
	maps.DeleteFunc(f.Statements, func(string, statement) bool { return true })
	f.Statements[catalogs], f.Statements[kept] = statement{}, statement{}
	if m, err := harvest(t, f, nil); err != nil || !slices.Equal(m.Done, []string{"server"}) {
		t.Error(err, m.Done)
	}
}

const kept = "SELECT storage_catalog, storage_schema, storage_table, catalog_name, schema_name, name FROM system.metadata.materialized_views"

// TestMaterializedViews holds a view over one: it is made of that, and not of the
// table in which Trino keeps the rows.
func TestMaterializedViews(t *testing.T) {
	f := load(t)
	m, err := harvest(t, f, object{"includeCatalogs": []string{"lake"}})
	if err != nil || !slices.Contains(m.Edges, "DERIVES lake.sales.daily -> lake.sales.recent day>day n>n") {
		t.Error(err, m.Edges)
	}
	f.Statements[kept] = f.Statements["SELECT"]
	m, err = harvest(t, f, object{"includeCatalogs": []string{"lake"}})
	if err != nil || len(m.Notes["trino.storage_unknown"]) != 1 || len(m.Done) != 1 {
		t.Error(err, m.Notes)
	}
	m, err = harvest(t, f, object{"includeCatalogs": []string{"lake"}, "lineage": "leave"})
	if err != nil || len(m.Notes) > 0 || len(m.Edges) > 0 {
		t.Error(err, m.Notes, m.Edges)
	}
}

const catalogs = "SELECT catalog_name, connector_name FROM system.metadata.catalogs"

// TestTwins holds a catalog that Trino cannot list, although some of its answers
// are whole: nothing of it is shown, and nothing of it is retired.
func TestTwins(t *testing.T) {
	f := load(t)
	maps.Copy(f.Statements, f.Twins)
	m, err := harvest(t, f, notTPCH)
	if n := m.Notes["trino.catalog"]; err != nil || len(n) != 2 || !strings.Contains(n[1].Sample, "Duplicate key") || slices.Contains(m.Done, "catalog:shop") || named(m, "shop.public.orders") != nil {
		t.Error(err, n, m.Done)
	}
}

// TestWhatStandsInTheWay holds faults that pass, at the beginning of a statement
// and in its middle.
func TestWhatStandsInTheWay(t *testing.T) {
	calm, err := harvest(t, load(t), notTPCH)
	if err != nil {
		t.Fatal(err)
	}
	f := load(t)
	f.instead = func(n int, _ *http.Request) string {
		return map[int]string{1: "429 at once", 5: "503", 9: "429 at once", 14: "502"}[n]
	}
	m, err := harvest(t, f, notTPCH)
	if err != nil || !gocmp.Equal(calm.Assets, m.Assets) || !slices.Equal(calm.Edges, m.Edges) || !slices.Equal(calm.Done, m.Done) {
		t.Error(err, m.Done)
	}
}

// TestBreaks holds faults that end the run: no catalog is done after one.
func TestBreaks(t *testing.T) {
	from := func(at int, how string) func(int, *http.Request) string {
		return func(n int, r *http.Request) string {
			if n >= at && (how[0] != '4' || how == "401" || r.Method == http.MethodGet) {
				return how
			}
			return ""
		}
	}
	for name, tt := range map[string]struct {
		do    func(*fake)
		class sdk.Class
		says  string
	}{
		"the token expires":       {func(f *fake) { f.instead = from(40, "401") }, sdk.ClassAuth, "credentials"},
		"half an answer":          {func(f *fake) { f.instead = from(40, "half") }, sdk.ClassUnavailable, "broken or half"},
		"the coordinator is new":  {func(f *fake) { f.instead = from(42, "404") }, sdk.ClassUnavailable, "lost a statement"},
		"a statement is expelled": {func(f *fake) { f.instead = from(42, "410") }, sdk.ClassUnavailable, "lost a statement"},
		"no room":                 {queueFull, sdk.ClassThrottled, "QUERY_QUEUE_FULL"},
		"a page comes again":      {func(f *fake) { f.size, f.stuck = 1, true }, sdk.ClassUnavailable, "does not end"},
	} {
		f := load(t)
		tt.do(f)
		m, err := harvest(t, f, object{"includeCatalogs": []string{"lake", "memory"}})
		if memory.ClassOf(err) != tt.class || !strings.Contains(err.Error(), tt.says) || slices.Contains(m.Done, "catalog:memory") {
			t.Errorf("%s: %v, %v", name, err, m.Done)
		}
	}
}

func queueFull(f *fake) {
	f.Statements[`SELECT schema_name FROM "lake".information_schema.schemata`] = statement{Error: object{
		"message": "Too many queued queries for \"global\"", "errorCode": 131073, "errorName": "QUERY_QUEUE_FULL", "errorType": "INSUFFICIENT_RESOURCES",
	}}
}

// TestAnotherHost holds that an answer cannot lead the credentials elsewhere.
func TestAnotherHost(t *testing.T) {
	thief := load(t)
	f := load(t)
	f.nameItAs = start(t, thief)
	if m, err := harvest(t, f, object{"includeCatalogs": []string{"memory"}}); err != nil || len(m.Done) != 1 || thief.asked > 0 {
		t.Error(err, m.Done, thief.asked)
	}
	f = load(t)
	f.nameItAs = "https://elsewhere.example/other?x="
	if _, err := harvest(t, f, object{"includeCatalogs": []string{"memory"}}); err != nil {
		t.Error(err)
	}
}

// TestAbandon holds that a statement nobody listens to any more is ended.
func TestAbandon(t *testing.T) {
	f := load(t)
	f.size = 1
	ctx, cancel := context.WithCancel(t.Context())
	err := opened(t, f, secrets, object{"includeCatalogs": []string{"lake"}}).Harvest(ctx, sdk.Request{}, stopping{memory.New(), "lake.sales.big", cancel})
	if !errors.Is(err, context.Canceled) || f.dropped != 1 {
		t.Error(err, f.dropped)
	}
}

// TestSigningIn holds a token, and a cluster that asks for nothing.
func TestSigningIn(t *testing.T) {
	for secret, openly := range map[string]bool{token: false, "": true} {
		f := load(t)
		f.openly = openly
		s := opened(t, f, map[string]string{"token": secret}, object{"includeCatalogs": []string{"memory"}})
		r := &sdk.Report{}
		if err := s.Check(t.Context(), r); err != nil || !slices.Equal(r.Capabilities, []sdk.Capability{{Name: "list_catalogs", OK: true}, {Name: "list_tables", OK: true}}) {
			t.Error(err, r.Capabilities)
		}
		if sent := f.headers[0].Get("Authorization"); openly == (sent != "") {
			t.Error(sent)
		}
	}
}

// TestCheckTellsOfCatalogs holds that a check tells what a harvest would note.
func TestCheckTellsOfCatalogs(t *testing.T) {
	f := load(t)
	r := &sdk.Report{}
	if err := opened(t, f, secrets, object{"includeCatalogs": []string{"broken", "none"}}).Check(t.Context(), r); err != nil || len(r.Capabilities) != 3 || r.Capabilities[1].OK || r.Capabilities[2].OK || r.Capabilities[2].Fix == "" {
		t.Error(err, r.Capabilities)
	}
}

// TestAnOldVersion holds one that does not say what is behind a catalog.
func TestAnOldVersion(t *testing.T) {
	f := load(t)
	f.Statements["SELECT catalog_name FROM system.metadata.catalogs"] = statement{Data: [][]any{{"memory"}}}
	f.Statements[catalogs] = f.Statements["SELECT nothing FROM system.metadata.catalogs"]
	m, err := harvest(t, f, nil)
	if err != nil || named(m, "memory.default.limits") == nil || len(named(m, "memory").Properties) > 0 {
		t.Error(err, m.Assets)
	}
}

// TestAnswersThatFail holds that what Trino says nothing of is not gone: a view
// without its SQL, and tables whose columns fail in the middle.
func TestAnswersThatFail(t *testing.T) {
	views := `SELECT table_schema, table_name, view_definition FROM "lake".information_schema.views WHERE table_schema <> 'information_schema'`
	f := load(t)
	f.Statements[views] = statement{}
	m, err := harvest(t, f, object{"includeCatalogs": []string{"lake"}})
	if err != nil || named(m, "lake.sales.big") != nil || len(m.Notes["trino.undescribed"]) != 3 || !slices.Equal(m.Done, []string{"catalog:lake"}) {
		t.Error(err, m.Notes, m.Done)
	}
	f = load(t)
	f.Statements[views] = f.Statements[`SELECT schema_name FROM "broken".information_schema.schemata`]
	m, err = harvest(t, f, object{"includeCatalogs": []string{"lake"}})
	if err != nil || len(m.Assets) != 1 || len(m.Notes["trino.catalog"]) != 1 || len(m.Done) > 0 {
		t.Error(err, m.Assets, m.Done)
	}
}

// TestATableLeftOut holds a damaged table, which Trino leaves out of its list.
func TestATableLeftOut(t *testing.T) {
	f := load(t)
	comments := "SELECT schema_name, table_name, comment FROM system.metadata.table_comments WHERE catalog_name = 'memory' AND schema_name <> 'information_schema'"
	told := f.Statements[comments]
	told.Data = append(slices.Clone(told.Data), []any{"default", "damaged", nil})
	f.Statements[comments] = told
	m, err := harvest(t, f, object{"includeCatalogs": []string{"memory"}})
	if n := m.Notes["trino.undescribed"]; err != nil || len(n) != 1 || n[0].Asset.Name != "memory.default.damaged" || len(m.Done) != 1 {
		t.Error(err, n, m.Done)
	}
}

func columnsOf(catalog string) string {
	return "SELECT table_schem, table_name, column_name, type_name, is_nullable, column_def, remarks FROM system.jdbc.columns WHERE table_cat = '" + catalog +
		"' AND table_schem <> 'information_schema' ORDER BY table_schem, table_name, ordinal_position"
}

func tablesOf(catalog string) string {
	return `SELECT table_schema, table_name, table_type FROM "` + catalog + `".information_schema.tables WHERE table_schema <> 'information_schema'`
}

// TestNames holds names of every kind, each of which has to come back as it is.
//
// Bad input: names.
func TestNames(t *testing.T) {
	names := []string{"a.b", `qu"ote`, "it's", "/slash", "emoji 🐪", strings.Repeat("x", 1000), "Case", "case", " ", "tab\t", "\u0000", "$partitions"}
	f := load(t)
	tables, columns := statement{}, statement{}
	for _, name := range names {
		tables.Data = append(tables.Data, []any{"default", name, "BASE TABLE"})
		columns.Data = append(columns.Data, []any{"default", name, name, "integer", "YES", nil, nil})
	}
	f.Statements[tablesOf("memory")], f.Statements[columnsOf("memory")] = tables, columns
	m, err := harvest(t, f, object{"includeCatalogs": []string{"memory"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if a := named(m, sdk.JoinName("memory", "default", name)); a == nil || a.ShortName != name || a.Fields[0].Name != name {
			t.Errorf("%q: %+v", name, a)
		}
	}
}

// TestPlaces holds where tables of catalogs are taken to be.
func TestPlaces(t *testing.T) {
	long := "trino://" + strings.Repeat("x", 300) + ":1"
	for place, want := range map[string]string{
		"postgres://DB.example/shop":          "postgres://db.example:5432 shop.s.t",
		"postgresql://db:5433/shop/":          "postgres://db:5433 shop.s.t",
		"mysql://db":                          "mysql://db:3306 s.t",
		"mariadb://db:3307":                   "mysql://db:3307 s.t",
		"hive://metastore:9083":               "hive://metastore:9083 s.t",
		"arn:aws:glue:eu-west-1:123456789012": "arn:aws:glue:eu-west-1:123456789012 table/s/t",
		long + "/x":                           long + " x.s.t",
	} {
		m, err := harvest(t, single(t), object{"catalogs": object{"c": place}})
		if a := m.Assets[want]; err != nil || a == nil || a.Rank != sdk.Reference ||
			!slices.Equal(a.Aliases, []sdk.Alias{{Scheme: "openlineage", Namespace: "trino://acme:8443", Name: "c.s.t"}}) {
			t.Errorf("%s: %v, %+v", place, err, a)
		}
	}
	for _, place := range []string{"postgres://db", "mysql://db/shop/more", "postgres://souk:canary@db/shop", "s3://bucket", "shop", "mysql://db?password=canary", "http://db/%zz"} {
		err := sdk.Register(trino.Plugin()).Judge(config(t, "https://trino.example", object{"catalogs": object{"c": place}}), nil)
		if e, ours := errors.AsType[*sdk.Error](err); !ours || e.Field != "catalogs" || strings.Contains(e.Error()+e.Fix, "canary") {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// TestTwoCatalogsOverOneSystem holds a table that both show: it is one.
func TestTwoCatalogsOverOneSystem(t *testing.T) {
	f := single(t)
	f.Statements["plan"] = statement{Data: [][]any{{`{"inputTableColumnInfos": [{"table": {"catalog": "x", "schemaTable": {"schema": "s", "table": "u"}}}]}`}}}
	for sql, told := range maps.Clone(f.Statements) {
		f.Statements[strings.NewReplacer(`"c"`, `"d"`, "'c'", "'d'").Replace(sql)] = told
	}
	f.Statements[catalogs] = statement{Data: [][]any{{"c", "hive"}, {"d", "iceberg"}}}
	for _, c := range []string{"c", "d"} {
		view := `SELECT table_schema, table_name, view_definition FROM "` + c + `".information_schema.views WHERE table_schema <> 'information_schema'`
		f.Statements[view] = statement{Data: [][]any{{"s", "t", "SELECT 1"}}}
		f.Statements[`EXPLAIN (TYPE IO, FORMAT JSON) SELECT * FROM "`+c+`"."s"."t"`] = f.Statements["plan"]
	}
	place := "hive://metastore.example:9083"
	m, err := harvest(t, f, object{"catalogs": object{"c": place, "d": place}})
	if a := m.Assets[place+" s.t"]; err != nil || a == nil || a.Scope != "catalog:c" || len(m.Edges) != 1 || len(m.Notes["trino.same_table"]) != 1 || !slices.Equal(m.Done, []string{"server", "catalog:c", "catalog:d"}) {
		t.Error(err, a, m.Notes, m.Done)
	}
	m, err = harvest(t, f, nil)
	if err != nil || len(m.Assets) != 4 || len(m.Notes) > 0 {
		t.Error(err, m.Assets, m.Notes)
	}
}

// single is a cluster of one catalog c with one table s.t.
func single(t *testing.T) *fake {
	t.Helper()
	f := load(t)
	told := map[string]statement{kept: {}, catalogs: {Data: [][]any{{"c", "x"}}}, tablesOf("c"): {Data: [][]any{{"s", "t", "BASE TABLE"}}}, columnsOf("c"): {Data: [][]any{{"s", "t", "id", "integer", "NO", "7", "the id"}}}}
	for sql := range f.Statements {
		if !strings.HasPrefix(sql, "EXPLAIN") && strings.Contains(sql, "memory") {
			sql = strings.NewReplacer(`"memory"`, `"c"`, "'memory'", "'c'").Replace(sql)
			if _, has := told[sql]; !has {
				told[sql] = statement{}
			}
		}
	}
	f.Statements = told
	return f
}

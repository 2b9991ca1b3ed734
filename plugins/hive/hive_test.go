package hive_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/hive"
	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(hive.Plugin())) }

func config(t *testing.T, address string, more tree) json.RawMessage {
	t.Helper()
	c := tree{"url": address, "namespace": "hive://acme:9083", "transport": "clear"}
	maps.Copy(c, more)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPlugin(t *testing.T) {
	f := recorded(t)
	f.sasl = true
	address := f.start(t)
	signed := tree{"user": "souk"}
	secrets := map[string]string{"password": password}
	change := func(do func()) func(context.Context) error {
		return func(context.Context) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			do()
			return nil
		}
	}
	sales := f.find("@hive#sales")
	wide := withTables(t, 1, 5001)
	wide.sasl = true
	plugintest.Run(t, sdk.Register(hive.Plugin()), plugintest.Fixture{
		Config: config(t, address, signed), Secrets: secrets, Golden: "testdata/hive-4.0.golden.jsonl",
		Wide: config(t, wide.start(t), signed),
		Scale: &plugintest.Scale{Config: func(_ context.Context, n int) (json.RawMessage, map[string]string, error) {
			return config(t, withTables(t, n, 3).start(t), nil), nil, nil
		}},
		Mutations: []plugintest.Mutation{{
			Name: "a table comes", Added: []string{"asset hive://acme:9083 sales.more"},
			Do: change(func() { sales.add("more", 2) }), Undo: change(func() { delete(sales.Tables, "more") }),
		}, {
			Name: "a table cannot be read", Removed: []string{"asset hive://acme:9083 sales.events"},
			Do:   change(func() { f.ill["get_table_objects_by_name_req events"] = metaException("broken") }),
			Undo: change(func() { delete(f.ill, "get_table_objects_by_name_req events") }),
		}},
		BadConfigs: []plugintest.BadConfig{
			{Name: "wrong password", Config: config(t, address, signed), Secrets: map[string]string{"password": "canary-wrong"}, Class: sdk.ClassAuth},
			{Name: "a password without a user", Config: config(t, address, nil), Secrets: secrets, Class: sdk.ClassConfig, Field: "user"},
			{Name: "no server", Config: config(t, "thrift://127.0.0.1:1", nil), Class: sdk.ClassUnavailable},
			{Name: "unknown host", Config: config(t, "thrift://none.invalid", nil), Class: sdk.ClassUnavailable},
			{Name: "not encrypted", Config: config(t, address, tree{"transport": "verified"}), Class: sdk.ClassConfig, Field: "transport"},
			{Name: "another system", Config: config(t, "http://metastore:9083", nil), Class: sdk.ClassConfig, Field: "url"},
			{Name: "a password in the URL", Config: config(t, "thrift://souk:canary-in-url@metastore", nil), Class: sdk.ClassConfig, Field: "url"},
			{Name: "no time", Config: config(t, address, tree{"timeout": "0s"}), Class: sdk.ClassConfig, Field: "timeout"},
			{Name: "too large a page", Config: config(t, address, tree{"pageSize": 5000}), Class: sdk.ClassConfig, Field: "pageSize"},
			{Name: "no pattern", Config: config(t, address, tree{"catalogs": []string{"["}}), Class: sdk.ClassConfig, Field: "catalogs"},
			{Name: "no pattern of a database", Config: config(t, address, tree{"databases": []string{"["}}), Class: sdk.ClassConfig, Field: "databases"},
			{Name: "no database fits", Config: config(t, address, tree{"user": "souk", "databases": []string{"none_*"}}), Secrets: secrets, Class: sdk.ClassConfig, Field: "databases"},
		},
	})
}

func harvest(t *testing.T, f *fake, more tree) (*memory.Sink, error) {
	t.Helper()
	s, err := sdk.Register(hive.Plugin()).Open(t.Context(), config(t, f.start(t), more), nil, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := memory.New()
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

func of(m *memory.Sink, name string) *sdk.Asset {
	if a := m.Assets["hive://acme:9083 "+name]; a != nil {
		return a
	}
	return &sdk.Asset{}
}

// TestTables are as the real Metastore had them, over each form of Thrift and as
// older ones tell them.
func TestTables(t *testing.T) {
	for name, as := range map[string]struct {
		set  func(*fake)
		more tree
	}{
		"Hive 4": {func(*fake) {}, nil}, "Hive 3": {func(f *fake) { f.old = true }, nil},
		"frames": {func(f *fake) { f.framed = true }, tree{"framed": true}}, "compact": {func(f *fake) { f.compact = true }, tree{"compact": true}},
		"pages": {func(*fake) {}, tree{"pageSize": 2}},
	} {
		f := recorded(t)
		as.set(f)
		m, err := harvest(t, f, as.more)
		if err != nil || !slices.Equal(m.Done, []string{"metastore"}) || len(m.Notes) > 0 {
			t.Fatal(name, err, m.Done, m.Notes)
		}
		orders := of(m, "sales.orders")
		if orders.Properties["partitions"] != "3" || orders.Properties["quality"] != "gold" || len(orders.Fields) != 5 || orders.Fields[0].PrimaryKey != 1 || orders.Fields[1].Nullable || len(orders.ForeignKeys) != 1 || orders.ForeignKeys[0].ToName != "sales.customers" || orders.StableID == "" {
			t.Errorf("%s: got %+v", name, orders)
		}
		if a := orders.Aliases; len(a) != 1 || a[0].Namespace+" "+a[0].Name != "s3://lake sales/orders" {
			t.Errorf("%s: got %+v", name, a)
		}
		if c := of(m, "sales.customers"); len(c.Constraints) != 1 || c.Fields[1].Default != "'none'" {
			t.Errorf("%s: got %+v", name, c)
		}
		if c := of(m, "sales.clicks"); c.Properties["format"] != "delta" || c.Fields[0].Name != "url" {
			t.Errorf("%s: got %+v", name, c)
		}
		if e := of(m, "sales.events"); e.Properties["format"] != "iceberg" || e.Aliases[0].Namespace != "gs://raw" {
			t.Errorf("%s: got %+v", name, e)
		}
		if o := of(m, "@spark#sales.orders"); o.Parent == nil || o.Parent.Name != "@spark#sales" {
			t.Errorf("%s: got %+v", name, o)
		}
		for _, want := range []string{"DERIVES sales.orders -> sales.big_orders", "DERIVES sales.customers -> sales.big_orders", "DERIVES sales.orders -> sales.orders_by_day", "DERIVES sales/orders -> sales.orders_again"} {
			if !slices.Contains(m.Edges, want) {
				t.Errorf("%s: no %s in %q", name, want, m.Edges)
			}
		}
	}
}

// TestHive2 knows no catalogs and few constraints.
func TestHive2(t *testing.T) {
	f := recorded(t)
	f.ancient = true
	m, err := harvest(t, f, tree{"user": "souk"})
	if err != nil || !slices.Equal(m.Done, []string{"metastore"}) || of(m, "sales.orders").Properties["partitions"] != "3" || f.told != "souk" {
		t.Error(err, m.Done, f.told, of(m, "sales.orders"))
	}
}

// TestAnswersThatBreakOff are asked for again, and end the run where they go on to.
//
// Bad input: half an answer.
func TestAnswersThatBreakOff(t *testing.T) {
	for _, method := range []string{"get_databases", "get_database", "get_all_tables", "get_table_objects_by_name_req", "get_all_table_constraints", "get_num_partitions_by_filter"} {
		f := recorded(t)
		f.broken, f.times = method, 2
		if m, err := harvest(t, f, nil); err != nil || !slices.Equal(m.Done, []string{"metastore"}) {
			t.Errorf("%s: %v, %v", method, err, m.Done)
		}
		f = recorded(t)
		f.broken, f.times = method, -1
		if m, err := harvest(t, f, nil); memory.ClassOf(err) != sdk.ClassUnavailable || len(m.Done) > 0 {
			t.Errorf("%s: %v, %v", method, err, m.Done)
		}
	}
	f := recorded(t)
	f.stray = "get_all_tables"
	if m, err := harvest(t, f, nil); memory.ClassOf(err) != sdk.ClassUnavailable || len(m.Done) > 0 {
		t.Error(err, m.Done)
	}
	f = recorded(t)
	f.huge = "get_all_tables" // is not believed, and takes no memory
	if m, err := harvest(t, f, tree{"timeout": "2s"}); memory.ClassOf(err) != sdk.ClassUnavailable || len(m.Done) > 0 {
		t.Error(err, m.Done)
	}
}

// TestWhatCannotBeRead keeps its scope open, or itself alone.
func TestWhatCannotBeRead(t *testing.T) {
	whole := []string{"metastore"}
	for name, tt := range map[string]struct {
		ill    string
		answer tree
		done   []string
		note   string
		lacks  string
	}{
		"a database":                {"get_database @hive#sales", tree{"2:struct": tree{"1:string": "Permission denied: user=souk"}}, nil, "hive.unread", "sales.orders"},
		"the tables of a database":  {"get_all_tables @hive#sales", metaException("broken"), nil, "hive.unread", "sales.orders"},
		"a table":                   {"get_table_objects_by_name_req orders", metaException("java.lang.NullPointerException"), whole, "hive.undescribed", "sales.orders"},
		"its constraints":           {"get_all_table_constraints orders", metaException("broken"), whole, "hive.undescribed", "sales.orders"},
		"its partitions":            {"get_num_partitions_by_filter orders", metaException("broken"), whole, "hive.undescribed", "sales.orders"},
		"a table that is gone":      {"get_all_table_constraints orders", tree{"2:struct": tree{"1:string": "gone"}}, whole, "", "sales.orders"},
		"a table that went earlier": {"get_num_partitions_by_filter orders", tree{"2:struct": tree{"1:string": "gone"}}, whole, "", "sales.orders"},
	} {
		f := recorded(t)
		f.ill[tt.ill] = tt.answer
		m, err := harvest(t, f, nil)
		if err != nil || !slices.Equal(m.Done, tt.done) || tt.note != "" && len(m.Notes[tt.note]) < 1 || tt.note == "" && len(m.Notes) > 0 || of(m, tt.lacks).Kind != "" || of(m, "@spark#sales").Kind == "" {
			t.Errorf("%s: %v, %v, %v", name, err, m.Done, m.Notes)
		}
	}
}

// TestAMetastoreOutOfOrder is not asked for each of its tables.
func TestAMetastoreOutOfOrder(t *testing.T) {
	for _, method := range []string{"get_table_objects_by_name_req", "get_all_table_constraints"} {
		f := withTables(t, 400, 1)
		for name := range f.kept.Databases[0].Tables {
			f.ill[method+" "+name] = metaException("Unable to acquire a connection")
		}
		m, err := harvest(t, f, nil)
		if err != nil || len(m.Done) > 0 || len(m.Notes["hive.unread"]) != 1 || len(m.Notes["hive.undescribed"]) != 4 || f.asked[method] > 40 {
			t.Error(method, err, m.Done, len(m.Notes["hive.undescribed"]), f.asked)
		}
	}
}

// TestADatabaseVanishes between the listing and its turn: nothing is retired. In
// the next run it is not listed, and its scope is done without it.
func TestADatabaseVanishes(t *testing.T) {
	f := recorded(t)
	f.vanished["sales"] = true
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Done) > 0 || len(m.Notes["hive.gone"]) != 2 {
		t.Fatal(err, m.Done, m.Notes)
	}
	f.kept.Databases = slices.DeleteFunc(f.kept.Databases, func(d *databased) bool { return d.Name == "sales" })
	if m, err := harvest(t, f, nil); err != nil || !slices.Equal(m.Done, []string{"metastore"}) || of(m, "sales").Kind != "" {
		t.Error(err, m.Done)
	}
	chosen, err := harvest(t, recorded(t), tree{"catalogs": []string{"hive"}, "databases": []string{"sales"}})
	if err != nil || !slices.Equal(chosen.Done, []string{"database:sales"}) || of(chosen, "@spark#sales").Kind != "" {
		t.Error(err, chosen.Done)
	}
}

// TestOddNames are asked for as they came, and shown as they can be.
//
// Bad input: names, not UTF-8.
func TestOddNames(t *testing.T) {
	long := strings.Repeat("x", 1000)
	f := withTables(t, 0, 0)
	d := f.kept.Databases[0]
	for _, name := range []string{`a "b" 'c'`, "a.b/c", "🐪", long, "a\xffb"} {
		d.add(name, 1)
	}
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Assets) != 6 || of(m, "sales."+long).Kind == "" || of(m, `sales."a.b/c"`).Kind == "" || of(m, "sales.a\uFFFDb").Kind == "" || len(m.Notes) > 0 {
		for name := range m.Assets {
			t.Errorf("%.60q", name)
		}
		t.Error(err, m.Notes)
	}
}

// TestPages are as large as they are set, and smaller where one would be too large.
func TestPages(t *testing.T) {
	f := withTables(t, 2500, 1)
	m, err := harvest(t, f, tree{"constraints": "skip"})
	if err != nil || len(m.Assets) != 2501 || f.largest != 100 || f.asked["get_table_objects_by_name_req"] != 25 || f.asked["get_all_table_constraints"] != 0 {
		t.Error(err, len(m.Assets), f.largest, f.asked)
	}
	f = withTables(t, 4, 1)
	f.kept.Databases[0].Tables["t000002"].Table["10:string"] = strings.Repeat("x", 65<<20)
	m, err = harvest(t, f, nil)
	if err != nil || !slices.Equal(m.Done, []string{"metastore"}) || len(m.Assets) != 4 || len(m.Notes["hive.undescribed"]) != 1 {
		t.Error(err, m.Done, len(m.Assets), m.Notes)
	}
}

// TestViewsOfTrino hold their SQL, columns and comment in base64, and name tables
// by the catalogs that Trino has for the Metastore.
func TestViewsOfTrino(t *testing.T) {
	edges := []string{"DERIVES web.visits -> web.long_visits", "DERIVES sales.customers -> web.long_visits", "DERIVES web.daily -> web.by_day"}
	for _, tt := range []struct {
		trino []string
		want  []bool
	}{{[]string{}, []bool{true, true, true}}, {[]string{"lake", "ice"}, []bool{true, true, true}}, {[]string{"Lake"}, []bool{true, true, false}}} {
		m, err := harvest(t, recorded(t), tree{"trinoCatalogs": tt.trino})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range tt.want {
			if slices.Contains(m.Edges, edges[i]) != want {
				t.Errorf("%v: %s in %q", tt.trino, edges[i], m.Edges)
			}
		}
		view, kept := of(m, "web.long_visits"), of(m, "web.by_day")
		if view.Kind != "VIEW" || !strings.Contains(strings.ToLower(view.Definition), "cross join") || view.Description != "Those who stay." || len(view.Fields) != 2 || view.Fields[1].Name != "email" {
			t.Errorf("got %+v", view)
		}
		if kept.Kind != "MATERIALIZED_VIEW" || kept.Description != "" || len(kept.Fields) != 2 || kept.Fields[0].NativeType != "date" {
			t.Errorf("got %+v", kept)
		}
		if of(m, "web.daily").Properties["format"] != "iceberg" || of(m, "web.visits").Properties["partitions"] != "2" {
			t.Error(of(m, "web.daily"), of(m, "web.visits"))
		}
	}
}

// TestEncrypted believes the authority that it is told, and no other.
func TestEncrypted(t *testing.T) {
	donor := httptest.NewTLSServer(nil) // for its certificate
	defer donor.Close()
	f := recorded(t)
	f.secure = &tls.Config{Certificates: donor.TLS.Certificates, MinVersion: tls.VersionTLS12}
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: donor.Certificate().Raw}))
	if m, err := harvest(t, f, tree{"transport": "verified", "authorities": authority}); err != nil || !slices.Equal(m.Done, []string{"metastore"}) {
		t.Error(err, m.Done)
	}
	if _, err := harvest(t, f, tree{"transport": "verified"}); memory.ClassOf(err) != sdk.ClassConfig {
		t.Error(err)
	}
	if _, err := harvest(t, f, tree{"timeout": "2s"}); memory.ClassOf(err) != sdk.ClassUnavailable {
		t.Error(err)
	}
}

// TestTablesThatLackParts are shown all the same: without columns, storage, type.
func TestTablesThatLackParts(t *testing.T) {
	f := withTables(t, 3, 1)
	tables := f.kept.Databases[0].Tables
	tables["t000000"].Table = tree{"1:string": "t000000"}
	tables["t000001"].Table = tree{"1:string": "t000001", "7:struct": tree{}, "8:list": tree{"of": "struct", "items": []any{tree{"1:string": "day"}}}, "99:string": "new"}
	tables["t000002"].Table["7:struct"] = tree{"1:list": tree{"of": "struct", "items": []any{tree{"2:string": "int"}, tree{"1:string": "a"}}}}
	m, err := harvest(t, f, nil)
	if err != nil || len(m.Assets) != 4 || len(m.Notes) > 0 || len(of(m, "sales.t000001").Fields) != 1 || len(of(m, "sales.t000002").Fields) != 1 {
		t.Error(err, m.Notes, of(m, "sales.t000001"), of(m, "sales.t000002"))
	}
}

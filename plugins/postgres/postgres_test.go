package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/souk-mesh/souk/plugins/postgres"
	"github.com/souk-mesh/souk/sdk"
)

// memory is a sink that keeps everything.
type memory struct {
	assets  map[string]*sdk.Asset // without what holds others
	holders map[string]*sdk.Asset
	order   []sdk.Record
	edges   []string
	done    []string
	notes   []sdk.Note
}

func newMemory() *memory {
	return &memory{assets: map[string]*sdk.Asset{}, holders: map[string]*sdk.Asset{}}
}

func (m *memory) Emit(r sdk.Record) error {
	m.order = append(m.order, r)
	switch r := r.(type) {
	case *sdk.Asset:
		if r.Kind == "DATABASE" || r.Kind == "SCHEMA" {
			m.holders[r.ID.Name] = r
			return nil
		}
		m.assets[r.ID.Name] = r
	case *sdk.Edge:
		m.edges = append(m.edges, r.From.Name+" -> "+r.To.Name)
	}
	return nil
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error               { m.notes = append(m.notes, n); return nil }

// shop is a database of this test alone, with a role that may use its schemas.
type shop struct {
	t        *testing.T
	admin    *pgx.Conn // connected to the new database
	database string
	role     string
	config   postgres.Config
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := newDatabase(t, "")
	sql, err := os.ReadFile("testdata/shop.sql")
	if err != nil {
		t.Fatal(err)
	}
	run(t, s.admin, string(sql), `grant usage on schema crm, sales, stock, "Odd Names" to `+s.role)
	return s
}

// newDatabase makes an empty one, with the options of create database.
func newDatabase(t *testing.T, options string) *shop {
	t.Helper()
	address := serverAddress(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("SOUK_TEST_POSTGRES_URL is no URL")
	}
	name := fmt.Sprintf("souk_test_%x", rand.Uint64())
	s := &shop{t: t, database: name, role: name + "_reader"}
	root := dial(t, address)
	run(t, root, "create database "+name+options, "create role "+s.role+" login password 'canary-secret'", "revoke connect on database "+name+" from public",
		"grant connect on database "+name+" to "+s.role)
	u.Path = "/" + name
	s.admin = dial(t, u.String())
	t.Cleanup(func() {
		_ = s.admin.Close(context.Background())
		ctx := context.Background()
		for _, q := range []string{"drop database " + name + " with (force)", "drop role " + s.role} {
			if _, err := root.Exec(ctx, q); err != nil {
				t.Error(err)
			}
		}
		_ = root.Close(ctx)
	})
	u.User = url.User(s.role)
	s.config = postgres.Config{URL: u.String(), Password: "canary-secret", Transport: "clear", Namespace: "postgres://shop:5432"}
	return s
}

// after runs statements at the end of the test, when its context is over.
func (s *shop) after(statements ...string) {
	s.t.Cleanup(func() {
		for _, q := range statements {
			if _, err := s.admin.Exec(context.Background(), q); err != nil {
				s.t.Errorf("%s: %v", q, err)
			}
		}
	})
}

func dial(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%.60s: %v", q, err)
		}
	}
}

func open(t *testing.T, c postgres.Config) sdk.Source {
	t.Helper()
	s, err := postgres.Plugin().Open(t.Context(), c, sdk.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) harvest() *memory {
	s.t.Helper()
	m := newMemory()
	if err := open(s.t, s.config).Harvest(s.t.Context(), sdk.Request{}, m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *shop) count(query string) int {
	s.t.Helper()
	var n int
	if err := s.admin.QueryRow(s.t.Context(), query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestHarvestAgreesWithInformationSchema(t *testing.T) {
	s := newShop(t)
	s.config.Partitions = "list"
	m := s.harvest()
	const ours = `('crm', 'sales', 'stock', 'Odd Names')`
	tables := s.count(`select count(*) from information_schema.tables where table_schema in ` + ours)
	matviews := s.count(`select count(*) from pg_matviews where schemaname in ` + ours)
	if got, want := len(m.assets), tables+matviews; got != want {
		t.Errorf("assets: got %d, want %d", got, want)
	}
	columns, keyed, foreign := 0, 0, 0
	for _, a := range m.assets {
		foreign += len(a.ForeignKeys)
		for _, f := range a.Fields {
			if a.Kind != "MATERIALIZED_VIEW" {
				columns++
			}
			if f.PrimaryKey > 0 {
				keyed++
			}
		}
	}
	if want := s.count(`select count(*) from information_schema.columns where table_schema in ` + ours); columns != want {
		t.Errorf("columns: got %d, want %d", columns, want)
	}
	if want := s.count(`select sum(cardinality(conkey)) from pg_constraint k
		join pg_namespace n on n.oid = k.connamespace where contype = 'p' and nspname in ` + ours); keyed != want {
		t.Errorf("primary key columns: got %d, want %d", keyed, want)
	}
	if want := s.count(`select count(*) from pg_constraint k where contype = 'f'
		and not exists (select from pg_constraint up where up.oid = k.conparentid and up.conrelid = k.conrelid)`); foreign != want {
		t.Errorf("foreign keys: got %d, want %d", foreign, want)
	}
	if diff := cmp.Diff([]string{"database:" + s.database}, m.done); diff != "" {
		t.Error(diff)
	}
}

func TestGoldenOrders(t *testing.T) {
	s := newShop(t)
	m := s.harvest()
	name := func(n string) string { return s.database + "." + n }
	rows, size := int64(0), int64(24576) // the first page of each partition's index
	got := m.assets[name("sales.orders")]
	if got == nil {
		t.Fatal("sales.orders is not there")
	}
	want := &sdk.Asset{
		ID: sdk.NativeID{Namespace: "postgres://shop:5432", Name: name("sales.orders")}, Scope: "database:" + s.database,
		Kind: "TABLE", Rank: sdk.Holder, ShortName: "orders", Description: "Orders by the day they were placed.",
		OwnerRoles: []string{s.owner()}, Rows: &rows,
		Properties: map[string]string{"schema": "sales", "partitions": "3", "partition_key": "RANGE (placed_on)"},
		Aliases: []sdk.Alias{
			{Scheme: "openlineage", Namespace: "postgres://shop:5432", Name: name("sales.orders_2024")},
			{Scheme: "openlineage", Namespace: "postgres://shop:5432", Name: name("sales.orders_2025")},
			{Scheme: "openlineage", Namespace: "postgres://shop:5432", Name: name("sales.orders_rest")},
		},
		Fields: []sdk.Field{
			{Name: "id", Position: 1, NativeType: "bigint", PrimaryKey: 1},
			{Name: "placed_on", Position: 2, NativeType: "date", PrimaryKey: 2},
			{Name: "customer_id", Position: 3, NativeType: "bigint"},
			{Name: "state", Position: 4, NativeType: "sales.order_state", Default: "'open'::sales.order_state", Values: []string{"open", "paid", "shipped", "returned"}},
			{Name: "ship_to", Position: 5, NativeType: "smallint", Nullable: true},
		},
		ForeignKeys: []sdk.ForeignKey{
			{Name: "orders_address", Fields: []string{"customer_id", "ship_to"}, ToName: name("crm.address"), ToFields: []string{"customer_id", "position"}},
			{Name: "orders_customer_id_fkey", Fields: []string{"customer_id"}, ToName: name("crm.customer"), ToFields: []string{"id"}},
		},
		Parent: &sdk.NativeID{Namespace: "postgres://shop:5432", Name: name("sales")}, Bytes: &size, StableID: s.stableID("sales.orders"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a := m.assets[name("sales.event")]; a.Properties["partitions"] != "3" || a.Rows == nil || *a.Rows != 3 {
		t.Errorf("sub-partitions are not folded: %+v", a)
	}
	if _, listed := m.assets[name("sales.orders_2024")]; listed {
		t.Error("a folded partition is listed")
	}
}

func (s *shop) stableID(relation string) string {
	s.t.Helper()
	return fmt.Sprintf("pg_class:%d.%d", s.count("select oid::int from pg_database where datname = current_database()"), s.count("select '"+relation+"'::regclass::oid::int"))
}

func (s *shop) owner() string {
	s.t.Helper()
	var owner string
	if err := s.admin.QueryRow(s.t.Context(), "select current_user::text").Scan(&owner); err != nil {
		s.t.Fatal(err)
	}
	return owner
}

func TestCommentOfASchemaStandsWithItsTables(t *testing.T) {
	s := newShop(t)
	m := s.harvest()
	if got := m.assets[s.database+".crm.customer"].Properties["schema_description"]; got != "Who buys from us." {
		t.Errorf("got %q", got)
	}
}

func TestOddColumns(t *testing.T) {
	s := newShop(t)
	m := s.harvest()
	odd := m.assets[s.database+".Odd Names.Mixed Case"]
	want := []sdk.Field{
		{Name: "Id", Position: 1, NativeType: "integer", PrimaryKey: 1},
		{Name: "with.dot", Position: 2, NativeType: "text", Nullable: true},
		{Name: `with"quote`, Position: 3, NativeType: "text", Nullable: true},
		{Name: "größe", Position: 4, NativeType: "integer", Nullable: true, Default: "42"},
	}
	if diff := cmp.Diff(want, odd.Fields); diff != "" {
		t.Error(diff)
	}
	product := m.assets[s.database+".stock.product"]
	if f := product.Fields[1]; f.Nullable || f.NativeType != "stock.required_text" {
		t.Errorf("a domain that refuses null: %+v", f)
	}
	if f := product.Fields[4]; !strings.HasPrefix(f.Default, "generated always as (") {
		t.Errorf("a generated column: %+v", f)
	}
	if f := m.assets[s.database+".crm.customer"].Fields[0]; f.Default != "generated always as identity" {
		t.Errorf("an identity column: %+v", f)
	}
}

func TestViewLineage(t *testing.T) {
	s := newShop(t)
	m := s.harvest()
	var got []string
	for _, e := range m.edges {
		got = append(got, strings.ReplaceAll(e, s.database+".", ""))
	}
	want := []string{
		"Odd Names.Mixed Case -> Odd Names.View",
		`Odd Names."a.b" -> Odd Names.View`,
		"sales.open_orders -> sales.open_count",
		"crm.customer -> sales.open_orders",
		"sales.orders -> sales.open_orders",
		"sales.orders -> sales.orders_last_year",
		"sales.order_line -> sales.revenue",
		"stock.product -> sales.revenue",
		"stock.level -> stock.scarce",
		"stock.product -> stock.scarce",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if again := s.harvest(); cmp.Diff(m.order, again.order) != "" {
		t.Error("two harvests differ")
	}
}

// TestADotInAQuotedNameMakesNoTwoTablesOne also wants what was known by the
// name of before to stay known by it, where it was one table's alone.
func TestADotInAQuotedNameMakesNoTwoTablesOne(t *testing.T) {
	s := newShop(t)
	run(t, s.admin, `create schema app; create schema "app.x"; create table "app.x".t (one int primary key); create table app."x.t" (two text, one int references "app.x".t)`,
		`create view app.v as select one from "app.x".t`, `grant usage on schema app, "app.x" to `+s.role)
	m := s.harvest()
	first, second := m.assets[s.database+`."app.x".t`], m.assets[s.database+`.app."x.t"`]
	if first == nil || second == nil || first.Fields[0].Name != "one" || second.Fields[0].Name != "two" {
		t.Fatalf("got %+v and %+v", first, second)
	}
	if first.Aliases != nil || second.Aliases != nil {
		t.Error("two tables go by one name")
	}
	if got := second.ForeignKeys[0].ToName; got != first.ID.Name {
		t.Errorf("the key refers to %s", got)
	}
	if !slices.Contains(m.edges, first.ID.Name+" -> "+s.database+".app.v") {
		t.Error("the view is not made of the first")
	}
	want := []sdk.Alias{{Scheme: "openlineage", Namespace: "postgres://shop:5432", Name: s.database + ".Odd Names.a.b"}}
	if diff := cmp.Diff(want, m.assets[s.database+`.Odd Names."a.b"`].Aliases); diff != "" {
		t.Error(diff)
	}
}

func TestDroppedTableIsAbsentFromADoneScope(t *testing.T) {
	s := newShop(t)
	before := len(s.harvest().assets)
	run(t, s.admin, "drop table sales.order_line cascade")
	m := s.harvest()
	if got, want := len(m.assets), before-2; got != want { // with it goes the materialised view
		t.Errorf("assets: got %d, want %d", got, want)
	}
	if len(m.done) != 1 {
		t.Error("the scope is not done")
	}
}

func TestLostUsageLeavesTheScopeUndone(t *testing.T) {
	s := newShop(t)
	run(t, s.admin, "revoke usage on schema sales from "+s.role)
	m := s.harvest()
	if len(m.done) != 0 {
		t.Error("the scope is done although a right was lost")
	}
	fix := fmt.Sprintf("GRANT USAGE ON SCHEMA %q TO %q;", "sales", s.role)
	if len(m.notes) != 1 || m.notes[0].Level != sdk.ErrorLevel || m.notes[0].Sample != fix || m.notes[0].Scope != "database:"+s.database {
		t.Errorf("notes: %+v", m.notes)
	}
	var report sdk.Report
	if err := open(t, s.config).Check(t.Context(), &report); err != nil {
		t.Fatal(err)
	}
	want := []sdk.Capability{
		{Name: "connect", OK: true},
		{Name: "read_catalog", OK: true},
		{Name: "list_schemas", Reason: `the role has no USAGE on the schema "sales"`, Fix: fix},
	}
	if diff := cmp.Diff(want, report.Capabilities); diff != "" {
		t.Error(diff)
	}
	run(t, s.admin, fix)
	if len(s.harvest().done) != 1 {
		t.Error("the fix does not mend it")
	}
}

func TestSchemasAreChosen(t *testing.T) {
	s := newShop(t)
	s.config.Include, s.config.Exclude = []string{"crm", "stock"}, []string{"stock"}
	for name := range s.harvest().assets {
		if !strings.HasPrefix(name, s.database+".crm.") {
			t.Errorf("%s was not asked for", name)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := newShop(t)
	replaced := func(old, with string) func(*postgres.Config) {
		return func(c *postgres.Config) { c.URL = strings.Replace(c.URL, old, with, 1) }
	}
	for name, tt := range map[string]struct {
		change func(*postgres.Config)
		before string
		class  sdk.Class
		fix    string
	}{
		"wrong password": {func(c *postgres.Config) { c.Password = "canary-wrong" }, "", sdk.ClassAuth, "set the secret password"},
		"no database":    {replaced(s.database+"?", "absent?"), "", sdk.ClassConfig, "existing database"},
		"stopped server": {func(c *postgres.Config) {
			u, _ := url.Parse(c.URL)
			u.Host = "127.0.0.1:1"
			c.URL = u.String()
		}, "", sdk.ClassUnavailable, "whether the server runs"},
		"no connect": {func(*postgres.Config) {}, "revoke connect on database " + s.database + " from " + s.role, sdk.ClassDenied, "GRANT CONNECT ON DATABASE"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.before != "" {
				run(t, s.admin, tt.before)
				defer run(t, s.admin, "grant connect on database "+s.database+" to "+s.role)
			}
			c := s.config
			tt.change(&c)
			err := open(t, c).Harvest(t.Context(), sdk.Request{}, newMemory())
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Class != tt.class || !strings.Contains(e.Fix, tt.fix) {
				t.Errorf("got %#v", err)
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Error("the error holds the password")
			}
		})
	}
}

func TestBadConfigs(t *testing.T) {
	for name, tt := range map[string]struct {
		config postgres.Config
		field  string
	}{
		"no url":       {postgres.Config{}, "url"},
		"other scheme": {postgres.Config{URL: "mysql://a@b/c"}, "url"},
		"password":     {postgres.Config{URL: "postgres://a:canary@b/c"}, "url"},
		"in the query": {postgres.Config{URL: "postgres://a@b/c?password=canary"}, "url"},
		"no host":      {postgres.Config{URL: "postgres:///c"}, "url"},
		"no database":  {postgres.Config{URL: "postgres://a@b"}, "url"},
		"no role":      {postgres.Config{URL: "postgres://b/c"}, "url"},
		"partitions":   {postgres.Config{URL: "postgres://a@b/c", Partitions: "some"}, "partitions"},
		"usage":        {postgres.Config{URL: "postgres://a@b/c", Usage: "some"}, "usage"},
		"timeout":      {postgres.Config{URL: "postgres://a@b/c", ConnectTimeout: "soon"}, "connectTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Plugin().Open(t.Context(), tt.config, sdk.Env{})
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Field != tt.field || e.Fix == "" || strings.Contains(e.Error(), "canary") {
				t.Errorf("got %#v", err)
			}
		})
	}
}

// TestSchemasLeftOutAreNotGone: what the configuration leaves out has a scope
// of its own, and a name in another case is no schema without tables.
func TestSchemasLeftOutAreNotGone(t *testing.T) {
	s := newShop(t)
	scope := func(schema string) string { return "schema:" + s.database + "." + schema }
	s.config.Include = []string{"sales", "crm"}
	m := s.harvest()
	slices.Sort(m.done)
	if diff := cmp.Diff([]string{scope("crm"), scope("sales")}, m.done); diff != "" {
		t.Error(diff)
	}
	for _, a := range m.assets {
		if parts := sdk.SplitName(a.ID.Name); a.Scope != scope(parts[1]) {
			t.Errorf("%s is in the scope %s", a.ID.Name, a.Scope)
		}
	}
	s.config.Include = []string{"SALES", "crm"}
	m = s.harvest()
	if diff := cmp.Diff([]string{scope("crm")}, m.done); diff != "" {
		t.Error(diff)
	}
	if len(m.notes) != 1 || m.notes[0].Level != sdk.ErrorLevel || m.notes[0].Scope != scope("SALES") || m.notes[0].Code != "postgres.no_schema" {
		t.Errorf("notes: %+v", m.notes)
	}
	s.config.Include, s.config.Exclude = nil, []string{"sales"}
	if m = s.harvest(); slices.Contains(m.done, scope("sales")) || slices.Contains(m.done, "database:"+s.database) {
		t.Errorf("done: %v", m.done)
	}
}

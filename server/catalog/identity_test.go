package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
)

// TestOneTableTwoSources is the case that everything else exists for.
//
// Bad input: two sources that claim one table.
func TestOneTableTwoSources(t *testing.T) {
	pg := func(w *world) { w.shows(source("warehouse", sales), table(server, "shop.public.orders")) }
	dbt := func(w *world) {
		w.shows(source("analytics", sales), dbtSource("postgresql://DB.acme.example", "shop.public.orders"))
	}
	for name, order := range map[string][]func(*world){"database first": {pg, dbt}, "dbt first": {dbt, pg}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, harvest := range order {
				harvest(w)
			}
			assets := w.assets()
			if len(assets) != 1 {
				t.Fatalf("got %d assets, want 1: %+v", len(assets), assets)
			}
			a := assets[0]
			if len(a.Sightings) != 2 || a.Sightings[0].Rank != model.RankHolder || a.Status != model.AssetActive {
				t.Errorf("got status %s and sightings %+v, want two, the database's first", a.Status, a.Sightings)
			}
			if a.Description != "as dbt tells it" || len(a.Fields) != 1 {
				t.Errorf("got description %q and fields %v, want what each source knows", a.Description, a.Fields)
			}
			want := map[string]string{
				"openlineage " + server + " shop.public.orders": "shop.public.orders",
				"dbt shop source.shop.raw.orders":               "shop.public.orders",
			}
			if diff := cmp.Diff(want, w.names()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNamespaces holds the spellings of one namespace together and different ones apart.
func TestNamespaces(t *testing.T) {
	for _, tc := range []struct{ name, given, want string }{
		{"scheme and host in capitals", "POSTGRES://DB.Acme.Example:5432", "postgres://db.acme.example:5432"},
		{"the other word for PostgreSQL", "postgresql://h:5432", "postgres://h:5432"},
		{"default port", "postgres://h", "postgres://h:5432"},
		{"port unknown", "postgres://h:None", "postgres://h:5432"},
		{"MySQL", "mysql://h", "mysql://h:3306"},
		{"SQL Server", "sqlserver://H", "mssql://h:1433"},
		{"Oracle", "oracle://h", "oracle://h:1521"},
		{"Redshift", "redshift://c.eu-west-1", "redshift://c.eu-west-1:5439"},
		{"Trino", "trino://h", "trino://h:8080"},
		{"user and password", "postgres://ana:geheim@h:5432", "postgres://h:5432"},
		{"user", "postgres://ana@h", "postgres://h:5432"},
		{"query", "postgres://h:5432?sslmode=require", "postgres://h:5432"},
		{"trailing slash", "postgres://h:5432/", "postgres://h:5432"},
		{"bootstrap list", "kafka://b2:9093,B1", "kafka://b1:9092,b2:9093"},
		{"bootstrap list with the same twice", "kafka://b1,b1:9092", "kafka://b1:9092"},
		{"IPv6", "postgres://[::1]", "postgres://[::1]:5432"},
		{"no port to fill in", "snowflake://Org-Account", "snowflake://org-account"},
		{"a path has case", "duckdb:///Data/Shop.duckdb", "duckdb:///Data/Shop.duckdb"},
		{"a file has case", "sqlite://Shop", "sqlite://Shop"},
		{"a bucket", "s3a://Lake/", "s3://Lake"},
		{"container and account", "abfss://c@acct.dfs.core.windows.net", "abfss://c@acct.dfs.core.windows.net"},
		{"no scheme", "bigquery", "bigquery"},
		{"glue", "arn:aws:glue:eu-west-1:123", "arn:aws:glue:eu-west-1:123"},
		{"files", "file://", "file"},
		{"memory", "inmemory://", "inmemory://"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.give(tc.want, "", sales)
			w.shows(source("s", sales), table(tc.given, "a.b.c"))
			if got := w.assets()[0].Namespace; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			a, err := w.catalog.AssetByName(w.as("ana"), tc.given, "a.b.c")
			if err != nil || a.Name != "a.b.c" {
				t.Errorf("by the name as given: got %q, %v", a.Name, err)
			}
		})
	}
}

// TestSpellings has the cases in which other catalogs made one table three, or
// three tables one. Each step is what one source shows.
func TestSpellings(t *testing.T) {
	snow, big, my := "snowflake://org-acct", "bigquery", "mysql://h:3306"
	built := func(ns, name string) catalog.Seen {
		s := dbtSource(ns, name)
		s.Aliases, s.Sighting.Rank = nil, model.RankBuilder
		return s
	}
	for _, tc := range []struct {
		name  string
		steps []catalog.Seen
		want  []string // the assets, by name
	}{
		{"snowflake has no case: dbt lower, the database upper", []catalog.Seen{built(snow, "shop.public.orders"), table(snow, "SHOP.PUBLIC.ORDERS")}, []string{"SHOP.PUBLIC.ORDERS"}},
		{"the same the other way round", []catalog.Seen{table(snow, "SHOP.PUBLIC.ORDERS"), built(snow, "shop.public.orders")}, []string{"SHOP.PUBLIC.ORDERS"}},
		{"bigquery tables have case", []catalog.Seen{table(big, "p.d.Orders"), built(big, "p.d.orders")}, []string{"p.d.Orders", "p.d.orders"}},
		{"kafka topics have case", []catalog.Seen{table("kafka://b:9092", "Orders"), built("kafka://b:9092", "orders")}, []string{"Orders", "orders"}},
		{"mysql folds", []catalog.Seen{table(my, "shop.Orders"), built(my, "shop.orders")}, []string{"shop.Orders"}},
		{"postgres keeps quoted names apart", []catalog.Seen{table(server, "s.p.Orders"), table(server, "s.p.orders")}, []string{"s.p.Orders", "s.p.orders"}},
		{"an unquoted name finds the quoted one when there is no other", []catalog.Seen{table(server, "s.p.Orders"), built(server, "s.p.orders")}, []string{"s.p.Orders"}},
		{"the exact name goes first", []catalog.Seen{table(server, "s.p.Orders"), table(server, "s.p.orders"), built(server, "s.p.orders")}, []string{"s.p.Orders", "s.p.orders"}},
		{"two candidates are never merged", []catalog.Seen{table(server, "s.p.Orders"), table(server, "s.p.orders"), built(server, "S.P.ORDERS")}, []string{"S.P.ORDERS", "s.p.Orders", "s.p.orders"}},
		{"dbt had a third spelling first", []catalog.Seen{built(server, "s.p.ORDERS"), table(server, "s.p.Orders")}, []string{"s.p.Orders"}},
		{"and the database has two", []catalog.Seen{built(server, "s.p.Orders"), table(server, "s.p.orders"), table(server, "s.p.Orders")}, []string{"s.p.Orders", "s.p.orders"}},
		{"the database is missing", []catalog.Seen{table(server, "data.public.t"), built(server, "public.t")}, []string{"data.public.t"}},
		{"the database was missing", []catalog.Seen{built(server, "public.t"), table(server, "data.public.t")}, []string{"data.public.t"}},
		{"the database is missing and two have the table", []catalog.Seen{table(server, "a.public.t"), table(server, "b.public.t"), built(server, "public.t")}, []string{"a.public.t", "b.public.t", "public.t"}},
		{"a third database does not take what was ambiguous", []catalog.Seen{table(server, "a.public.t"), table(server, "b.public.t"), built(server, "public.t"), table(server, "c.public.t")}, []string{"a.public.t", "b.public.t", "c.public.t", "public.t"}},
		{"a schema is not completed", []catalog.Seen{table(server, "a.public.t"), built(server, "t")}, []string{"a.public.t", "t"}},
		{"missing database and other case", []catalog.Seen{table(snow, "SHOP.PUBLIC.T"), built(snow, "public.t")}, []string{"SHOP.PUBLIC.T"}},
		{"another server is another table", []catalog.Seen{table(server, "a.b.c"), table("postgres://other:5432", "a.b.c")}, []string{"a.b.c", "a.b.c"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			for i, s := range tc.steps {
				from := source("db", sales)
				if s.Sighting.Rank != model.RankHolder {
					from = source(fmt.Sprint("tool", i), sales)
				}
				w.shows(from, s)
			}
			var got []string
			for _, a := range w.assets() {
				got = append(got, a.Name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHoldersInOneBatch gives a database's two spellings at once.
func TestHoldersInOneBatch(t *testing.T) {
	for _, first := range []string{"s.p.ORDERS", "s.p.Orders"} {
		w := newWorld(t)
		w.shows(source("tool", sales), dbtSource(server, first))
		w.shows(source("db", sales), table(server, "s.p.orders"), table(server, "s.p.Orders"))
		byName := map[string]int{}
		for _, a := range w.assets() {
			byName[a.Name] = len(a.Sightings)
		}
		want := map[string]int{"s.p.ORDERS": 1, "s.p.Orders": 1, "s.p.orders": 1}
		if first == "s.p.Orders" {
			want = map[string]int{"s.p.Orders": 2, "s.p.orders": 1}
		}
		if diff := cmp.Diff(want, byName); diff != "" {
			t.Errorf("dbt named %s first: %s", first, diff)
		}
	}
}

// TestStolenNameHeals: a spelling that had been taken for a table goes to the
// table that really has it as soon as the database shows it.
func TestStolenNameHeals(t *testing.T) {
	w := newWorld(t)
	db, dbt := source("db", sales), source("tool", sales)
	w.shows(dbt, dbtSource(server, "s.p.Orders"))
	w.shows(db, table(server, "s.p.orders"))
	w.shows(db, table(server, "s.p.Orders"))
	w.shows(dbt, dbtSource(server, "s.p.Orders"))
	want := map[string]string{
		"openlineage " + server + " s.p.Orders": "s.p.Orders",
		"openlineage " + server + " s.p.orders": "s.p.orders",
		"dbt shop source.shop.raw.orders":       "s.p.Orders",
	}
	if diff := cmp.Diff(want, w.names()); diff != "" {
		t.Error(diff)
	}
}

// TestModelMoves: a dbt model that is built elsewhere from now on does not
// drag the old table along.
func TestModelMoves(t *testing.T) {
	w := newWorld(t)
	db, dbt := source("db", sales), source("tool", sales)
	moved := func(name string) catalog.Seen {
		s := dbtSource(server, name)
		s.Aliases[0].Name = "model.shop.orders"
		return s
	}
	w.shows(dbt, moved("shop.public.orders"))
	w.shows(db, table(server, "shop.public.orders"))
	w.shows(dbt, moved("shop.marts.orders"))
	want := map[string]string{
		"openlineage " + server + " shop.public.orders": "shop.public.orders",
		"openlineage " + server + " shop.marts.orders":  "shop.marts.orders",
		"dbt shop model.shop.orders":                    "shop.marts.orders",
	}
	if diff := cmp.Diff(want, w.names()); diff != "" {
		t.Error(diff)
	}
}

// TestSymlink follows a second OpenLineage name.
func TestSymlink(t *testing.T) {
	w := newWorld(t)
	w.shows(source("hive", sales), table("hive://meta", "shop.orders"))
	s := table("s3://lake", "shop/orders")
	s.Sighting.Rank = model.RankReference
	s.Aliases = []catalog.Name{{Scheme: model.SchemeOpenLineage, Namespace: "hive://META:10000", Name: "shop.orders"}}
	w.shows(source("spark", sales), s)
	if got := w.assets(); len(got) != 1 || got[0].Name != "shop.orders" || len(got[0].Sightings) != 2 {
		t.Errorf("got %+v, want one asset with the database's name", got)
	}
}

// TestSecretsInNames keeps passwords out of everything that is stored or told.
func TestSecretsInNames(t *testing.T) {
	const secret = "hunter2"
	for _, tc := range []struct {
		name, namespace, asset string
		refused                bool
		code                   string
	}{
		{"password in the namespace", "postgres://ana:" + secret + "@h:5432", "a.b.c", false, "catalog.secret_removed"},
		{"password with a slash", "postgres://ana:" + secret + "/x@h:5432", "a.b.c", true, "catalog.secret_in_name"},
		{"password with a question mark", "postgres://ana:" + secret + "?x@h:5432", "a.b.c", true, "catalog.secret_in_name"},
		{"password of a bucket", "s3://key:" + secret + "@lake", "x", false, "catalog.secret_removed"},
		{"connection as a name", server, `{"conn": "x", "password": "` + secret + `"}`, true, "catalog.secret_in_name"},
		{"list as a name", server, `["` + secret + `"]`, true, "catalog.secret_in_name"},
		{"key and value", server, "a.b.c;password=" + secret, true, "catalog.secret_in_name"},
		{"address as a name", server, "postgres://ana:" + secret + "@h/x", true, "catalog.secret_in_name"},
		{"unknown host", "postgres://None:None", "a.b.c", false, "catalog.unknown_host"},
		{"no name", server, " ", true, "catalog.bad_name"},
		{"no namespace", "", "a.b.c", true, "catalog.bad_name"},
		{"much too long", server, strings.Repeat("x", 5000), true, "catalog.bad_name"},
		{"merely called so", server, "app.public.password_resets", false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			ref := catalog.Ref{Namespace: tc.namespace, Name: tc.asset}
			w.give("postgres://h", "", sales)
			w.give("s3://lake", "", sales)
			w.give("postgres://unknown-host.src_s", "", sales)
			seen := table(tc.namespace, tc.asset)
			r := w.observe(catalog.Observation{Source: source("s", sales), Assets: []catalog.Seen{seen}, Refs: []catalog.Ref{ref}})
			if _, resolved := r.IDs[ref]; resolved == tc.refused || len(w.assets()) == 1 == tc.refused {
				t.Errorf("got IDs %v and %d assets, want refused = %v", r.IDs, len(w.assets()), tc.refused)
			}
			if got := fmt.Sprintf("%+v %+v %+v", r.Notes, w.names(), w.assets()); !tc.refused && strings.Contains(got, secret) || strings.Contains(fmt.Sprint(r.Notes), secret) {
				t.Errorf("the secret is told: %s", got)
			}
			if (len(r.Notes) > 0) != (tc.code != "") || tc.code != "" && r.Notes[0].Code != tc.code {
				t.Errorf("got notes %+v, want %q", r.Notes, tc.code)
			}
		})
	}
}

// TestUnknownHosts keeps two strangers with the same unknown host apart.
func TestUnknownHosts(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.shows(source("one", sales), table("postgres://None:None", "a.b.c"))
		w.shows(source("two", sales), table("postgres://None:None", "a.b.c"))
	}
	assets := w.assets()
	if len(assets) != 2 || assets[0].Platform != "postgres" {
		t.Errorf("got %+v, want two assets on postgres", assets)
	}
}

// TestOrderDoesNotMatter shuffles what two sources show, and in what batches:
// the same assets go by the same names at the end.
func TestOrderDoesNotMatter(t *testing.T) {
	var tables, read []catalog.Seen
	for i := range 40 {
		name := fmt.Sprintf("shop.s%d.Table%d", i%3, i)
		tables = append(tables, table(server, name))
		switch i % 4 {
		case 0:
			read = append(read, dbtSource(server, name))
		case 1:
			read = append(read, dbtSource("postgresql://db.acme.example", strings.ToLower(name)))
		case 2:
			read = append(read, dbtSource(server, strings.TrimPrefix(name, "shop.")))
		}
	}
	var want map[string]string
	for seed := range uint64(25) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		type step struct {
			source model.Source
			seen   []catalog.Seen
		}
		var steps []step
		for _, all := range []step{{source("db", sales), slices.Clone(tables)}, {source("tool", sales), slices.Clone(read)}} {
			random.Shuffle(len(all.seen), func(i, j int) { all.seen[i], all.seen[j] = all.seen[j], all.seen[i] })
			for part := range slices.Chunk(all.seen, 1+random.IntN(20)) {
				steps = append(steps, step{all.source, part})
			}
		}
		random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, s := range steps {
			w.shows(s.source, s.seen...)
		}
		got := w.names()
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || len(w.assets()) != len(tables) {
			t.Fatalf("seed %d: %d assets, want %d; %s", seed, len(w.assets()), len(tables), diff)
		}
	}
}

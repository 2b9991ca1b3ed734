package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// BenchmarkHarvestFile harvests a SQLite file of as many tables as it is told to,
// by a server and a plugin of their own, as measured tells: -benchtime 100000x.
func BenchmarkHarvestFile(b *testing.B) {
	folder := b.TempDir()
	path := filepath.Join(folder, "large.db")
	sqliteFile(b, path, fmt.Sprintf(manyTables, b.N))
	measured(b, job{
		namespace: "sqlite://large.db", plugin: "sqlite", config: map[string]any{"path": path},
		env: []string{"SOUK_SOURCE_FOLDERS=sales=" + folder},
	})
}

// manyTables makes a table and as many others as it is told to in its image, which
// SQLite itself would need minutes for.
const manyTables = `
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount NUMERIC(12, 2), ordered TEXT, shipped TEXT, a TEXT, b INTEGER, c BLOB, d REAL, e TEXT);
PRAGMA writable_schema = ON;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) SELECT 'table', format('t%%06d', i), format('t%%06d', i), 2, format('CREATE TABLE t%%06d
	(id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount NUMERIC(12, 2), ordered TEXT, shipped TEXT, a TEXT, b INTEGER, c BLOB, d REAL, e TEXT)', i) FROM n;
PRAGMA writable_schema = OFF;`

// BenchmarkHarvestPostgres does the same with tables of a real PostgreSQL server.
// What is asked for is at most 20 s for 10,000 new ones, and 8 s for the same
// again, with the plugin's process: -benchtime 10000x.
func BenchmarkHarvestPostgres(b *testing.B) {
	address := os.Getenv("SOUK_TEST_POSTGRES_URL")
	if address == "" {
		missing(b, "SOUK_TEST_POSTGRES_URL", ".ci/postgres starts a server and prints it")
	}
	u, err := url.Parse(address)
	if err != nil {
		b.Fatal("SOUK_TEST_POSTGRES_URL is no URL")
	}
	password, _ := u.User.Password()
	manyInPostgres(b, u)
	u.User = url.User(u.User.Username())
	u.RawQuery = ""
	measured(b, job{
		namespace: "postgres://" + u.Host, plugin: "postgres", config: map[string]any{"url": u.String(), "transport": "clear"},
		secrets: []any{map[string]any{"field": "password", "reference": "env:SOUK_SECRET_PG"}}, env: []string{"SOUK_SECRET_PG=" + password},
	})
}

// manyInPostgres makes a database of b.N tables of ten columns, a thousand in a
// transaction since each holds locks, and sets the URL to it.
func manyInPostgres(b *testing.B, u *url.URL) {
	b.Helper()
	root := dial(b, u.String())
	ctx := context.Background() // a benchmark's own has ended when it is cleaned up
	drop := func() {
		_, _ = root.Exec(ctx, "drop database if exists souk_many with (force)")
	}
	drop()
	b.Cleanup(func() {
		drop()
		_ = root.Close(ctx)
	})
	if _, err := root.Exec(ctx, "create database souk_many"); err != nil {
		b.Fatal(err)
	}
	u.Path = "/souk_many"
	conn := dial(b, u.String())
	defer func() { _ = conn.Close(ctx) }()
	for from := 0; from < b.N; from += 1000 {
		_, err := conn.Exec(ctx, fmt.Sprintf(`do $$ begin for i in %d..%d loop
			execute format('create table t%%s (id bigint primary key, name text not null, amount numeric(12, 2), ordered timestamptz default now(), a text, b int, c bool, d date, e uuid, f jsonb)', i);
			execute format('comment on table t%%s is ''one of many, number %%s''', i, i); end loop; end $$`, from, min(from+1000, b.N)-1))
		if err != nil {
			b.Fatal(err)
		}
	}
}

// job is a source to be measured.
type job struct {
	namespace, plugin string
	config            map[string]any
	secrets           []any
	env               []string
}

// measured harvests the source twice and reports, for the tables that are new and
// then for the same again, the time from the start of the run (and so of the
// plugin's process) until all is stored, and by how much the memory of the server
// grew at its peak. MB/kept is what the server's heap holds afterwards that it did
// not before, garbage apart: the search index, which is no run's and a part of
// MB/new. Floor is how long the bare store takes to write the same assets and
// names, and times-floor how much longer the run took.
func measured(b *testing.B, j job) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "souk.db")
	profiles := unoccupied(b)
	server, token := serving(b, "sqlite:"+path, append(j.env, "SOUK_PPROF_LISTEN="+profiles)...)
	p := person{r: server, token: token}
	source := p.sourceOf(j)
	live := liveHeap(b, profiles)
	var took [2]time.Duration
	for i, what := range []string{"new", "again"} {
		before := server.peakFromNow()
		took[i] = p.harvested(source, b.N)
		b.ReportMetric(server.memory("VmHWM")-before, "MB/"+what)
		b.ReportMetric(took[i].Seconds(), "s/"+what)
	}
	b.ReportMetric(liveHeap(b, profiles)-live, "MB/kept")
	server.stop()
	floor := rewritten(b, path)
	b.ReportMetric(floor.Seconds(), "s/floor")
	b.ReportMetric(took[0].Seconds()/floor.Seconds(), "times-floor")
	b.ReportMetric(float64(b.N)/took[0].Seconds(), "datasets/s")
	b.ReportMetric(0, "ns/op") // the server's start is in it
}

// unoccupied gives an address of this machine that is free.
func unoccupied(b *testing.B) string {
	b.Helper()
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// liveHeap is what a server's heap has after its garbage is collected, in MB.
func liveHeap(b *testing.B, profiles string) float64 {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+profiles+"/debug/pprof/heap?gc=1&debug=1", nil)
	if err != nil {
		b.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	profile, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(profile), "\n# HeapAlloc = ")
	size, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseFloat(size, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n / (1 << 20)
}

func (p person) sourceOf(j job) string {
	p.r.t.Helper()
	var domain struct{ Domain struct{ ID string } }
	p.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales"}, "domain { id }", &domain)
	p.do("assignNamespace", "AssignNamespaceInput", map[string]any{"namespace": j.namespace, "domainId": domain.Domain.ID}, "namespace { id }", &struct{}{})
	var made struct{ Source struct{ ID string } }
	p.do("createSource", "CreateSourceInput", map[string]any{
		"name": "shop", "domainId": domain.Domain.ID, "plugin": j.plugin, "config": j.config, "secrets": slices.Clip(j.secrets),
	}, "source { id }", &made)
	return made.Source.ID
}

// harvested runs the source to its end, and gives how long that took.
func (p person) harvested(source string, want int) time.Duration {
	p.r.t.Helper()
	id := p.startHarvest(p.r.t, source)
	var got struct {
		HarvestRun struct {
			Status             string
			StartedAt, EndedAt time.Time
			Counts             struct{ Assets int }
		}
	}
	eventually(p.r.t, time.Hour, "the harvest ends", func() bool {
		p.ask(`query($id: ID!) { harvestRun(id: $id) { status startedAt endedAt counts { assets } } }`, map[string]any{"id": id}, &got)
		return got.HarvestRun.Status != string(model.RunRunning)
	})
	if run := got.HarvestRun; run.Status != string(model.RunSucceeded) || run.Counts.Assets < want {
		p.r.t.Fatalf("the run ended as %s, with %d assets", run.Status, run.Counts.Assets)
	}
	return got.HarvestRun.EndedAt.Sub(got.HarvestRun.StartedAt)
}

// peakFromNow lets the system look for the server's peak of memory anew, and gives
// what it has now, in MB.
func (r *running) peakFromNow() float64 {
	r.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", r.cmd.Process.Pid), []byte("5"), 0o200); err != nil {
		r.t.Fatal(err)
	}
	return r.memory("VmRSS")
}

// memory is what the system says of the server's memory, in MB.
func (r *running) memory(what string) float64 {
	r.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		r.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), what+":")
	fields := strings.Fields(after)
	kB, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return kB / 1024
}

// rewritten writes the assets and names of a store into another one, as many at a
// time as a harvest does, and gives how long the writing took.
func rewritten(b *testing.B, path string) time.Duration {
	b.Helper()
	from, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	to, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "floor.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	const atOnce = 750 // an asset has two names
	var took time.Duration
	var writes []store.Write
	write := func() {
		began := time.Now()
		if _, err := to.Apply(b.Context(), store.Change{Action: "bench.write", Writes: writes}); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
		writes = nil
	}
	put := func(w store.Write, err error) {
		if err != nil {
			b.Fatal(err)
		}
		if w.Record.Revision = 0; len(writes) == atOnce {
			write()
		}
		writes = append(writes, w)
	}
	for a, err := range store.Assets.All(b.Context(), from, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		put(store.Assets.Put(a), err)
	}
	for a, err := range store.Aliases.All(b.Context(), from, store.Query{Index: "by_asset", Limit: store.MaxPage}) {
		put(store.Aliases.Put(a), err)
	}
	write()
	return took
}

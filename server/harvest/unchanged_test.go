package harvest_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// wide is a line of a script that shows a table of twenty columns.
func wide(name, description string) string {
	var fields []string
	for i := range 20 {
		fields = append(fields, fmt.Sprintf(`{"name":"field_%02d","position":%d,"nativeType":"charactervarying(64)","description":"onefact"}`, i, i+1))
	}
	return fmt.Sprintf(`asset {"id":{"namespace":"postgres://db.example:5432","name":"shop.%s"},"scope":"main","kind":"TABLE","rank":10,"shortName":%q,"description":%q,"fields":[%s]}`,
		name, name, description, strings.Join(fields, ","))
}

// TestUnchanged harvests twice, and what somebody has done in between is seen.
func TestUnchanged(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		s := w.source()
		lines := []string{wide("a", "one"), wide("b", "one"), wide("c", "one"), wide("d", "one"), "edge main a b", "rule main a checked pass", "done main"}
		w.succeed(s, lines...)
		first := w.named("shop.a")
		run := w.succeed(s, lines...)
		if c := run.Counts; c.Unchanged != 4 || c.Updated+c.Created+c.Retired != 0 || c.Assets != 4 || c.Fields != 80 {
			t.Errorf("the same again: %+v", c)
		}
		if a := w.named("shop.a"); a.Revision != first.Revision {
			t.Error("an asset was written that is as before")
		}

		lines[1] = wide("b", "two") // the source says something else
		gone := w.named("shop.c")   // it was taken back
		gone.Withdraw(s.ID, "main", model.Now())
		other := w.named("shop.d") // another source shows it, too
		other.Sightings = append(other.Sightings, model.Sighting{SourceID: "src_other", Scope: "x", Rank: model.RankBuilder, Kind: model.KindTable, DomainID: w.domain.ID})
		other.Settle(model.Now())
		w.apply(store.Assets.Put(gone), store.Assets.Put(other))
		run = w.succeed(s, lines...)
		if c := run.Counts; c.Unchanged != 2 || c.Updated != 2 {
			t.Errorf("b is said to be otherwise and c was taken back: %+v", c)
		}
		if b, c := w.named("shop.b"), w.named("shop.c"); b.Description != "two" || c.Status != model.AssetActive {
			t.Errorf("got %q and %s", b.Description, c.Status)
		}
		if run = w.succeed(s, append([]string{wide("e", "new")}, lines[1:]...)...); run.Counts.Created != 1 || run.Counts.Retired != 1 || w.named("shop.a").Status != model.AssetRetired {
			t.Errorf("one came and one went: %+v", run.Counts)
		}
	})
}

// TestUnchangedFlows knows edges and rules again: nothing is written, nothing is
// taken back, and what somebody wrote in between is seen.
func TestUnchangedFlows(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		s := w.source()
		lines := []string{"table main a id", "table main b id", "edge main a b", "edge main elsewhere b", "rule main a checked pass", "done main"}
		w.succeed(s, lines...)
		flow, rule := w.only("edge"), w.only("quality_rule")
		for range 2 {
			run := w.succeed(s, lines...)
			if c := run.Counts; c.Unchanged != 2 || c.Updated+c.Created+c.Retired != 0 || c.Edges != 2 || c.Quality != 1 {
				t.Errorf("the same again: %+v", c)
			}
		}
		if again := w.only("edge"); again != flow {
			t.Errorf("the edges were %s and are %s", flow, again)
		}
		if again := w.only("quality_rule"); again != rule {
			t.Errorf("the rules were %s and are %s", rule, again)
		}
		for e, err := range store.Edges.All(t.Context(), db, store.Query{Index: "by_scope", Where: store.Eq("scope", store.ScopeKey(s.ID, "main"))}) {
			if err != nil {
				t.Fatal(err)
			}
			e.Withdraw(s.ID, "main")
			w.apply(store.Edges.Put(e))
		}
		w.succeed(s, lines...)
		flow = w.only("edge")
		w.succeed(s, append(lines[:2:2], lines[3:]...)...)
		if left := w.only("edge"); len(left) >= len(flow) {
			t.Errorf("an edge that is not shown any more stays: %s", left)
		}
		if run := w.succeed(s, append(lines[:4:4], "rule main a checked fail", "done main")...); run.Counts.Updated != 1 || run.Counts.Unchanged != 1 {
			t.Errorf("a test fails now: %+v", run.Counts)
		}
	})
}

// only lists the records of a kind that the source has shown in the scope main, with their revisions.
func (w *world) only(kind store.Kind) string {
	w.t.Helper()
	var list []string
	page, err := w.store.Find(w.t.Context(), store.Query{Kind: kind, Index: "by_scope", Where: store.Eq("scope", store.ScopeKey(w.last, "main")), Limit: store.MaxPage})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range page.Records {
		list = append(list, fmt.Sprint(r.ID, " ", r.Revision))
	}
	return strings.Join(list, ", ")
}

// TestUnchangedButRemarked goes on telling what is wrong with what has not changed.
func TestUnchangedButRemarked(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	lines := []string{
		`asset {"id":{"namespace":"postgres://nobody.example:5432","name":"shop.a"},"scope":"main","kind":"TABLE","rank":10,"shortName":"a"}`,
		`asset {"id":{"namespace":"postgres://nobody.example:5432","name":"shop.b"},"scope":"main","kind":"TABLE","rank":10,"shortName":"b"}`,
		`asset {"id":{"namespace":"mysql://nobody.example:3306","name":"shop.c"},"scope":"main","kind":"TABLE","rank":10,"shortName":"c"}`, "done main",
	}
	nobodys := func(run model.Run, count int, namespaces ...string) {
		t.Helper()
		i := slices.IndexFunc(run.Notes, func(n model.RunNote) bool { return n.Code == "catalog.no_owner" })
		if i < 0 || run.Notes[i].Count != count || !slices.Equal(slices.Sorted(slices.Values(run.Notes[i].Samples)), namespaces) || !strings.Contains(run.Notes[i].Title, "assignNamespace") {
			t.Errorf("got notes %+v", run.Notes)
		}
	}
	for range 2 {
		nobodys(w.succeed(s, lines...), 3, "mysql://nobody.example:3306", "postgres://nobody.example:5432")
	}
	if kept := len(w.memory(s)); kept == 0 {
		t.Error("nothing of what belongs to nobody is remembered, so that all of it is read in each run")
	}
	run := w.succeed(s, lines...)
	if nobodys(run, 3, "mysql://nobody.example:3306", "postgres://nobody.example:5432"); run.Counts.Unchanged != 3 {
		t.Errorf("got %+v", run.Counts)
	}
	w.apply(store.Namespaces.Put(model.Namespace{Meta: model.Meta{ID: "nsp_x"}, Namespace: "postgres://nobody.example:5432", DomainID: s.DomainID}))
	where := store.Query{Index: "by_namespace", Where: store.Eq("namespace", "postgres://nobody.example:5432"), Limit: 10}
	for a, err := range store.Assets.All(t.Context(), w.store, where) { // as assignNamespace has it
		if err != nil {
			t.Fatal(err)
		}
		a.DomainID = s.DomainID
		w.apply(store.Assets.Put(a))
	}
	nobodys(w.succeed(s, lines...), 1, "mysql://nobody.example:3306")
}

// TestUnchangedWithoutMemory reads a source in full whose memory is spoilt, and
// one that is removed leaves none.
func TestUnchangedWithoutMemory(t *testing.T) {
	w := newWorld(t)
	s := w.source()
	lines := []string{"tables main 30", "done main"}
	w.succeed(s, lines...)
	rows := w.memory(s)
	if len(rows) == 0 {
		t.Fatal("nothing is remembered")
	}
	for _, row := range rows {
		row.Objects = []byte(`"spoilt"`)
		w.apply(store.Memories.Put(row))
	}
	for range 2 {
		if c := w.succeed(s, lines...).Counts; c.Unchanged != 30 {
			t.Errorf("got %+v", c)
		}
	}
	if _, err := w.RemoveSource(w.ctx, s.ID, nil); err != nil {
		t.Fatal(err)
	}
	if rows := w.memory(s); len(rows) != 0 {
		t.Errorf("%d rows are left of a removed source", len(rows))
	}
}

func (w *world) memory(s model.Source) []model.Remembered {
	w.t.Helper()
	page, err := store.Memories.Find(w.t.Context(), w.store, store.Query{Index: "by_source", Where: store.Eq("source", string(s.ID)), Limit: store.MaxPage})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Nodes
}

// BenchmarkUnchanged harvests 2,000 tables of twenty columns and then the same
// again, and tells what part of it that takes: in time, and in the processor's time
// of the server alone, which no other program on the machine makes longer.
func BenchmarkUnchanged(b *testing.B) {
	lines := []string{}
	for i := range 2000 {
		lines = append(lines, wide(fmt.Sprint("t", i), "one"))
	}
	var took, busy [2]time.Duration
	for b.Loop() {
		db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "souk.db"))
		if err != nil {
			b.Fatal(err)
		}
		w := newWorldOn(b, db)
		s := w.source()
		for i := range took {
			begin, before := time.Now(), processor()
			w.succeed(s, append(lines, "done main")...)
			took[i] += time.Since(begin)
			busy[i] += processor() - before
		}
		w.Close()
		_ = db.Close()
	}
	b.ReportMetric(float64(len(lines)*b.N)/took[0].Seconds(), "new-datasets/s")
	for i, what := range []string{"new", "again"} {
		b.ReportMetric(took[i].Seconds()/float64(b.N), "s/"+what)
		b.ReportMetric(busy[i].Seconds()/float64(b.N), "cpu-s/"+what)
	}
	b.ReportMetric(float64(busy[1])/float64(busy[0]), "again/new-cpu")
}

// BenchmarkEightAtOnce harvests eight sources at once, which show the same fifty
// tables. One run that does not succeed fails it.
func BenchmarkEightAtOnce(b *testing.B) {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "souk.db"))
	if err != nil {
		b.Fatal(err)
	}
	w := newWorldOn(b, db)
	lines := []string{}
	for i := range 50 {
		lines = append(lines, wide(fmt.Sprint("t", i), "one"))
	}
	writeScript(b, w.script, append(lines, "done main")...)
	sources := make([]model.Source, 8)
	for i := range sources {
		sources[i] = w.source()
	}
	for b.Loop() {
		runs := make([]model.Run, len(sources))
		for i, s := range sources {
			if runs[i], err = w.Start(w.ctx, s.ID, "manual"); err != nil {
				b.Fatal(err)
			}
		}
		for _, run := range runs {
			if ended := w.wait(run); ended.Status != model.RunSucceeded {
				b.Fatalf("a run ended as %s: %+v", ended.Status, ended.Failure)
			}
		}
	}
	w.Close()
	_ = db.Close()
	b.ReportMetric(float64(len(sources)*b.N)/b.Elapsed().Seconds(), "runs/s")
}

// processor is the time that this process has taken of the processor.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package harvest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// BenchmarkJournal harvests as many tables of twenty columns as it is told to, with
// three edges each, all of them new and then all of them changed, and undoes that:
// -benchtime 100000x, and -bench Journal/mongodb where there is a MongoDB. For a
// table with its edges it tells what the journal takes in the store, and the
// processor's time of the server; for the whole the time that passed, and by how
// much the memory grew at its peak while that was undone.
func BenchmarkJournal(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "souk.db"))
		if err != nil {
			b.Fatal(err)
		}
		benchmarkJournal(b, db)
		_ = db.Close()
	})
	b.Run("mongodb", func(b *testing.B) { benchmarkJournal(b, enginetest.MongoDB(b)) })
}

func benchmarkJournal(b *testing.B, db store.Store) {
	b.Helper()
	w := newWorldOn(b, db)
	s := w.source()
	runs := map[string]model.Run{}
	for _, text := range []string{"new", "changed"} {
		cpu, began := processor(), time.Now()
		runs[text] = w.patiently(s, w.flowing(b.N, text))
		b.ReportMetric(time.Since(began).Seconds(), "s/"+text)
		b.ReportMetric((processor()-cpu).Seconds()/float64(b.N)*1e6, "cpu-us/"+text)
		b.ReportMetric(float64(w.journalled(runs[text].ID))/float64(b.N), "B/"+text)
	}
	grown, cpu, began := peak(b), processor(), time.Now()
	u, err := w.Undo(w.ctx, runs["changed"].ID)
	if err != nil || u.Restored < b.N || u.Left != 0 {
		b.Fatalf("got %d restored and %d left, %v", u.Restored, u.Left, err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s/undone")
	b.ReportMetric((processor()-cpu).Seconds()/float64(b.N)*1e6, "cpu-us/undone")
	b.ReportMetric(grown(), "MB/undone")
	b.ReportMetric(0, "ns/op") // the world is made in it, too
	w.Close()
}

// flowing is a script of tables of which each is made of the three after it.
func (w *world) flowing(count int, text string) []string {
	lines := make([]string, 0, 4*count+1)
	for i := range count {
		lines = append(lines, wide(fmt.Sprint("t", i), text))
	}
	for i := range count {
		for next := 1; next <= 3 && next < count; next++ {
			lines = append(lines, fmt.Sprintf(`flow {"from":{"namespace":"postgres://db.example:5432","name":"shop.t%d"},"to":{"namespace":"postgres://db.example:5432","name":"shop.t%d"},"scope":"main","kind":"DERIVES","method":%q,"confidence":1}`,
				(i+next)%count, i, text))
		}
	}
	return append(lines, "done main")
}

// patiently runs the source and waits for as long as a large one takes.
func (w *world) patiently(s model.Source, lines []string) model.Run {
	w.t.Helper()
	writeScript(w.t, w.script, lines...)
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err == nil {
		run, err = w.Wait(w.ctx, run.ID)
	}
	if err != nil || run.Status != model.RunSucceeded {
		w.t.Fatalf("the run ended as %s: %+v, %v", run.Status, run.Failure, err)
	}
	return run
}

// peak lets the system look for the peak of this process's memory anew, and gives
// what tells by how many MB it has grown.
func peak(b *testing.B) func() float64 {
	b.Helper()
	now := func(what string) float64 {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			b.Skip("this system does not tell how much memory a process has")
		}
		_, after, _ := strings.Cut(string(status), what+":")
		kB, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
		if err != nil {
			b.Fatal(err)
		}
		return kB / 1024
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200); err != nil {
		b.Skip("this system does not tell how much memory a process has")
	}
	before := now("VmRSS")
	return func() float64 { return now("VmHWM") - before }
}

// journalled is how many bytes the store has of what a run wrote over.
func (w *world) journalled(run model.ID) (total int) {
	w.t.Helper()
	q := store.Query{Index: "by_run", Where: store.Eq("run", string(run)), Limit: 4}
	for row, err := range store.RunChanges.All(w.t.Context(), w.store, q) {
		if err != nil {
			w.t.Fatal(err)
		}
		total += len(row.Records)
	}
	return total
}

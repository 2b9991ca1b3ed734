package harvest_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// BenchmarkJournal harvests as many tables of twenty columns as it is told to, all
// of them new and then all of them changed, and undoes that: -benchtime 100000x.
// It tells what the journal takes in the store for a table, and the processor's
// time of the server.
func BenchmarkJournal(b *testing.B) {
	b.StopTimer()
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "souk.db"))
	if err != nil {
		b.Fatal(err)
	}
	w := newWorldOn(b, db)
	s := w.source()
	lines := func(text string) (all []string) {
		for i := range b.N {
			all = append(all, wide(fmt.Sprint("t", i), text))
		}
		return append(all, "done main")
	}
	begun := processor()
	made := w.succeed(s, lines("one")...)
	b.ReportMetric((processor()-begun).Seconds()/float64(b.N)*1e6, "cpu-us/new")
	b.ReportMetric(float64(w.journalled(made.ID))/float64(b.N), "B/new")
	changed := w.succeed(s, lines("two")...)
	b.ReportMetric(float64(w.journalled(changed.ID))/float64(b.N), "B/changed")
	begun = processor()
	b.StartTimer()
	u, err := w.Undo(w.ctx, changed.ID)
	b.StopTimer()
	if err != nil || u.Restored != b.N {
		b.Fatalf("got %d restored, %v", u.Restored, err)
	}
	b.ReportMetric((processor()-begun).Seconds()/float64(b.N)*1e6, "cpu-us/undone")
	w.Close()
	_ = db.Close()
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

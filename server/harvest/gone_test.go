package harvest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// retiring is a store that sees what is retired, and breaks after so many changes
// of it, if that is not zero.
type retiring struct {
	store.Store

	after, seen int
	largest     int    // of the changes
	grown       uint64 // bytes that live when a change is written, more than before the first one
	before      uint64
}

func (b *retiring) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if c.Action == "run.retire" {
		if b.seen++; b.after > 0 && b.seen > b.after {
			return model.Event{}, errors.New("the disk is full")
		}
		b.largest = max(b.largest, len(c.Writes))
		if now := live(); now > b.before {
			b.grown = max(b.grown, now-b.before)
		}
	}
	return b.Store.Apply(ctx, c)
}

// live is how much of the heap is in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// aside fills the scope with as many assets as have the fail-safe let a quarter go.
func (w *world) aside(s model.Source, count int) {
	w.t.Helper()
	for part := range slices.Chunk(slices.Collect(upTo(count)), 1000) {
		writes := make([]store.Write, len(part))
		for i, n := range part {
			name := fmt.Sprintf("shop.aside.t%d", n)
			writes[i] = store.Assets.Put(model.Asset{
				Meta: model.Meta{ID: model.ID(fmt.Sprintf("ast_aside%08d", n))}, DomainID: w.domain.ID, Kind: "TABLE", Status: model.AssetActive,
				Namespace: "postgres://db.example:5432", Name: name, ShortName: name,
				Sightings: []model.Sighting{{SourceID: s.ID, Scope: "main"}},
			})
		}
		w.apply(writes...)
	}
}

func upTo(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}
}

// TestTwentyThousandAreGone in one run that reads only what has changed: all of
// them, with their tests and edges, in changes of a bounded size and without
// holding them in memory. Where it breaks half way, the next run hears of them again.
func TestTwentyThousandAreGone(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { manyGone(t, enginetest.SQLite(t), 20_000) })
	t.Run("mongodb", func(t *testing.T) { manyGone(t, enginetest.MongoDB(t), 3_000) })
}

func manyGone(t *testing.T, db store.Store, count int) {
	t.Helper()
	var b *retiring
	w := newWorldOn(t, db, func(c *harvest.Config) { b = &retiring{Store: c.Store}; c.Store = b })
	s := w.teller()
	tables := fmt.Sprint("tables main ", count, strings.Repeat(" a_column_with_a_name", 10))
	w.followed(s, ";", tables, "table main stays id", "edge main main.t1 main.t2", "edge main main.t1 stays", "rule main main.t7 checked pass", "done main", "mark one")
	w.aside(s, 3*count)

	gone := []string{fmt.Sprint("all-gone main ", count), "kept main", "mark two"}
	b.after = 2
	if run := w.run(s, gone...); run.Status != model.RunFailed || string(w.reload(s).Watermark) != "one" {
		t.Fatalf("the store breaks, and the run ends as %s with the watermark %s", run.Status, w.reload(s).Watermark)
	}
	w.asked()
	half := len(w.assets(model.AssetRetired))
	if half == 0 || half == count {
		t.Fatalf("%d of %d are retired by a run that broke", half, count)
	}
	b.after, b.largest, b.grown, b.before = 0, 0, 0, live()
	run := w.followed(s, "one;", gone...)
	if run.Counts.Retired != count-half {
		t.Errorf("got %+v, notes %v; %d were left", run.Counts, codes(run), count-half)
	}
	if got := len(w.assets(model.AssetRetired)); got != count {
		t.Errorf("%d of %d are retired", got, count)
	}
	if got := len(w.assets(model.AssetActive)); got != 3*count+1 {
		t.Errorf("%d of %d are active", got, 3*count+1)
	}
	if len(w.edges()) != 0 || len(w.rules()) != 0 {
		t.Errorf("left are %v %v", w.edges(), w.rules())
	}
	t.Logf("%d gone: the heap has grown by %d KB", count, b.grown>>10)
	if b.largest > 502 || b.grown > 20<<20 { // 50 MB and more where the records are held, or their names as parts of them
		t.Errorf("the largest change has %d records, and the heap grew by %d KB", b.largest, b.grown>>10)
	}
	if run := w.followed(s, "two;", "kept main", "mark three"); run.Counts != (model.RunCounts{}) {
		t.Errorf("got %+v", run.Counts)
	}
}

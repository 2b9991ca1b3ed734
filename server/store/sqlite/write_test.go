package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

func newJob(id, name string, description string) *job {
	p := model.Principal{Meta: model.Meta{ID: model.ID(id)}, Name: name, DisplayName: description}
	return &job{change: store.Change{Action: "test.put", Writes: []store.Write{store.Principals.Put(p)}}, done: make(chan struct{})}
}

// still opens a store whose writer has stopped, so that a test can commit in
// its place.
func still(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), t.TempDir()+"/souk.db")
	if err != nil {
		t.Fatal(err)
	}
	close(db.closed)
	db.work.Wait()
	db.closed = make(chan struct{})
	t.Cleanup(func() {
		if err := db.release(); err != nil {
			t.Errorf("release: %v", err)
		}
	})
	return db
}

// TestGroupCommit commits a batch in which one change is refused.
func TestGroupCommit(t *testing.T) {
	db := still(t)
	batch := []*job{newJob("prn_1", "ada", ""), newJob("prn_2", "ada", ""), newJob("prn_3", "bob", "")}
	db.commit(batch)
	for i, want := range []int64{1, 0, 2} {
		<-batch[i].done
		if got := batch[i].event.Seq; got != want {
			t.Errorf("change %d has event %d, want %d (%v)", i, got, want, batch[i].err)
		}
	}
	if !model.Is(batch[1].err, model.KindConflict) {
		t.Errorf("got %v, want a conflict", batch[1].err)
	}
	if found, err := store.Principals.GetMany(t.Context(), db, "prn_1", "prn_2", "prn_3"); err != nil || len(found) != 2 {
		t.Errorf("%d records are stored, want 2 (%v)", len(found), err)
	}
}

// TestFullDisk loses every change of the batch that meets the end of the disk,
// says so to each, and goes on when there is room again.
func TestFullDisk(t *testing.T) {
	db := still(t)
	pages, err := number(db.writer, "PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	limit := func(n int64) {
		if err := exec(db.writer, fmt.Sprint("PRAGMA max_page_count = ", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 5)
	batch := []*job{newJob("prn_1", "ada", ""), newJob("prn_2", "bob", strings.Repeat("x", 1<<20)), newJob("prn_3", "cid", "")}
	db.commit(batch)
	for i, j := range batch[:2] {
		if !model.Is(j.err, model.KindUnavailable) || !strings.Contains(j.err.Error(), "make room") {
			t.Errorf("change %d: got %v, want Unavailable with a remedy", i, j.err)
		}
		if j.event.Seq != 0 {
			t.Errorf("change %d has the event %d", i, j.event.Seq)
		}
	}
	limit(1 << 30)
	again := newJob("prn_4", "dan", "")
	db.commit([]*job{again})
	if again.err != nil || again.event.Seq > 3 {
		t.Errorf("afterwards: event %d, %v", again.event.Seq, again.err)
	}
	page, err := store.Events.Find(t.Context(), db, store.Query{Index: "by_seq"})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range page.Nodes {
		if e.Seq != int64(i+1) {
			t.Errorf("event %d has number %d", i+1, e.Seq)
		}
	}
	if found, err := store.Principals.GetMany(t.Context(), db, "prn_1", "prn_2", "prn_3", "prn_4"); err != nil || len(found) != len(page.Nodes) {
		t.Errorf("%d records and %d events (%v)", len(found), len(page.Nodes), err)
	}
}

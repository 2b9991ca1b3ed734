package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

func newJob(id, name string, description string) *store.Job {
	p := model.Principal{Meta: model.Meta{ID: model.ID(id)}, Name: name, DisplayName: description}
	return &store.Job{Change: store.Change{Action: "test.put", Writes: []store.Write{store.Principals.Put(p)}}}
}

// still opens a store whose writer has not begun, so that a test can commit in
// its place.
func still(t *testing.T) (*engine, *store.Front) {
	t.Helper()
	e, err := open(t.Context(), t.TempDir()+"/souk.db")
	if err != nil {
		t.Fatal(err)
	}
	db := store.NewFront(e)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e, db
}

// TestGroupCommit commits a batch in which one change is refused.
func TestGroupCommit(t *testing.T) {
	e, db := still(t)
	batch := []*store.Job{newJob("prn_1", "ada", ""), newJob("prn_2", "ada", ""), newJob("prn_3", "bob", "")}
	if err := e.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{1, 0, 2} {
		if got := batch[i].Event.Seq; got != want {
			t.Errorf("change %d has event %d, want %d (%v)", i, got, want, batch[i].Err)
		}
	}
	if !model.Is(batch[1].Err, model.KindConflict) {
		t.Errorf("got %v, want a conflict", batch[1].Err)
	}
	if found, err := store.Principals.GetMany(t.Context(), db, "prn_1", "prn_2", "prn_3"); err != nil || len(found) != 2 {
		t.Errorf("%d records are stored, want 2 (%v)", len(found), err)
	}
}

// TestFullDisk loses every change of the batch that meets the end of the disk,
// says so, and goes on when there is room again.
func TestFullDisk(t *testing.T) {
	e, db := still(t)
	limit := func(more int64) {
		t.Helper()
		err := e.file.Write(func(c *sqlite.Conn) error {
			pages, err := c.Number("PRAGMA page_count")
			return errors.Join(err, c.Run(fmt.Sprint("PRAGMA max_page_count = ", pages+more)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(5)
	err := e.Commit(t.Context(), []*store.Job{newJob("prn_1", "ada", ""), newJob("prn_2", "bob", strings.Repeat("x", 1<<20)), newJob("prn_3", "cid", "")})
	if !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), "make room") {
		t.Errorf("got %v, want Unavailable with a remedy", err)
	}
	limit(1 << 20)
	again := newJob("prn_4", "dan", "")
	if err := e.Commit(t.Context(), []*store.Job{again}); err != nil || again.Err != nil || again.Event.Seq > 3 {
		t.Errorf("afterwards: event %d, %v, %v", again.Event.Seq, err, again.Err)
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

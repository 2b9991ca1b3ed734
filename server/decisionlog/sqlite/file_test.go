package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/decisionlog/sqlite"
	driver "github.com/souk-mesh/souk/server/driver/sqlite"
)

// TestFiles of segments are their owner's alone, and those of a newer souk are
// left as they are, whether the log is written or looked at.
func TestFiles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "souk.db")
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(t.Context(), chain.Batch{After: chain.Segment{Name: "2026-11"}}); err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(folder, "souk-decisions", "2026-11.db")
	if info, err := os.Stat(segment); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file with the mode 600", info, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	later, err := driver.Open(segment, driver.Options{Layout: 1, Prepare: func(c *driver.Conn) error { return c.Run("PRAGMA user_version = 2") }})
	if err != nil {
		t.Fatal(err)
	}
	if err := later.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []sqlite.Options{{}, {ReadOnly: true}} {
		if _, err := sqlite.Open(path, o); !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), "newer souk") {
			t.Errorf("%+v: got %v, want a refusal that names the newer souk", o, err)
		}
	}
}

// TestOneLogByAnyName has one log beside the file of the store, whatever links
// lead to that, and one process that writes it.
func TestOneLogByAnyName(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	path, link := filepath.Join(folder, "souk.db"), filepath.Join(elsewhere, "link.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	begin := func(path string) *sqlite.DB {
		t.Helper()
		db, err := sqlite.Open(path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Commit(t.Context(), chain.Batch{After: chain.Segment{Name: "2026-11"}}); err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := begin(link)
	if _, err := os.Stat(filepath.Join(folder, "souk-decisions", "2026-11.db")); err != nil {
		t.Errorf("the log is not beside the store: %v", err)
	}
	if _, err := sqlite.Open(path, sqlite.Options{}); !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), "in use by another souk") {
		t.Errorf("got %v, want that another souk writes it", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(folder, "souk-decisions"), filepath.Join(elsewhere, "link-decisions")); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(link, sqlite.Options{}) // where an earlier souk has put it
	if err != nil {
		t.Fatal(err)
	}
	if segments, err := db.Segments(t.Context()); err != nil || len(segments) != 1 {
		t.Errorf("got %v, %v, want the segment of the earlier souk", segments, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := begin(path).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(link, sqlite.Options{}); !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), "two decision logs") {
		t.Errorf("got %v, want that there are two", err)
	}
}

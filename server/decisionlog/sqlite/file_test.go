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

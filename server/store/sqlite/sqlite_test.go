package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
	"github.com/souk-mesh/souk/server/store/storetest"
)

// open opens the store at path and closes it when the test ends.
func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func file(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "souk.db")
}

func TestFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return open(t, file(t))
	})
}

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return open(t, ":memory:")
	})
}

func TestAgree(t *testing.T) {
	for seed := range uint64(4) {
		storetest.Agree(t, open(t, file(t)), open(t, ":memory:"), seed)
	}
}

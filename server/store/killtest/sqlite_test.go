package killtest_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/killtest"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// TestKilledWriterOfSQLite kills the only process that there is. MongoDB has
// its own test beside its engine.
func TestKilledWriterOfSQLite(t *testing.T) {
	open := func(ctx context.Context, path string) (store.Store, error) { return sqlite.Open(ctx, path) }
	killtest.KillWriter(t, open, func() string { return filepath.Join(t.TempDir(), "souk.db") }, killtest.Rounds())
}

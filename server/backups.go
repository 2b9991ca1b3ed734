package server

import (
	"context"

	"github.com/souk-mesh/souk/server/backup"
)

// Backup copies the store, its decision log and the key of that into the new
// file at to, also beside a running server.
func Backup(ctx context.Context, cfg Config, to string) (backup.Manifest, error) {
	return backup.Opener(openStore).Make(ctx, cfg.Store, to)
}

// Restore brings back what such a file holds. No server may be using the store.
func Restore(ctx context.Context, cfg Config, from string) (backup.Restored, error) {
	return backup.Opener(openStore).Restore(ctx, from, cfg.Store)
}

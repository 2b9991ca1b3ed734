// Package backup copies a store, its decision log and the key of that into one
// archive, as they are at one time and while a server runs, and brings them
// back. It verifies what it has copied, on both sides. What a store or a log is
// belongs to their rooms.
package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Opener opens the store at a URI: only the wiring knows the engines.
type Opener func(ctx context.Context, uri string, mode store.Mode) (store.Store, error)

// Make writes the archive of the store at uri. Its errors say what is not
// sound; then there is no archive.
func (o Opener) Make(ctx context.Context, uri, to string) (m Manifest, err error) {
	folder, err := os.MkdirTemp(filepath.Dir(to), ".souk-backup-*") // with the mode 0700
	if err != nil {
		return m, model.Invalid("FILE", "cannot be made: "+err.Error(), "name a file in a folder that exists and that souk may write to")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if path, ok := strings.CutPrefix(uri, "sqlite:"); ok {
		if m, err = o.copySQLite(ctx, path, folder); err == nil {
			err = pack(filepath.Join(folder, "copy"), to, m)
		}
		return m, err
	}
	if m, err = o.dumpMongo(ctx, uri, folder); err == nil {
		err = pack(folder, to, m)
	}
	return m, err
}

// Restored tells how a restore went.
type Restored struct {
	Manifest

	Aside string // where what was there before is now; "" is nothing
}

// Restore brings back what an archive holds, into a store that no server uses
// and that is not newer. An archive that is not whole leaves everything as it is.
func (o Opener) Restore(ctx context.Context, from, uri string) (r Restored, err error) {
	path, lite := strings.CutPrefix(uri, "sqlite:")
	near := os.TempDir()
	if lite {
		near = filepath.Dir(path) // on the same disk, so that everything takes its place at once
	}
	folder, err := os.MkdirTemp(near, ".souk-restore-*")
	if err != nil {
		return r, fmt.Errorf("make a folder to unpack into: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if r.Manifest, err = unpack(from, folder); err != nil {
		return r, err
	}
	if wanted := map[bool]string{true: "sqlite", false: "mongodb"}[lite]; r.Engine != wanted {
		return r, model.Invalid("store", "the archive is of "+r.Engine, "name a store of that kind with --store")
	}
	if !lite {
		return r, o.putMongo(ctx, uri, folder, r.Manifest)
	}
	said := r.Manifest
	found, err := o.judge(ctx, folder)
	if err != nil {
		return r, err
	}
	if found.Head != said.Head || found.Change != said.Change || found.PublicKey != said.PublicKey {
		return r, damaged(from, "what it holds is not what it says", nil)
	}
	if err := sweep(folder); err != nil {
		return r, err
	}
	r.Aside, err = o.putSQLite(ctx, path, folder, said)
	return r, err
}

// sweep takes away what SQLite has left beside the copies while they were read.
func sweep(folder string) error {
	for _, pattern := range []string{"*-wal", "*-shm", "*/*-wal", "*/*-shm"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}

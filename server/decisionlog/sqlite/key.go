package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// Secret implements chain.Keeper.
func (db *DB) Secret(ctx context.Context, make func() []byte) ([]byte, error) {
	if db.dir == "" {
		if db.secret == nil {
			db.secret = make()
		}
		return db.secret, nil
	}
	if err := db.private(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(db.key)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return db.firstSecret(ctx, make)
	case err != nil:
		return nil, db.unusable(err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, db.keyless(fmt.Sprintf("the key file %q is damaged", db.key))
	}
	return secret, nil
}

// private refuses a key that others may use, as it is done with the key of the
// bundles. Who only looks on signs nothing.
func (db *DB) private() error {
	info, err := os.Stat(db.key)
	if errors.Is(err, os.ErrNotExist) || db.options.ReadOnly || runtime.GOOS == "windows" { // whose modes say nothing of others
		return nil
	}
	if err != nil {
		return db.unusable(err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return &model.Error{
		Kind:    model.KindUnavailable,
		Message: fmt.Sprintf("the key of the decision log, %q, may be used by others than its owner (it has the mode %#o), and whoever reads it can sign what they like in its place", db.key, info.Mode().Perm()),
		Hint:    fmt.Sprintf("chmod 600 %s; if others may have read it, move it and the folder %s away, keep them, and let a new log begin with: souk decisions accept --reason TEXT", db.key, db.dir),
	}
}

// firstSecret makes the key file. A log that has rows has a key too, and
// another one would not fit its signatures.
func (db *DB) firstSecret(ctx context.Context, make func() []byte) ([]byte, error) {
	segments, err := db.Segments(ctx)
	if err != nil {
		return nil, err
	}
	if len(segments) > 0 {
		return nil, db.keyless(fmt.Sprintf("the decision log has rows, but its key file %q is gone", db.key))
	}
	secret := make()
	if db.options.ReadOnly {
		return secret, nil
	}
	return secret, db.writeKey(hex.EncodeToString(secret) + "\n")
}

// writeKey makes the file whole or not at all.
func (db *DB) writeKey(text string) error {
	f, err := os.CreateTemp(filepath.Dir(db.key), filepath.Base(db.key)+".*") // with the mode 0600
	if err != nil {
		return db.unusable(err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), db.key)
	}
	if err != nil {
		return errors.Join(db.unusable(err), os.Remove(f.Name()))
	}
	return nil
}

func (db *DB) keyless(message string) error {
	return &model.Error{
		Kind: model.KindUnavailable, Message: message,
		Hint: "bring it back with souk restore FILE; if it is lost, move the folder " + db.dir + " away and keep it: a new log with a new key then begins with: souk decisions accept --reason TEXT",
	}
}

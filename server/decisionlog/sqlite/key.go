package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
		Hint: "restore it from the backup; if it is lost, move the folder " + db.dir + " away and keep it: a new log then begins with a new key",
	}
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"
)

// Copy writes the database at from, which errors call by the name, as it is at one time and beside whoever
// writes it, into the new file to, which its owner alone can read. That time is when begins is called, or just after.
func Copy(ctx context.Context, name, from, to string, begins func()) error {
	f := &File{path: from, options: Options{Name: name, Existing: true}}
	if err := f.look(); err != nil {
		return err
	}
	made, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator's own file, which SQLite fills while it is empty
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return err
	}
	conn, err := f.connect(nil)
	if err != nil {
		return f.unusable(err)
	}
	conn.conn.SetInterrupt(ctx.Done())
	begins()
	err = conn.Exec("VACUUM INTO ?", to)
	if IsDamaged(err) {
		err = f.unusable(err)
	}
	return errors.Join(err, conn.conn.Close())
}

// Damage tells what SQLite finds wrong with a file that nobody writes.
func Damage(ctx context.Context, path string) (found []string, err error) {
	f, err := Open(path, Options{Name: "file", ReadOnly: true, Interrupt: true, anybody: true})
	if err != nil {
		return nil, err
	}
	err = f.Read(ctx, func(c *Conn) error {
		return c.Rows("PRAGMA integrity_check(10)", nil, func(r Row) (bool, error) {
			if text := r.Text(0); text != "ok" {
				found = append(found, fmt.Sprintf("%s: %s", path, text))
			}
			return true, nil
		})
	})
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultCorrupt {
		found, err = append(found, fmt.Sprintf("%s: %v", path, err)), nil
	}
	return found, errors.Join(err, f.Close())
}

// Hold keeps every souk from opening the file at path, which need not be there,
// until unlock. One that is in use is an error of kind Unavailable.
func Hold(name, path string) (unlock func() error, err error) {
	f := &File{path: Resolve(path), options: Options{Name: name}}
	if err := f.look(); err != nil {
		return nil, err
	}
	named, err := lock(f.path + ".lock")
	if err != nil {
		return nil, f.refused(err)
	}
	inode := func() error { return nil }
	if _, absent := os.Stat(f.path); absent == nil {
		if inode, err = lockInode(f.path); err != nil {
			return nil, errors.Join(f.refused(err), named())
		}
	}
	return func() error { return errors.Join(inode(), named()) }, nil
}

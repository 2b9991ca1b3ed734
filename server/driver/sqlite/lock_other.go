//go:build !unix || solaris || illumos || aix

package sqlite

import (
	"errors"
	"io/fs"
	"os"
)

// lock holds path for this process by making the file anew. Where an open file
// cannot be removed, as on Windows, a file that stayed behind is no obstacle
// and a file in use is one.
func lock(path string) (unlock func() error, err error) {
	_ = os.Remove(path) // it stays while another process has it open, and then the next line says so
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, errHeld
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}

// lockFolder leaves it to the lock on the store.
func lockFolder(string) (unlock func() error, err error) { return func() error { return nil }, nil }

//go:build unix && !solaris && !illumos && !aix

package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock holds path for this process. The system lets go of it when the process
// ends, however it ends, so that the file may stay behind.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, err
	}
	return hold(f)
}

// lockFolder holds a folder for this process, whatever name leads to it.
func lockFolder(path string) (unlock func() error, err error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, err
	}
	return hold(f)
}

func hold(f *os.File) (unlock func() error, err error) {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, err
	}
	return f.Close, nil
}

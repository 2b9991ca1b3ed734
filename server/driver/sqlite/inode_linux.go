package sqlite

import (
	"errors"

	"golang.org/x/sys/unix"
)

// inodeByte is a byte that no database reaches and that SQLite never locks.
const inodeByte = 1 << 62

// lockInode holds the file itself for this process, whatever name leads to it:
// a link, or a mount of the single file. A refused one is left open on purpose:
// to close it would let go of the locks that other connections of this process
// have on the file. A file system without such locks leaves it to the name.
func lockInode(path string) (unlock func() error, err error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK, Start: inodeByte, Len: 1}
	err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &whole)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return nil, errHeld
	}
	return func() error { return unix.Close(fd) }, nil
}

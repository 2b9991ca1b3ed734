//go:build !linux

package sqlite

// lockInode leaves it to the lock on the resolved name: elsewhere there is no
// lock on a file that SQLite's own would not meet.
func lockInode(string) (unlock func() error, err error) { return func() error { return nil }, nil }

package sqlite

import "golang.org/x/sys/unix"

// free is the room that is left on the disk of the path; false is not known.
func free(path string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * s.Bsize, true //nolint:gosec // a size of a block, which is small
}

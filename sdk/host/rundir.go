package host

import (
	"crypto/rand"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk/host/process"
)

const (
	newPrefix = "souk-new-" // of a directory that has no owner's lock yet
	runPrefix = "souk-run-"
	ownerFile = ".owner" // locked for as long as the host lives

	runNameLength = 10 // letters that nobody can guess, in a path short enough for a socket
)

// runDir is the directory of one process, with its owner's lock.
type runDir struct {
	path  string
	owner *os.File // nil where files cannot be locked
}

// newRunDir makes a directory of our own. It takes the name by which the sweep
// of another host knows it when its owner's lock is held, so that no sweep ever
// finds it without.
func newRunDir(account *process.Account) (*runDir, error) {
	base := runBase()
	path, err := os.MkdirTemp(base, newPrefix) // made with mode 0700
	if err != nil {
		return nil, err
	}
	d := &runDir{path: path}
	if d.owner, err = lock(filepath.Join(path, ownerFile), os.O_CREATE); err == nil {
		err = d.rename(filepath.Join(base, runPrefix+rand.Text()[:runNameLength]))
	}
	if err == nil {
		err = give(d.path, account)
	}
	if err != nil {
		_ = d.remove() // why it could not be made says more
		return nil, err
	}
	return d, nil
}

func (d *runDir) rename(path string) error {
	if err := os.Rename(d.path, path); err != nil {
		return err
	}
	d.path = path
	return nil
}

// runBase is a folder whose own path leaves room for that of a socket.
func runBase() string {
	base := os.TempDir()
	if len(base) > 40 && filepath.Separator == '/' {
		base = "/tmp"
	}
	return base
}

func (d *runDir) remove() error {
	err := os.RemoveAll(d.path)
	if err != nil { // what was copied for a plugin is read-only, its folders too
		_ = filepath.WalkDir(d.path, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				err = os.Chmod(path, 0o700) //nolint:gosec // a folder of our own that is about to be removed
			}
			return err
		})
		err = os.RemoveAll(d.path)
	}
	if d.owner != nil {
		_ = d.owner.Close() // gives the lock up; nothing was written
	}
	return err
}

// staleAfter is the age at which a directory without an owner's lock is nobody's,
// one that was never finished or one of a host of before: no run lasts that long.
const staleAfter = 6 * time.Hour

// RemoveLeftBehind removes the directories of runs whose host is gone: it was
// killed, or the machine went down. What their plugins had started is ended,
// where cgroups held it. A directory whose host lives stays. It is
// called at the start of a program that launches plugins.
func RemoveLeftBehind(log *slog.Logger) {
	base, cgroup := runBase(), process.OwnCgroup()
	entries, err := os.ReadDir(base)
	if err != nil {
		return // Launch says so, and what to do
	}
	removed := 0
	for _, entry := range entries {
		path := filepath.Join(base, entry.Name())
		if !entry.IsDir() || !leftBehind(path) {
			continue
		}
		process.EndCell(cgroup, entry.Name())
		if err := os.RemoveAll(path); err != nil {
			log.Warn("the directory of a plugin whose host is gone cannot be removed", slog.String("path", path), slog.Any("error", err))
			continue
		}
		removed++
	}
	if removed > 0 {
		log.Info("directories of plugins whose host is gone were removed", slog.Int("count", removed))
	}
}

// leftBehind tells whether a directory is a run's, and nobody's any more. The
// lock of one that is being made is never tried: its maker could not have it then.
func leftBehind(path string) bool {
	isNew, isRun := strings.HasPrefix(filepath.Base(path), newPrefix), strings.HasPrefix(filepath.Base(path), runPrefix)
	if !isNew && !isRun {
		return false
	}
	info, err := os.Lstat(path)
	if err != nil || !isOurs(info) {
		return false
	}
	isOld := time.Since(info.ModTime()) > staleAfter
	if isNew {
		return isOld
	}
	owner, err := lock(filepath.Join(path, ownerFile), 0)
	switch {
	case err == nil && owner != nil:
		_ = owner.Close()
		return true
	case os.IsNotExist(err), owner == nil && err == nil:
		return isOld
	}
	return false
}

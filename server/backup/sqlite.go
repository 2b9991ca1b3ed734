package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	keeper "github.com/souk-mesh/souk/server/decisionlog/sqlite"
	driver "github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

const (
	storeFile = "souk.db"
	logFolder = "souk-decisions"
	keyFile   = "souk-decisions.key"
	tries     = 8 // how often the files are copied until the copies fit together
)

// copySQLite copies store, log and key as they are at one time. The log follows
// the store, and the store remembers the log's head: the two are copied at once,
// and again when they were written to in a way that shows.
func (o Opener) copySQLite(ctx context.Context, path, folder string) (Manifest, error) {
	var m Manifest
	var err error
	for range tries {
		part := filepath.Join(folder, "copy")
		if err := errors.Join(os.RemoveAll(part), os.MkdirAll(filepath.Join(part, logFolder), 0o700)); err != nil {
			return m, err
		}
		if err = copyFiles(ctx, path, part); err != nil {
			return m, err
		}
		if m, err = o.judge(ctx, part); err == nil {
			return m, list(part, &m)
		}
	}
	return m, err
}

func copyFiles(ctx context.Context, path, to string) error {
	log, err := keeper.Place(path)
	if err != nil {
		return err
	}
	months, err := filepath.Glob(filepath.Join(log, "*.db"))
	if err != nil {
		return err
	}
	if err := copyKey(log+".key", filepath.Join(to, keyFile), len(months) > 0); err != nil {
		return fmt.Errorf("copy the key of the decision log: %w", err)
	}
	copyStore := func() error { return driver.Copy(ctx, "store", path, filepath.Join(to, storeFile), func() {}) }
	if len(months) == 0 {
		return copyStore()
	}
	last := len(months) - 1 // the one that is written
	for _, month := range months[:last] {
		if err := copyMonth(ctx, month, to, func() {}); err != nil {
			return err
		}
	}
	return atOnce(func(begins func()) error { return copyMonth(ctx, months[last], to, begins) }, copyStore)
}

func copyMonth(ctx context.Context, month, to string, begins func()) error {
	if err := driver.Copy(ctx, "decision log", month, filepath.Join(to, logFolder, filepath.Base(month)), begins); err != nil {
		return fmt.Errorf("copy the decision log: %w", err)
	}
	return nil
}

func copyKey(from, to string, must bool) error {
	key, err := os.ReadFile(from) //nolint:gosec // the operator's own file
	if errors.Is(err, os.ErrNotExist) && !must {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, key, 0o600) //nolint:gosec // the operator's own file
}

// atOnce does the second work as soon as the first begins, and waits for both.
func atOnce(first func(begins func()) error, second func() error) error {
	begun, done := make(chan struct{}), make(chan error, 1)
	begins := sync.OnceFunc(func() { close(begun) })
	go func() {
		defer begins() // also when it never came to that
		done <- first(begins)
	}()
	<-begun
	return errors.Join(second(), <-done)
}

// judge verifies copies: the chain, the signatures, the pages of every file, and
// that store and log belong together.
func (o Opener) judge(ctx context.Context, folder string) (Manifest, error) {
	m := Manifest{Format: format, Engine: "sqlite", Made: model.Now()}
	at := filepath.Join(folder, storeFile)
	records, err := o(ctx, "sqlite:"+at, store.Reading)
	if err != nil {
		return m, err
	}
	l, err := decisionlog.Open(ctx, decisionlog.Config{URI: "sqlite:" + at, ReadOnly: true, Store: records, Owns: true})
	if err != nil {
		return m, errors.Join(err, records.Close())
	}
	err = inspect(ctx, l, records, &m)
	damage, looked := driver.Damage(ctx, at)
	if len(damage) > 0 {
		err = errors.Join(err, unsound(damage))
	}
	return m, errors.Join(err, looked, l.Close())
}

// inspect verifies the log and fills in what the manifest says of the content.
func inspect(ctx context.Context, l *decisionlog.Log, records store.Store, m *Manifest) error {
	report, err := l.Verify(ctx, nil)
	if err != nil {
		return err
	}
	m.Rows, m.Head, m.PublicKey = report.Rows, report.Head, report.PublicKey
	if m.Change, err = lastChange(ctx, records); err != nil || report.OK() {
		return err
	}
	var problems []string
	for _, p := range report.Problems[:min(len(report.Problems), 3)] {
		problems = append(problems, p.String())
	}
	return unsound(problems)
}

func unsound(problems []string) error {
	return &model.Error{
		Kind: model.KindUnavailable, Message: "the store and its decision log are not sound: " + strings.Join(problems, "; "),
		Hint: "souk decisions verify names everything; restore an earlier backup, or go on with souk decisions accept --reason TEXT where that helps",
	}
}

func lastChange(ctx context.Context, s store.Store) (int64, error) {
	e, err := store.Events.First(ctx, s, store.Query{Index: "by_seq", Desc: true})
	if model.Is(err, model.KindNotFound) {
		return 0, nil
	}
	return e.Seq, err
}

// list names the parts of the folder. SQLite's own files beside the databases
// are no parts: the copies are closed.
func list(folder string, m *Manifest) error {
	m.Parts = nil
	return filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-wal") || strings.HasSuffix(path, "-shm") {
			return err
		}
		name, err := filepath.Rel(folder, path)
		m.Parts = append(m.Parts, Part{Name: filepath.ToSlash(name)})
		return err
	})
}

// putSQLite puts verified copies in the place of the store at path. What was
// there is moved aside.
func (o Opener) putSQLite(ctx context.Context, path, folder string, m Manifest) (aside string, err error) {
	path = driver.Resolve(path)
	unlock, err := driver.Hold("store", path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := o.older(ctx, path, m); err != nil {
		return "", err
	}
	log := keeper.Beside(path)
	aside = path + ".before-restore-" + time.Now().UTC().Format("20060102T150405Z")
	if aside, err = moveAside(aside, path, log); err != nil {
		return aside, err
	}
	for _, move := range [][2]string{{keyFile, log + ".key"}, {logFolder, log}, {storeFile, path}} { // the store last: without it nothing begins
		err := os.Rename(filepath.Join(folder, move[0]), move[1])
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return aside, fmt.Errorf("put the restored files in their place (what was there is in %s): %w", aside, err)
		}
	}
	return aside, nil
}

// older refuses a store that has come further than the archive. One that cannot
// be read any more is what restoring is for.
func (o Opener) older(ctx context.Context, path string, m Manifest) error {
	records, err := o(ctx, "sqlite:"+path, store.Reading)
	if err != nil {
		return nil //nolint:nilerr // there is none, or it is damaged
	}
	last, err := lastChange(ctx, records)
	if err := records.Close(); err != nil {
		return err
	}
	if err == nil && last > m.Change {
		return newer(fmt.Sprintf("the store %q", path), last, m.Change, "move the store, its log and its key away")
	}
	return nil
}

func newer(what string, last, change int64, how string) error {
	return &model.Error{
		Kind: model.KindConflict, Code: "STORE_NEWER",
		Message: fmt.Sprintf("%s has come to change %d, and the archive ends with change %d", what, last, change),
		Hint:    "nothing was touched; if the later changes shall go, " + how + " first",
	}
}

// moveAside moves the store with SQLite's own files, the log and the key into a
// folder beside them; "" is none.
func moveAside(aside, path, log string) (string, error) {
	moved := false
	for _, old := range []string{path, path + "-wal", path + "-shm", log, log + ".key"} {
		if _, err := os.Lstat(old); err != nil {
			continue
		}
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return "", err
		}
		moved = true
		if err := os.Rename(old, filepath.Join(aside, filepath.Base(old))); err != nil {
			return aside, err
		}
	}
	if !moved {
		return "", nil
	}
	return aside, nil
}

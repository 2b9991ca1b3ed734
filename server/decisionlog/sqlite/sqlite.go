// Package sqlite keeps the decision log in SQLite: a folder beside the store
// with a file for each month, so that the log has a writer lock and a journal
// of its own, and a key file that only its owner may read. It owns the folder,
// the tables and the statements on them. What a row says and how rows are
// linked is chain's; a file and its connections are the driver's.
package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/driver/sqlite"
)

var _ chain.Keeper = (*DB)(nil)

const (
	memory = sqlite.Memory
	suffix = ".db"
)

// Options say how the log is opened.
type Options struct {
	ReadOnly bool // beside the process that writes it
	Relaxed  bool // commits survive the process but not the machine
}

// DB is an open log.
type DB struct {
	dir     string // "" in memory
	key     string // the file with the secret
	options Options

	mu     sync.Mutex
	files  map[string]*sqlite.File
	unlock func() error // of the folder; nil while it is not held
	secret []byte       // in memory only
}

// Open opens the log of the store at path. It makes nothing before the first
// row is written.
func Open(path string, o Options) (*DB, error) {
	db := &DB{options: o, files: map[string]*sqlite.File{}}
	if path == memory {
		return db, nil
	}
	beside, err := Place(path)
	if err != nil {
		return nil, err
	}
	db.dir, db.key = beside, beside+".key"
	if err := db.load(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// load opens the segments that there are.
func (db *DB) load() error {
	names, err := db.names()
	if err != nil || len(names) == 0 {
		return db.unusable(err)
	}
	if err := db.hold(); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := db.open(name); err != nil {
			return err
		}
	}
	return nil
}

// Place is where the log of the store at path lies, without an ending: beside
// the file itself, whatever links lead to it. An earlier souk put it beside the
// link, where it stays.
func Place(path string) (string, error) {
	named, real := Beside(path), Beside(sqlite.Resolve(path))
	there, here := exists(named) || exists(named+".key"), exists(real) || exists(real+".key")
	switch {
	case there && here && sqlite.Resolve(named) != sqlite.Resolve(real):
		return "", &model.Error{
			Kind: model.KindUnavailable, Message: fmt.Sprintf("the store has two decision logs, %q and %q, by two of its names", named, real),
			Hint: "move the one away that is not the store's (souk decisions verify --store names what it finds), and keep it",
		}
	case there:
		return named, nil
	default:
		return real, nil
	}
}

// Beside is the folder of the log beside a store of the name; its key has the
// same name and ends in .key.
func Beside(path string) string { return strings.TrimSuffix(path, suffix) + "-decisions" }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// hold keeps other processes from writing in the folder.
func (db *DB) hold() (err error) {
	if db.options.ReadOnly || db.unlock != nil {
		return nil
	}
	db.unlock, err = sqlite.LockFolder("decision log", db.dir)
	return err
}

// names lists the segments that have a file, the oldest first.
func (db *DB) names() ([]string, error) {
	entries, err := os.ReadDir(db.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries { // sorted by name
		if name, ok := strings.CutSuffix(e.Name(), suffix); ok {
			names = append(names, name)
		}
	}
	return names, err
}

// open gives the file of a segment, and makes it when there is none.
func (db *DB) open(name string) (*sqlite.File, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if f, ok := db.files[name]; ok {
		return f, nil
	}
	path := memory
	if db.dir != "" {
		if err := os.MkdirAll(db.dir, 0o700); err != nil {
			return nil, db.unusable(err)
		}
		if err := db.hold(); err != nil {
			return nil, db.unusable(err)
		}
		path = filepath.Join(db.dir, name+suffix)
	}
	f, err := openFile(path, db.options)
	if err != nil {
		return nil, db.unusable(err)
	}
	db.files[name] = f
	return f, nil
}

// all gives the open files, the oldest first.
func (db *DB) all() []*sqlite.File {
	names := db.segmentNames()
	files := make([]*sqlite.File, len(names))
	for i, name := range names {
		files[i] = db.find(name)
	}
	return files
}

func (db *DB) segmentNames() []string {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.Sorted(maps.Keys(db.files))
}

func (db *DB) find(name string) *sqlite.File {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.files[name]
}

func (db *DB) unusable(err error) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*model.Error](err); ours {
		return err
	}
	return &model.Error{
		Kind: model.KindUnavailable, Message: fmt.Sprintf("the decision log %q cannot be used", db.dir),
		Hint: sqlite.Remedy(err), Err: err,
	}
}

// Segments implements chain.Keeper.
func (db *DB) Segments(ctx context.Context) ([]chain.Segment, error) {
	var segments []chain.Segment
	for _, f := range db.all() {
		s, found, err := segment(ctx, f)
		if err != nil {
			return nil, db.unusable(err)
		}
		if found {
			segments = append(segments, s)
		}
	}
	return segments, nil
}

// Marks implements chain.Keeper.
func (db *DB) Marks(ctx context.Context, name string) ([]chain.Mark, error) {
	var marks []chain.Mark
	f := db.find(name)
	if f == nil {
		return nil, nil
	}
	err := query(ctx, f, "SELECT doc FROM mark ORDER BY day", nil, func(r sqlite.Row) (bool, error) {
		var m chain.Mark
		if err := json.Unmarshal(r.Bytes(0), &m); err != nil {
			return false, fmt.Errorf("a mark of %s is damaged: %w", name, err)
		}
		marks = append(marks, m)
		return true, nil
	})
	return marks, err
}

// Cursor implements chain.Keeper. Every file takes the cursor over from the
// one before it.
func (db *DB) Cursor(ctx context.Context) (int64, error) {
	files := db.all()
	for _, f := range slices.Backward(files) {
		if at, found, err := cursor(ctx, f); err != nil || found {
			return at, err
		}
	}
	return 0, nil
}

// Close implements chain.Keeper.
func (db *DB) Close() error {
	var errs []error
	for _, f := range db.all() {
		errs = append(errs, f.Close())
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	clear(db.files)
	if db.unlock != nil {
		errs = append(errs, db.unlock())
		db.unlock = nil
	}
	return errors.Join(errs...)
}

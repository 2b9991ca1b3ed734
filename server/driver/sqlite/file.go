// Package sqlite opens a SQLite file for a room that keeps something in it: one
// connection writes, some read. It owns the file (its owner's alone, and one
// process's where that is asked for), the pragmas and the waiting of the
// connections, transactions, statements and the binding of their values. It
// refuses a file of a newer Souk and one of another program, and knows nothing
// of what its users keep.
package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// Memory is the path of a file that lives and dies with its process. One
// connection does everything in it.
const Memory = ":memory:"

// Options say how a file is opened and what it is.
type Options struct {
	Name      string // of what is kept, as errors have it: "store"
	Exclusive bool   // for one process at a time, by a lock beside the file
	ReadOnly  bool   // looks on beside the process that writes
	Existing  bool   // Open makes no file; one that is only read is never made
	Readers   int    // how many reads run at once, 1 at least

	// Interrupt stops a read in the middle of a statement when its context ends,
	// and not only at the next row. It costs every read a goroutine, which is
	// well spent on statements that may go long without a row.
	Interrupt bool

	// Nil is what is kept for a nil. Without it a nil is no value to bind.
	Nil any

	// Application and Layout stand in the header of the file. Application may be
	// 0; layouts are numbered from 1.
	Application, Layout int64

	anybody bool // whatever program's file it is

	// Prepare completes the tables whenever the file is opened for writing, in
	// the transaction that made it when there was none.
	Prepare func(*Conn) error

	// Writing and Reading are pragmas for the connections, beside those that
	// every file has. Writing comes before the first page is written, so that it
	// can say how large that is.
	Writing, Reading []string
}

// File is an open file.
type File struct {
	path    string
	options Options
	writer  chan *Conn // when it is free; nil where nobody writes
	readers chan *Conn // those that are free, each nil until it is first used
	unlock  func() error
	still   bool // on a medium that cannot be written, where nothing changes
}

// Open opens the file at path, and makes it when there is none, unless it is to
// be there. Its errors name the file and say what its operator can do: they are
// of kind NotFound where there is none, else of kind Unavailable.
func Open(path string, o Options) (*File, error) {
	f := &File{path: path, options: o, writer: make(chan *Conn, 1), unlock: func() error { return nil }}
	f.writer <- nil
	f.readers = f.writer
	if path != Memory {
		f.readers = make(chan *Conn, max(o.Readers, 1))
		for range cap(f.readers) {
			f.readers <- nil
		}
	}
	open := f.openWriter
	if o.ReadOnly {
		open = f.openReader
	}
	err := f.look()
	if err == nil {
		err = open()
	}
	if err != nil {
		return nil, errors.Join(f.unusable(err), f.Close())
	}
	return f, nil
}

// look refuses a path that names no file, before anything is made beside it.
func (f *File) look() error {
	if f.path == Memory {
		return nil
	}
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(f.path)); err != nil {
			return f.homeless(err)
		}
		if f.options.Existing || f.options.ReadOnly {
			return f.absent()
		}
	case err == nil && !info.Mode().IsRegular():
		return f.noFile()
	}
	return nil
}

func (f *File) openWriter() error {
	if f.path != Memory {
		if err := f.claim(); err != nil {
			return err
		}
	}
	pragmas := append([]string{"synchronous=FULL"}, f.options.Writing...)
	conn, err := f.connect(append(pragmas, "journal_mode=WAL", "temp_store=MEMORY", "trusted_schema=OFF"))
	if err != nil {
		return err
	}
	<-f.writer
	f.writer <- conn
	return conn.transact("BEGIN IMMEDIATE", f.prepare)
}

// openReader opens the first reader to see what file it is.
func (f *File) openReader() error {
	err := f.Read(context.Background(), f.examine)
	if !unwritable(err) {
		return err
	}
	if log, missing := os.Stat(f.path + "-wal"); missing == nil && log.Size() > 0 {
		return f.unfinished(err)
	}
	f.still = true
	for range cap(f.readers) {
		if conn := <-f.readers; conn != nil {
			_ = conn.conn.Close() // it has read nothing
		}
		f.readers <- nil
	}
	return f.Read(context.Background(), f.examine)
}

// claim makes the file, readable by its owner alone, and takes the locks.
func (f *File) claim() error {
	if err := f.make(); err != nil || !f.options.Exclusive {
		return err
	}
	f.path = Resolve(f.path) // SQLite's own files lie beside the file itself too
	named, err := lock(f.path + ".lock")
	if err != nil {
		return f.refused(err)
	}
	f.unlock = named
	inode, err := lockInode(f.path)
	if err != nil {
		return f.refused(err)
	}
	f.unlock = func() error { return errors.Join(inode(), named()) }
	return nil
}

func (f *File) refused(err error) error {
	if errors.Is(err, errHeld) {
		return f.held()
	}
	return err
}

// make makes the file where there is none. One that is there is not opened: to
// close it again would let go of the locks that other connections of this
// process have on it.
func (f *File) make() error {
	if _, err := os.Stat(f.path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	made, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return made.Close()
}

// Resolve gives the path of the file itself, where links lead to it. What
// belongs to a file lies beside it, and not beside the names that it has.
func Resolve(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(folder, filepath.Base(path))
	}
	return path
}

// LockFolder holds a folder for this process until unlock. One that another
// process holds is an error of kind Unavailable.
func LockFolder(name, path string) (unlock func() error, err error) {
	unlock, err = lockFolder(path)
	if errors.Is(err, errHeld) {
		return nil, inUse(name, path)
	}
	return unlock, err
}

// errHeld says that another process holds the lock.
var errHeld = errors.New("held by another process")

// Read lends a connection to do, which sees one state of the file. When the
// context ends, so does the read, with the context's error.
func (f *File) Read(ctx context.Context, do func(*Conn) error) error {
	return f.lend(ctx, func(conn *Conn) error { return conn.read(ctx, f.options.Interrupt, do) })
}

// ReadOne is Read for a do that runs one statement. That sees one state of the
// file by itself: to begin a transaction and to end it would take as long again
// as a look-up does.
func (f *File) ReadOne(ctx context.Context, do func(*Conn) error) error {
	return f.lend(ctx, func(conn *Conn) error { return conn.interrupted(ctx, f.options.Interrupt, do) })
}

// lend lends a reader while the context lasts.
func (f *File) lend(ctx context.Context, do func(*Conn) error) error {
	select {
	case conn, open := <-f.readers:
		if !open {
			return f.closed()
		}
		defer func() { f.readers <- conn }()
		if conn == nil {
			var err error
			if conn, err = f.connect(append([]string{"query_only=ON", "temp_store=MEMORY", "trusted_schema=OFF"}, f.options.Reading...)); err != nil {
				return f.unusable(err)
			}
		}
		err := do(conn)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Write lends the writing connection to do, and keeps what do wrote if it ends
// without an error, whole or not at all.
func (f *File) Write(do func(*Conn) error) error {
	conn, err := f.borrow()
	if err != nil {
		return err
	}
	defer func() { f.writer <- conn }()
	return conn.transact("BEGIN IMMEDIATE", do)
}

// borrow waits for the writing connection, which whoever has it sends back.
func (f *File) borrow() (*Conn, error) {
	conn, open := <-f.writer
	switch {
	case !open:
		return nil, f.closed()
	case conn == nil:
		f.writer <- nil
		return nil, f.readOnly()
	default:
		return conn, nil
	}
}

// Close waits for the connections that are out and gives everything back. It
// is called once.
func (f *File) Close() error {
	errs := shut(f.readers)
	if f.readers != f.writer {
		errs = append(errs, shut(f.writer)...) // the last to close copies the log into the file
	}
	return errors.Join(append(errs, f.unlock())...)
}

// shut closes the connections when they are free, and tells those who wait for one.
func shut(pool chan *Conn) (errs []error) {
	for range cap(pool) {
		if conn := <-pool; conn != nil {
			errs = append(errs, conn.conn.Close())
		}
	}
	close(pool)
	return errs
}

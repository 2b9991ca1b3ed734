package sqlite

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
)

// Conn is a connection on loan: it is good until the function ends that it was
// lent to.
type Conn struct {
	conn *sqlite.Conn
	null any             // Options.Nil
	done <-chan struct{} // ends the read that is running
}

func (f *File) connect(pragmas []string) (*Conn, error) {
	flags := sqlite.OpenReadWrite
	if f.path == Memory {
		flags |= sqlite.OpenCreate | sqlite.OpenMemory
	}
	path := f.path
	if f.still {
		path, flags = (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(f.path), RawQuery: "immutable=1"}).String(), sqlite.OpenReadOnly|sqlite.OpenURI
	}
	conn, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(10 * time.Second) // an operator's own sqlite3 may hold the file for a moment
	c := &Conn{conn: conn, null: f.options.Nil}
	for _, p := range pragmas {
		if err := c.Run("PRAGMA " + p); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return c, nil
}

// read runs do in a transaction that the end of the context stops. The
// interrupt is off again when the transaction ends, for it would stop that too.
func (c *Conn) read(ctx context.Context, interrupt bool, do func(*Conn) error) error {
	return c.transact("BEGIN", func(c *Conn) error { return c.interrupted(ctx, interrupt, do) })
}

// interrupted runs do, which the end of the context stops.
func (c *Conn) interrupted(ctx context.Context, interrupt bool, do func(*Conn) error) error {
	c.done = ctx.Done()
	defer func() { c.done = nil }()
	if !interrupt || c.done == nil {
		return do(c)
	}
	c.conn.SetInterrupt(c.done)
	defer c.conn.SetInterrupt(nil)
	return do(c)
}

// transact runs do in a transaction, and undoes it unless all of it is good.
func (c *Conn) transact(begin string, do func(*Conn) error) (err error) {
	if err := c.Exec(begin); err != nil {
		return err
	}
	defer func() {
		if !c.conn.AutocommitEnabled() { // it is not committed, nor given up by SQLite itself
			err = errors.Join(err, c.Exec("ROLLBACK"))
		}
	}()
	if err := do(c); err != nil {
		return err
	}
	return c.Exec("COMMIT")
}

// Part runs do as a part of the transaction. What do returns is refused, with
// the part undone and the rest as it was; lost means that the whole
// transaction is.
func (c *Conn) Part(do func() error) (refused, lost error) {
	if err := c.Exec("SAVEPOINT part"); err != nil {
		return nil, err
	}
	err := do()
	switch {
	case err == nil:
		return nil, c.Exec("RELEASE part")
	case c.conn.AutocommitEnabled(): // SQLite gave the transaction up: no space, no memory, no disk
		return nil, err
	default:
		return err, errors.Join(c.Exec("ROLLBACK TO part"), c.Exec("RELEASE part"))
	}
}

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/server/driver/sqlite"
)

var errChanged = errors.New("changed my mind")

// TestWriteIsWhole keeps all of a write or nothing, in a file and in memory.
func TestWriteIsWhole(t *testing.T) {
	for _, at := range []string{path(t), sqlite.Memory} {
		f := open(t, at, options())
		err := f.Write(func(c *sqlite.Conn) error {
			return errors.Join(c.Exec("INSERT INTO song (title) VALUES (?)", "one"), errChanged)
		})
		if !errors.Is(err, errChanged) {
			t.Errorf("got %v, want what the write returned", err)
		}
		sing(t, f, "two")
		if got := number(t, f, "SELECT count(*) FROM song"); got != 1 {
			t.Errorf("%s: %d songs, want the one that was kept", at, got)
		}
	}
}

// TestReadSeesOneState reads twice with a write in between.
func TestReadSeesOneState(t *testing.T) {
	f := open(t, path(t), options())
	sing(t, f, "one")
	err := f.Read(t.Context(), func(c *sqlite.Conn) error {
		before, err1 := c.Number("SELECT count(*) FROM song")
		sing(t, f, "two")
		after, err2 := c.Number("SELECT count(*) FROM song")
		if before != 1 || after != 1 {
			t.Errorf("the read saw %d songs and then %d, want 1 and 1", before, after)
		}
		return errors.Join(err1, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := number(t, f, "SELECT count(*) FROM song"); got != 2 {
		t.Errorf("the next read sees %d songs, want 2", got)
	}
}

// TestPart undoes what is refused and keeps what came before and after.
func TestPart(t *testing.T) {
	f := open(t, path(t), options())
	err := f.Write(func(c *sqlite.Conn) error {
		for id, want := range []error{nil, errChanged, nil} {
			refused, lost := c.Part(func() error {
				return errors.Join(c.Exec("INSERT INTO song (id, title) VALUES (?, ?)", int64(id), "part"), want)
			})
			if !errors.Is(refused, want) || lost != nil {
				t.Errorf("part %d: refused %v and lost %v, want %v", id, refused, lost, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := number(t, f, "SELECT 10 * count(*) + sum(id) FROM song"); got != 22 {
		t.Errorf("got %d, want 22: the songs 0 and 2", got)
	}
}

// TestFullDisk loses the whole transaction in one of its parts, names the
// remedy, and goes on when there is room again.
func TestFullDisk(t *testing.T) {
	f := open(t, path(t), options())
	limit := func(more int64) {
		t.Helper()
		err := f.Write(func(c *sqlite.Conn) error {
			pages, err := c.Number("PRAGMA page_count")
			return errors.Join(err, c.Run(fmt.Sprint("PRAGMA max_page_count = ", pages+more)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(5)
	err := f.Write(func(c *sqlite.Conn) error {
		for _, size := range []int{1, 1 << 20} {
			refused, lost := c.Part(func() error { return c.Exec("INSERT INTO song (title) VALUES (?)", strings.Repeat("x", size)) })
			if err := errors.Join(refused, lost); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || !strings.Contains(sqlite.Remedy(err), "make room") {
		t.Errorf("got %v with the remedy %q, want a full disk", err, sqlite.Remedy(err))
	}
	limit(1 << 20)
	sing(t, f, "one")
	if got := number(t, f, "SELECT count(*) FROM song"); got != 1 {
		t.Errorf("%d songs, want 1", got)
	}
}

// endless goes on for ever: without a row, or with one after the other.
const (
	endlessWork = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"
	endlessRows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
)

// TestReadEnds stops a read with its context, and the connection is as good as
// before.
func TestReadEnds(t *testing.T) {
	for _, c := range []struct {
		name, sql, path string
		interrupt       bool
	}{
		{"between rows", endlessRows, path(t), false},
		{"within a statement", endlessWork, path(t), true},
		{"between rows, with interrupt", endlessRows, path(t), true},
		{"in memory", endlessWork, sqlite.Memory, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			o.Interrupt, o.Readers = c.interrupt, 1
			f := open(t, c.path, o)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			err := f.Read(ctx, func(conn *sqlite.Conn) error {
				return conn.Rows(c.sql, nil, func(sqlite.Row) (bool, error) { return true, nil })
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the context's error", err)
			}
			sing(t, f, "one")
			if got := number(t, f, "SELECT count(*) FROM song"); got != 1 {
				t.Errorf("%d songs, want 1", got)
			}
		})
	}
}

// TestWaitEnds ends the wait for a connection with the context.
func TestWaitEnds(t *testing.T) {
	o := options()
	o.Readers = 1
	f := open(t, path(t), o)
	err := f.Read(t.Context(), func(*sqlite.Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		return f.Read(ctx, func(*sqlite.Conn) error { return nil })
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

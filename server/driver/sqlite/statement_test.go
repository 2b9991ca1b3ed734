package sqlite_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/sqlite"
)

// TestValues reads back what was bound.
func TestValues(t *testing.T) {
	f := open(t, sqlite.Memory, options())
	bound := []any{"text", int64(7), []byte("bytes"), 1.5, model.ID("ast_1"), model.Revision(3), model.Slug("sales"), model.Action("asset.read"), model.Allow}
	want := []any{"text", int64(7), []byte("bytes"), 1.5, "ast_1", int64(3), "sales", "asset.read", string(model.Allow), nil}
	var got []any
	err := f.Read(t.Context(), func(c *sqlite.Conn) error {
		return c.Rows("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL", bound, func(r sqlite.Row) (bool, error) {
			for i := range want {
				got = append(got, r.Value(i))
			}
			if r.Text(0) != "text" || r.Int(1) != 7 || string(r.Bytes(2)) != "bytes" || r.Bytes(9) != nil {
				t.Errorf("got %q, %d, %q and %v", r.Text(0), r.Int(1), r.Bytes(2), r.Bytes(9))
			}
			return true, nil
		})
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestNoValue(t *testing.T) {
	f := open(t, sqlite.Memory, options())
	for _, v := range []any{nil, 7, true} {
		err := f.Write(func(c *sqlite.Conn) error { return c.Exec("INSERT INTO song (title) VALUES (?)", v) })
		if err == nil || !strings.Contains(err.Error(), "cannot be a parameter") {
			t.Errorf("%v: got %v, want a refusal", v, err)
		}
	}
}

// TestNil keeps a nil as the user wants it, and gives it back as nil.
func TestNil(t *testing.T) {
	o := options()
	o.Nil = math.Inf(-1)
	f := open(t, sqlite.Memory, o)
	sing(t, f, nil)
	sing(t, f, math.Inf(1))
	var got []any
	err := f.Read(t.Context(), func(c *sqlite.Conn) error {
		return c.Rows("SELECT title, title = ? FROM song ORDER BY title", []any{nil}, func(r sqlite.Row) (bool, error) {
			got = append(got, r.Value(0), r.Value(1))
			return true, nil
		})
	})
	if diff := cmp.Diff([]any{nil, int64(1), math.Inf(1), int64(0)}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestRowsStop when each wants no more or fails, and the statement can run again.
func TestRowsStop(t *testing.T) {
	f := open(t, sqlite.Memory, options())
	for range 3 {
		sing(t, f, "song")
	}
	for _, stop := range []error{nil, errChanged} {
		seen := 0
		err := f.Read(t.Context(), func(c *sqlite.Conn) error {
			return c.Rows("SELECT id FROM song", nil, func(sqlite.Row) (bool, error) {
				seen++
				return stop != nil, stop
			})
		})
		if seen != 1 || !errors.Is(err, stop) {
			t.Errorf("saw %d rows and %v, want 1 and %v", seen, err, stop)
		}
	}
}

func TestTaken(t *testing.T) {
	f := open(t, sqlite.Memory, options())
	insert := func(id int64, author string) error {
		return f.Write(func(c *sqlite.Conn) error {
			return c.Exec("INSERT INTO song (id, author) VALUES (?, ?)", id, author)
		})
	}
	for _, c := range []struct {
		id         int64
		author     string
		key, value bool
	}{{1, "ada", false, false}, {1, "bob", true, false}, {2, "ada", false, true}} {
		err := insert(c.id, c.author)
		if sqlite.IsKeyTaken(err) != c.key || sqlite.IsValueTaken(err) != c.value {
			t.Errorf("%d by %s: got %v", c.id, c.author, err)
		}
	}
}

package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	zombie "zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/sqlite"
)

const application = 77

// options are those of a store of songs.
func options() sqlite.Options {
	return sqlite.Options{
		Name: "song book", Exclusive: true, Readers: 2, Application: application, Layout: 3,
		Prepare: func(c *sqlite.Conn) error {
			return c.Run("CREATE TABLE IF NOT EXISTS song (id INTEGER PRIMARY KEY, title, author UNIQUE)")
		},
	}
}

func path(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "songs.db")
}

// open opens the file and closes it when the test ends.
func open(t *testing.T, path string, o sqlite.Options) *sqlite.File {
	t.Helper()
	f, err := sqlite.Open(path, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

// made makes a file and closes it again.
func made(t *testing.T, path string, o sqlite.Options) {
	t.Helper()
	f, err := sqlite.Open(path, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func sing(t *testing.T, f *sqlite.File, title any) {
	t.Helper()
	err := f.Write(func(c *sqlite.Conn) error { return c.Exec("INSERT INTO song (title) VALUES (?)", title) })
	if err != nil {
		t.Fatalf("write: %v", err)
	}
}

func number(t *testing.T, f *sqlite.File, sql string) (n int64) {
	t.Helper()
	err := f.Read(t.Context(), func(c *sqlite.Conn) (err error) {
		n, err = c.Number(sql)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// script runs statements on a file that nobody has open.
func script(t *testing.T, path string, statements ...string) {
	t.Helper()
	conn, err := zombie.OpenConn(path, zombie.OpenReadWrite|zombie.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, sql := range statements {
		stmt, _, err := conn.PrepareTransient(sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if _, err := stmt.Step(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		_ = stmt.Finalize()
	}
}

func wantRefused(t *testing.T, path string, o sqlite.Options, words ...string) {
	t.Helper()
	f, err := sqlite.Open(path, o)
	if err == nil {
		_ = f.Close()
	}
	wantUnavailable(t, err, words...)
}

func wantUnavailable(t *testing.T, err error, words ...string) {
	t.Helper()
	if !model.Is(err, model.KindUnavailable) {
		t.Fatalf("got %v, want kind Unavailable", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not name %q", err, w)
		}
	}
}

func TestOneProcess(t *testing.T) {
	at := path(t)
	first, err := sqlite.Open(at, options())
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, at, options(), "song book", "songs.db", "in use by another souk", "stop the other souk")
	sing(t, first, "one") // the refusal let go of nothing that the first holds
	wantRefused(t, at, options(), "in use")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := number(t, open(t, at, options()), "SELECT count(*) FROM song"); got != 1 {
		t.Errorf("%d songs are left, want 1", got)
	}
}

func TestOwnerOnly(t *testing.T) {
	for _, exclusive := range []bool{true, false} {
		at, o := path(t), options()
		o.Exclusive = exclusive
		sing(t, open(t, at, o), "one")
		for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
			info, err := os.Stat(at + suffix)
			switch {
			case suffix == ".lock" && !exclusive:
				if !errors.Is(err, os.ErrNotExist) {
					t.Errorf("there is a lock that nobody asked for (%v)", err)
				}
			case err != nil:
				t.Errorf("%q: %v", suffix, err)
			case info.Mode().Perm() != 0o600:
				t.Errorf("%q has mode %o, want 600", suffix, info.Mode().Perm())
			}
		}
	}
}

// TestSharedFile has two that write, as two processes would.
func TestSharedFile(t *testing.T) {
	at, o := path(t), options()
	o.Exclusive = false
	first, second := open(t, at, o), open(t, at, o)
	sing(t, first, "one")
	sing(t, second, "two")
	if got := number(t, first, "SELECT count(*) FROM song"); got != 2 {
		t.Errorf("%d songs, want 2", got)
	}
}

func TestForeignFiles(t *testing.T) {
	newer, foreign, other, text, folder := path(t), path(t), path(t), path(t), t.TempDir()
	made(t, newer, options())
	script(t, newer, "PRAGMA user_version = 99")
	script(t, foreign, "CREATE TABLE bird (name)")
	script(t, other, "PRAGMA application_id = 5", "CREATE TABLE bird (name)")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	nameless, looking := options(), options()
	nameless.Application, looking.ReadOnly = 0, true
	for _, o := range []sqlite.Options{options(), looking} {
		wantRefused(t, newer, o, "newer souk", "99", "knows 3", "run the newer souk")
		wantRefused(t, foreign, o, "another program", "name another file for the song book")
		wantRefused(t, text, o, "is no database", "name another file")
		wantRefused(t, folder, o, "cannot be opened", "it is no file")
		wantRefused(t, filepath.Join(folder, "no", "such.db"), o, "cannot be opened", "folder that exists")
	}
	wantRefused(t, foreign, nameless, "another program")
	wantRefused(t, other, nameless, "another program")
	script(t, newer, "PRAGMA user_version = 3") // a refused file is as it was
	open(t, newer, options())
}

// TestPreparedAgain completes the tables of a file that an earlier Souk made.
func TestPreparedAgain(t *testing.T) {
	at := path(t)
	made(t, at, options())
	script(t, at, "DROP TABLE song")
	sing(t, open(t, at, options()), "one")
}

// TestFailedPreparation leaves nothing behind, not even the version.
func TestFailedPreparation(t *testing.T) {
	at, broken := path(t), options()
	broken.Prepare = func(c *sqlite.Conn) error { return errors.Join(c.Run("CREATE TABLE song (id)"), c.Run("CREATE TABLE")) }
	wantRefused(t, at, broken, "cannot be opened")
	sing(t, open(t, at, options()), "one")
}

func TestLookOn(t *testing.T) {
	at, looking := path(t), options()
	looking.ReadOnly = true
	wantAbsent(t, at, looking)
	writer := open(t, at, options())
	reader := open(t, at, looking)
	sing(t, writer, "one")
	if got := number(t, reader, "SELECT count(*) FROM song"); got != 1 {
		t.Errorf("the one that looks on sees %d songs, want 1", got)
	}
	wantUnavailable(t, reader.Write(func(*sqlite.Conn) error { return nil }), "for reading only", "songs.db")
}

// TestPragmas shows that a user's own come before the first page and win over
// those of every file, and that a reader writes nothing.
func TestPragmas(t *testing.T) {
	o := options()
	o.Writing, o.Reading = []string{"page_size=8192", "auto_vacuum=INCREMENTAL", "synchronous=NORMAL"}, []string{"cache_size=-77"}
	f := open(t, path(t), o)
	for pragma, want := range map[string]int64{"page_size": 8192, "auto_vacuum": 2, "query_only": 1, "cache_size": -77, "trusted_schema": 0, "temp_store": 2} {
		if got := number(t, f, "PRAGMA "+pragma); got != want {
			t.Errorf("%s is %d for a reader, want %d", pragma, got, want)
		}
	}
	err := f.Write(func(c *sqlite.Conn) error {
		for pragma, want := range map[string]int64{"synchronous": 1, "trusted_schema": 0} {
			if got, err := c.Number("PRAGMA " + pragma); err != nil || got != want {
				t.Errorf("%s is %d for the writer, want %d (%v)", pragma, got, want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Read(t.Context(), func(c *sqlite.Conn) error { return c.Exec("DELETE FROM song") }); err == nil {
		t.Error("a reader wrote")
	}
}

// TestClose waits for the read that is out, and refuses those that come after.
func TestClose(t *testing.T) {
	f, err := sqlite.Open(path(t), options())
	if err != nil {
		t.Fatal(err)
	}
	in, out, shut := make(chan bool), make(chan bool), make(chan error)
	go func() {
		_ = f.Read(context.Background(), func(*sqlite.Conn) error { in <- true; <-out; return nil })
	}()
	<-in
	go func() { shut <- f.Close() }()
	select {
	case err := <-shut:
		t.Fatalf("it is closed while a read goes on (%v)", err)
	case <-time.After(20 * time.Millisecond):
	}
	out <- true
	if err := <-shut; err != nil {
		t.Errorf("close: %v", err)
	}
	nothing := func(*sqlite.Conn) error { return nil }
	wantUnavailable(t, f.Read(t.Context(), nothing), "the song book is closed", "try again")
	wantUnavailable(t, f.Write(nothing), "the song book is closed")
}

// wantAbsent demands that opening says that there is no file, and makes nothing.
func wantAbsent(t *testing.T, at string, o sqlite.Options) {
	t.Helper()
	if _, err := sqlite.Open(at, o); !model.Is(err, model.KindNotFound) || !strings.Contains(err.Error(), "there is no song book at") {
		t.Errorf("got %v, want that there is none", err)
	}
	if made, err := filepath.Glob(at + "*"); err != nil || len(made) > 0 {
		t.Errorf("opening made %v (%v)", made, err)
	}
}

// TestExisting opens what is there, and makes nothing where there is nothing.
func TestExisting(t *testing.T) {
	at, o := path(t), options()
	o.Existing = true
	wantAbsent(t, at, o)
	made(t, at, options())
	sing(t, open(t, at, o), "one")
}

// TestDamagedFile is named as such, when it is opened and while it is in use.
func TestDamagedFile(t *testing.T) {
	at := path(t)
	f, err := sqlite.Open(at, options())
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		sing(t, f, strings.Repeat("la", 200))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	overwrite(t, at, 4096, 20*4096) // pages of songs
	f = open(t, at, options())
	err = f.Read(t.Context(), func(c *sqlite.Conn) error {
		_, err := c.Number("SELECT count(*) FROM song WHERE title <> ''")
		return err
	})
	if !sqlite.IsDamaged(err) || !strings.Contains(sqlite.Remedy(err), "souk restore") {
		t.Errorf("got %v, %q, want that it is damaged", err, sqlite.Remedy(err))
	}
	overwrite(t, at, 104, 3000) // what the file holds
	wantRefused(t, at, reader(), "is damaged", "souk restore")
}

// overwrite puts nonsense in the place of some bytes.
func overwrite(t *testing.T, at string, from, length int64) {
	t.Helper()
	f, err := os.OpenFile(at, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte(strings.Repeat("nonsense", int(length)/8)), from)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func reader() sqlite.Options {
	o := options()
	o.ReadOnly = true
	return o
}

// TestOneProcessByAnyName locks what the file is, not what it is called.
func TestOneProcessByAnyName(t *testing.T) {
	at := path(t)
	first := open(t, at, options())
	sing(t, first, "one")
	for name, link := range map[string]func(old, new string) error{"symbolic": os.Symlink, "hard": os.Link} {
		if name == "hard" && runtime.GOOS != "linux" {
			continue
		}
		for _, folder := range []string{filepath.Dir(at), t.TempDir()} {
			other := filepath.Join(folder, name+".db")
			if err := link(at, other); err != nil {
				t.Fatal(err)
			}
			wantRefused(t, other, options(), "song book", "in use by another souk")
			if err := os.Remove(other); err != nil {
				t.Fatal(err)
			}
		}
	}
	sing(t, first, "two") // the refusals let go of nothing that the first holds
	if got := number(t, open(t, at, reader()), "SELECT count(*) FROM song"); got != 2 {
		t.Errorf("%d songs, want 2", got)
	}
}

// TestThroughALink finds the file and its log where they are.
func TestThroughALink(t *testing.T) {
	at := path(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(at, link); err != nil {
		t.Fatal(err)
	}
	f := open(t, link, options()) // the link leads to nothing yet
	sing(t, f, "one")
	if _, err := os.Stat(at + "-wal"); err != nil {
		t.Errorf("the write-ahead log is not beside the file: %v", err)
	}
	if got := number(t, open(t, at, reader()), "SELECT count(*) FROM song"); got != 1 {
		t.Errorf("%d songs, want 1", got)
	}
}

package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

func write(t *testing.T, s store.Store, writes ...store.Write) {
	t.Helper()
	if _, err := s.Apply(t.Context(), store.Change{Action: "test", Actor: "prn_root", Writes: writes}); err != nil {
		t.Fatal(err)
	}
}

// stocked is a store with assets, and the same again as a map of their ids.
func stocked(t *testing.T, s store.Store, from, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(from)))
	var writes []store.Write
	for i := range n {
		a := randomAsset(r, from+i)
		a.Namespace, a.Name = "postgres://db", fmt.Sprintf("%s.%05d", a.Name, from+i)
		writes = append(writes, store.Assets.Put(a))
	}
	write(t, s, writes...)
}

func indexOf(s store.Store, file string) *Index {
	return New(s, file, slog.New(slog.DiscardHandler))
}

// keepOnce lets an index read the store and write its file, as a server does that starts and stops.
func keepOnce(t *testing.T, x *Index) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); x.Run(ctx) }()
	for deadline := time.Now().Add(20 * time.Second); x.Percent() < 100; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the index was not read")
		}
	}
	if err := x.Fresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	<-done
}

func sameHits(t *testing.T, a, b *Index) {
	t.Helper()
	for _, text := range append([]string{"s", "or"}, someWords...) {
		q := Query{Text: strings.ToLower(text), Words: Asked(text)}
		if diff := cmp.Diff(pages(t, a.entries, q), pages(t, b.entries, q)); diff != "" {
			t.Fatalf("%q: %s", text, diff)
		}
	}
}

// TestTheFileIsTheIndex: an index that was kept finds what one finds that was
// read anew, also after changes since, and what goes is forgotten.
func TestTheFileIsTheIndex(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, s store.Store) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "souk-search")
		stocked(t, s, 0, 300)
		first := indexOf(s, file)
		keepOnce(t, first)
		gone, err := store.Assets.Get(t.Context(), s, "ast_00007")
		if err != nil {
			t.Fatal(err)
		}
		write(t, s, store.Assets.Delete(gone))
		stocked(t, s, 300, 40)
		second := indexOf(s, file)
		if err := second.restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		sameHits(t, first, second)
		keepOnce(t, second) // catches up, and keeps that
		third, anew := indexOf(s, file), indexOf(s, "")
		if err := errors.Join(third.restore(t.Context()), anew.Fresh(t.Context())); err != nil {
			t.Fatal(err)
		}
		sameHits(t, third, anew)
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v, want a file for its owner alone", info.Mode(), err)
		}
	})
}

// TestAFileThatDoesNotFitIsLeft: it is never half believed, and the index is made anew.
func TestAFileThatDoesNotFitIsLeft(t *testing.T) {
	s, file := enginetest.SQLite(t), filepath.Join(t.TempDir(), "souk-search")
	stocked(t, s, 0, 50)
	keepOnce(t, indexOf(s, file))
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	middle := bytes.Index(good, []byte("customer"))
	for name, bad := range map[string][]byte{
		"empty":         {},
		"three bytes":   good[:3],
		"half":          good[:len(good)/2],
		"one byte less": good[:len(good)-1],
		"one bit":       append(append(bytes.Clone(good[:middle]), good[middle]^4), good[middle+1:]...),
		"another file":  []byte(strings.Repeat("no index at all ", 100)),
	} {
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		x := indexOf(s, file)
		if err := x.restore(t.Context()); !errors.Is(err, errUnfit) || len(x.list) > 0 {
			t.Errorf("%s: got %v and %d entries", name, err, len(x.list))
		}
		keepOnce(t, x)
		if again := indexOf(s, file); again.restore(t.Context()) != nil || len(again.list) != 50 {
			t.Errorf("%s: the file was not written anew", name)
		}
	}
}

// TestAHalfWrittenFileGoes: what a server left that was killed while it wrote takes
// no room beside what the next one writes.
func TestAHalfWrittenFileGoes(t *testing.T) {
	s, dir := enginetest.SQLite(t), t.TempDir()
	file := filepath.Join(dir, "souk-search")
	stocked(t, s, 0, 5)
	if err := os.WriteFile(file+".new", []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	keepOnce(t, indexOf(s, file))
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "souk-search" {
		t.Errorf("got %v, %v, want the file alone", left, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file for its owner alone", info, err)
	}
}

// TestAFileOfAnotherStoreIsLeft, also of one that goes on from an older backup.
func TestAFileOfAnotherStoreIsLeft(t *testing.T) {
	s, file := enginetest.SQLite(t), filepath.Join(t.TempDir(), "souk-search")
	stocked(t, s, 0, 20)
	stocked(t, s, 20, 20)
	keepOnce(t, indexOf(s, file))
	for name, events := range map[string]int{"fewer events": 1, "as many events": 2} {
		other := enginetest.SQLite(t)
		for i := range events {
			stocked(t, other, 100+i*5, 5)
		}
		if err := indexOf(other, file).restore(t.Context()); !errors.Is(err, errUnfit) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestSearchWhileItIsRead answers in time from what is known, and says how much that is.
func TestSearchWhileItIsRead(t *testing.T) {
	s := &halting{Store: enginetest.SQLite(t), release: make(chan struct{})}
	stocked(t, s.Store, 0, 1500)
	x := indexOf(s, "")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); x.Run(ctx) }()
	defer func() { stop(); <-done }()
	for x.read.Load() < 1000 {
		time.Sleep(time.Millisecond)
	}
	if err := x.Fresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, n := x.Find(Query{Text: "shop", Words: []string{"shop"}}, 10); len(found) != 10 || n != 1000 || x.Percent() != 66 {
		t.Errorf("got %d of %d hits at %d %%, want 10 of 1000 at 66", len(found), n, x.Percent())
	}
	close(s.release)
	for x.Percent() < 100 {
		time.Sleep(time.Millisecond)
	}
	if _, n := x.Find(Query{Text: "shop", Words: []string{"shop"}}, 10); n != 1500 {
		t.Errorf("got %d hits in the end, want 1500", n)
	}
}

// halting stops at the second page of assets until it may go on.
type halting struct {
	store.Store
	release chan struct{}
	pages   int
}

func (h *halting) Find(ctx context.Context, q store.Query) (store.Page, error) {
	if q.Kind == store.Assets.Kind() {
		if h.pages++; h.pages > 1 {
			select {
			case <-h.release:
			case <-ctx.Done():
			}
		}
	}
	return h.Store.Find(ctx, q)
}

// TestAFolderThatCannotBeWritten costs nothing but the file.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	var log bytes.Buffer
	s := enginetest.SQLite(t)
	stocked(t, s, 0, 5)
	x := New(s, filepath.Join(t.TempDir(), "no", "such", "folder", "souk-search"), slog.New(slog.NewTextHandler(&log, nil)))
	keepOnce(t, x)
	if !strings.Contains(log.String(), "cannot be kept") || x.Percent() != 100 {
		t.Errorf("got %d %%, %s", x.Percent(), &log)
	}
}

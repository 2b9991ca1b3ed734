package sqlite_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/server/driver/sqlite"
)

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestCheckpoints(t *testing.T) {
	at, o := path(t), options()
	o.Writing = []string{"wal_autocheckpoint=0"}
	f := open(t, at, o)
	for range 5 {
		sing(t, f, strings.Repeat("x", 4<<20))
	}
	if n := size(t, at+"-wal"); n < 16<<20 {
		t.Fatalf("the log has %d bytes: there is nothing to copy", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		f.Checkpoints(ctx, func() <-chan struct{} {
			news := make(chan struct{})
			time.AfterFunc(time.Millisecond, func() { close(news) })
			return news
		})
	})
	for deadline := time.Now().Add(20 * time.Second); size(t, at+"-wal") > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the log stays long")
		}
	}
	cancel()
	work.Wait() // it ends with its context
}

// TestShrink gives back the room of what was deleted, in the file and its log.
func TestShrink(t *testing.T) {
	at, o := path(t), options()
	o.Writing = []string{"auto_vacuum=INCREMENTAL"}
	f := open(t, at, o)
	sing(t, f, strings.Repeat("x", 1<<20))
	err := f.Write(func(c *sqlite.Conn) error { return c.Exec("DELETE FROM song") })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Shrink(); err != nil {
		t.Fatal(err)
	}
	if file, log := size(t, at), size(t, at+"-wal"); file > 1<<18 || log > 0 {
		t.Errorf("the file keeps %d bytes and its log %d", file, log)
	}
}

package groupcommit_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/server/groupcommit"
)

// recorder notes what is carried out, each group in a second.
type recorder struct{ groups [][]string }

func (r *recorder) commit(_ context.Context, group []string) {
	r.groups = append(r.groups, group)
	time.Sleep(time.Second)
}

// driven is a writer in the hands of a test.
type driven struct {
	*groupcommit.Writer[string]
	t *testing.T
}

// started runs a writer in a bubble of its own time and gives what it did.
func started(t *testing.T, c groupcommit.Config[string], story func(driven)) [][]string {
	t.Helper()
	var r recorder
	synctest.Test(t, func(t *testing.T) {
		c.Commit = r.commit
		w := groupcommit.New(c)
		ended := make(chan struct{})
		go func() { w.Run(t.Context()); close(ended) }()
		story(driven{w, t})
		w.Stop()
		w.Stop() // does nothing more
		<-ended
	})
	return r.groups
}

func wantGroups(t *testing.T, want, got [][]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// do waits for a job from another goroutine; the test goes on once it is on its way.
func (w driven) do(job string) {
	w.t.Helper()
	go func() {
		if err := w.Do(w.t.Context(), job); err != nil {
			w.t.Errorf("%s: %v", job, err)
		}
	}()
	synctest.Wait()
}

func (w driven) send(job string) {
	w.t.Helper()
	if err := w.Send(w.t.Context(), job); err != nil {
		w.t.Errorf("%s: %v", job, err)
	}
	synctest.Wait()
}

// TestWhoComesMeanwhileGoesTogether: the first goes at once, and those that come
// while it is carried out are one group.
func TestWhoComesMeanwhileGoesTogether(t *testing.T) {
	got := started(t, groupcommit.Config[string]{Most: 3, Delay: time.Minute}, func(w driven) {
		for i := range 6 {
			w.do(strconv.Itoa(i))
		}
		time.Sleep(5 * time.Second)
	})
	if len(got) != 3 || len(got[0]) != 1 || len(got[1]) != 3 || len(got[2]) != 2 {
		t.Errorf("groups %v", got)
	}
}

// TestNobodyWaits: a group whose end nobody waits for stays open for a while,
// until somebody comes who does.
func TestNobodyWaits(t *testing.T) {
	got := started(t, groupcommit.Config[string]{Most: 100, Queue: 10, Delay: 10 * time.Millisecond}, func(w driven) {
		w.send("a")
		time.Sleep(9 * time.Millisecond)
		w.send("b")
		time.Sleep(2 * time.Second)
		w.send("c")
		begin := time.Now()
		if err := w.Do(w.t.Context(), "d"); err != nil || time.Since(begin) != time.Second {
			w.t.Errorf("%v after %s", err, time.Since(begin))
		}
		w.send("e") // Stop does not wait for the delay to pass
	})
	wantGroups(t, [][]string{{"a", "b"}, {"c", "d"}, {"e"}}, got)
}

// TestAlone: what must not run beside others is a group by itself, in its turn.
func TestAlone(t *testing.T) {
	config := groupcommit.Config[string]{Most: 100, Queue: 10, Alone: func(job string) bool { return job == "!" }}
	got := started(t, config, func(w driven) {
		for _, job := range []string{"a", "b", "c", "!", "!", "d", "e"} {
			w.send(job)
		}
	})
	wantGroups(t, [][]string{{"a"}, {"b", "c"}, {"!"}, {"!"}, {"d", "e"}}, got)
}

// TestSize: jobs count as much as the maker says.
func TestSize(t *testing.T) {
	config := groupcommit.Config[string]{Most: 4, Queue: 10, Size: func(job string) int { return len(job) }}
	got := started(t, config, func(w driven) {
		for _, job := range []string{"first", "aa", "bbb", "c"} {
			w.send(job)
		}
	})
	wantGroups(t, [][]string{{"first"}, {"aa", "bbb"}, {"c"}}, got)
}

// TestStopped carries out what waits, and takes nothing more.
func TestStopped(t *testing.T) {
	got := started(t, groupcommit.Config[string]{Most: 1, Queue: 10}, func(w driven) {
		for _, job := range []string{"a", "b", "c"} {
			w.send(job)
		}
		w.Stop()
		if err := w.Send(w.t.Context(), "d"); !errors.Is(err, groupcommit.ErrClosed) {
			w.t.Errorf("got %v", err)
		}
		if err := w.Do(w.t.Context(), "e"); !errors.Is(err, groupcommit.ErrClosed) {
			w.t.Errorf("got %v", err)
		}
	})
	wantGroups(t, [][]string{{"a"}, {"b"}, {"c"}}, got)
}

// TestTheContextEnds: before it is taken up a job is taken back; after that its
// end is waited for, and not for long.
func TestTheContextEnds(t *testing.T) {
	got := started(t, groupcommit.Config[string]{Most: 1}, func(w driven) {
		w.do("a")
		short, cancel := context.WithTimeout(w.t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := w.Do(short, "b"); !errors.Is(err, context.DeadlineExceeded) {
			w.t.Errorf("got %v", err)
		}
		if err := w.Do(short, "b"); !errors.Is(err, context.DeadlineExceeded) {
			w.t.Errorf("one that has ended before: %v", err)
		}
		long, cancel := context.WithTimeout(w.t.Context(), 700*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if err := w.Do(long, "c"); err != nil || time.Since(begin) != 1500*time.Millisecond {
			w.t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
	wantGroups(t, [][]string{{"a"}, {"c"}}, got)
}

package watch_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/souk-mesh/souk/server/watch"
)

func set(n int) func(*int) { return func(now *int) { *now = n } }

// TestTheLatestAndTheLast: a reader gets the present value, misses what came
// while it did not read, and always hears the last.
func TestTheLatestAndTheLast(t *testing.T) {
	v := watch.New(1)
	slow, quick := v.Watch(t.Context()), v.Watch(t.Context())
	got := []int{<-quick}
	for n := 2; n <= 4; n++ {
		v.Change(set(n))
		got = append(got, <-quick)
	}
	v.Close()
	for n := range quick {
		got = append(got, n)
	}
	if !slices.Equal(got, []int{1, 2, 3, 4}) || v.Now() != 4 {
		t.Errorf("got %v, now %d", got, v.Now())
	}
	if n, open := <-slow; n != 4 || !open {
		t.Errorf("the slow one: %d, %t", n, open)
	}
	if _, open := <-slow; open {
		t.Error("the slow one's channel stays open")
	}
}

// TestOver: who comes after the end hears the last value and no more.
func TestOver(t *testing.T) {
	v := watch.New("begun")
	if v.Over() {
		t.Error("over before its end")
	}
	v.Change(func(now *string) { *now = "done" })
	v.Close()
	if <-v.Done(); !v.Over() {
		t.Error("not over after its end")
	}
	if got := slices.Collect(all(v.Watch(t.Context()))); !slices.Equal(got, []string{"done"}) {
		t.Errorf("got %v", got)
	}
}

func all[T any](values <-chan T) func(func(T) bool) {
	return func(yield func(T) bool) {
		for v := range values {
			if !yield(v) {
				return
			}
		}
	}
}

// TestTheWatcherLeaves: the end of its context closes a channel, once, whatever
// comes first.
func TestTheWatcherLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := watch.New(1)
		ctx, leave := context.WithCancel(t.Context())
		left, stays := v.Watch(ctx), v.Watch(t.Context())
		<-left
		<-stays
		leave()
		synctest.Wait()
		v.Change(set(2))
		if n, open := <-left; open {
			t.Errorf("got %d after leaving", n)
		}
		if n := <-stays; n != 2 {
			t.Errorf("got %d", n)
		}
		v.Close()
	})
}

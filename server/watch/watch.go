// Package watch owns values that change while others look on: the present one
// at any time, and for each who follows it a channel that holds the latest. It
// keeps no history: whoever is slow misses what came in between, and holds up
// nobody.
package watch

import (
	"context"
	"sync"
)

// Value is a value with those who watch it.
type Value[T any] struct {
	mu       sync.Mutex
	now      T
	watchers map[chan T]bool
	done     chan struct{}
}

// New gives a value to watch.
func New[T any](first T) *Value[T] {
	return &Value[T]{now: first, watchers: map[chan T]bool{}, done: make(chan struct{})}
}

// Now is the value at this moment.
func (v *Value[T]) Now() T {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Change brings the value up to date and tells whoever watches. What the value
// points to is replaced and never written into, since watchers hold the old.
func (v *Value[T]) Change(how func(*T)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	how(&v.now)
	for values := range v.watchers {
		offer(values, v.now)
	}
}

// offer puts the value into the channel in place of one that nobody has read.
// There is one sender at a time, the holder of the lock.
func offer[T any](values chan T, now T) {
	select {
	case <-values:
	default:
	}
	values <- now // there is room: nobody else sends
}

// Watch gives the present value at once, then whatever is the latest when the
// reader is ready, and always the last one. The channel is closed after that,
// or when the context ends.
func (v *Value[T]) Watch(ctx context.Context) <-chan T {
	values := make(chan T, 1)
	v.mu.Lock()
	defer v.mu.Unlock()
	values <- v.now
	if v.Over() {
		close(values)
		return values
	}
	v.watchers[values] = true
	context.AfterFunc(ctx, func() { v.dismiss(values) })
	return values
}

// dismiss closes the channel of one who watches, once.
func (v *Value[T]) dismiss(values chan T) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.watchers[values] {
		delete(v.watchers, values)
		close(values)
	}
}

// Done is closed once the present value is the last.
func (v *Value[T]) Done() <-chan struct{} { return v.done }

// Over reports whether the present value is the last.
func (v *Value[T]) Over() bool {
	select {
	case <-v.done:
		return true
	default:
		return false
	}
}

// Close says, once, that the present value is the last.
func (v *Value[T]) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for values := range v.watchers {
		delete(v.watchers, values)
		close(values)
	}
	close(v.done)
}

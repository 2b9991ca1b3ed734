// Package groupcommit owns the way of work to a single writer: jobs come from
// many callers at once, those that wait together are carried out together, so
// that one sync of the disk serves them all, and each caller hears when its own
// is over. It refuses to know what a job is: whoever makes the writer says how a
// group is carried out, and keeps the answers in the jobs.
package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrClosed is the error of a job that comes after Stop.
var ErrClosed = errors.New("the writer has stopped")

// Grace is how long an answer is waited for after the caller's context has ended.
const Grace = 2 * time.Second

// Config says how a writer works.
type Config[J any] struct {
	// Commit carries a group out. What became of each job it writes into the
	// job; it is called by one goroutine, for one group at a time.
	Commit func(ctx context.Context, group []J)

	Size  func(J) int   // what a job counts; nil counts one
	Most  int           // a group that counts so much takes no further job
	Alone func(J) bool  // whether a job is a group by itself; nil is never
	Queue int           // how many jobs may wait beside those that are carried out
	Delay time.Duration // how long a group stays open while nobody waits for its end
}

// Writer brings jobs to Commit.
type Writer[J any] struct {
	config Config[J]
	queue  chan *entry[J]
	ahead  *entry[J]     // taken from the queue, and not of the group before it
	stop   chan struct{} // closed by Stop
	ended  chan struct{} // closed when Run has carried out what waited
	once   sync.Once
}

// entry is a job on its way, with what its caller waits for.
type entry[J any] struct {
	job    J
	waited bool // a caller waits for the end
	done   chan struct{}
}

// New makes a writer. It carries nothing out before Run.
func New[J any](c Config[J]) *Writer[J] {
	if c.Size == nil {
		c.Size = func(J) int { return 1 }
	}
	if c.Alone == nil {
		c.Alone = func(J) bool { return false }
	}
	return &Writer[J]{config: c, queue: make(chan *entry[J], c.Queue), stop: make(chan struct{}), ended: make(chan struct{})}
}

// Do brings a job to the writer and returns when it has been carried out: what
// became of it, the job tells. A job that the writer has taken up is carried out
// even when the context ends meanwhile, and its end is waited for. Only one that
// is long in coming, from a server that hangs, is not: the error wraps that of
// the context. An error means that the job must not be looked at any more.
func (w *Writer[J]) Do(ctx context.Context, job J) error {
	e := &entry[J]{job: job, waited: true, done: make(chan struct{})}
	if err := w.send(ctx, e); err != nil {
		return err
	}
	select {
	case <-e.done:
		return nil
	case <-w.ended:
		return e.last()
	case <-ctx.Done():
	}
	late := time.NewTimer(Grace)
	defer late.Stop()
	select {
	case <-e.done:
		return nil
	case <-w.ended:
		return e.last()
	case <-late.C:
		return fmt.Errorf("whether it was written is not known: %w", ctx.Err())
	}
}

// last tells how it ended for a job when the writer has ended too.
func (e *entry[J]) last() error {
	select {
	case <-e.done:
		return nil
	default:
		return ErrClosed // it came into the queue behind the last that was taken from it
	}
}

// Send brings a job to the writer and does not wait for its end. It waits only
// while too many wait already.
func (w *Writer[J]) Send(ctx context.Context, job J) error {
	return w.send(ctx, &entry[J]{job: job, done: make(chan struct{})})
}

func (w *Writer[J]) send(ctx context.Context, e *entry[J]) error {
	select {
	case <-w.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case w.queue <- e:
		return nil
	case <-w.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop takes no further job. Run carries out what waits, and returns.
func (w *Writer[J]) Stop() { w.once.Do(func() { close(w.stop) }) }

// Run is the one writer. It works until Stop, and gives the context to Commit.
func (w *Writer[J]) Run(ctx context.Context) {
	defer close(w.ended)
	for {
		first := w.next()
		if first == nil {
			return
		}
		w.settle(ctx, w.gather(first))
	}
}

// next is the first job of a group; nil when there will be none.
func (w *Writer[J]) next() *entry[J] {
	if e := w.ahead; e != nil {
		w.ahead = nil
		return e
	}
	select {
	case e := <-w.queue:
		return e
	case <-w.stop:
	}
	select {
	case e := <-w.queue:
		return e
	default:
		return nil
	}
}

// gather adds to the first job those that wait at this moment: whoever comes
// while a group is carried out is in the next, however long that takes. Where
// nobody waits for the end, more are waited for.
func (w *Writer[J]) gather(first *entry[J]) []*entry[J] {
	group := []*entry[J]{first}
	if w.config.Alone(first.job) {
		return group
	}
	waited, size := first.waited, w.config.Size(first.job)
	delay := time.NewTimer(w.config.Delay)
	defer delay.Stop()
	for size < w.config.Most {
		e := w.another(waited, delay.C)
		if e == nil {
			return group
		}
		if w.config.Alone(e.job) {
			w.ahead = e
			return group
		}
		group, size, waited = append(group, e), size+w.config.Size(e.job), waited || e.waited
	}
	return group
}

// another is a further job for a group; nil when the group is to be carried out.
func (w *Writer[J]) another(waited bool, delay <-chan time.Time) *entry[J] {
	select {
	case e := <-w.queue:
		return e
	default:
	}
	if waited || w.config.Delay == 0 {
		return nil
	}
	select {
	case e := <-w.queue:
		return e
	case <-delay:
	case <-w.stop:
	}
	return nil
}

func (w *Writer[J]) settle(ctx context.Context, group []*entry[J]) {
	jobs := make([]J, len(group))
	for i, e := range group {
		jobs[i] = e.job
	}
	w.config.Commit(ctx, jobs)
	for _, e := range group {
		close(e.done)
	}
}

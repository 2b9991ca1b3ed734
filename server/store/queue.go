package store

import (
	"context"
	"fmt"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// groupWrites is when a group takes no further change.
const groupWrites = 2000

// Job is a change on its way through the writer, and the answer to it.
type Job struct {
	Change Change // prepared
	Event  model.Event
	Err    error
	done   chan struct{}
}

// Apply implements Store. A change that the writer has taken up is carried out
// even when the context ends meanwhile, and the answer tells. Only one that is
// long in coming, as a distant server's may be, is not waited for.
func (f *Front) Apply(ctx context.Context, c Change) (model.Event, error) {
	writes, err := c.Prepare()
	if err != nil {
		return model.Event{}, err
	}
	c.Writes = writes
	if err := f.admit(ctx); err != nil {
		return model.Event{}, err
	}
	j := &Job{Change: c, done: make(chan struct{})}
	select {
	case f.queue <- j:
	case <-f.stopped:
		return model.Event{}, Closed()
	case <-ctx.Done():
		return model.Event{}, ctx.Err()
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		select {
		case <-j.done:
		case <-time.After(grace):
			return model.Event{}, fmt.Errorf("apply %q: whether it was written is not known: %w", c.Action, ctx.Err())
		}
	}
	return j.Event, j.Err
}

// write is the one writer. The changes that arrive while it commits wait, and
// are then committed together: one sync of the disk serves them all.
func (f *Front) write(ctx context.Context) {
	for {
		select {
		case j := <-f.queue:
			f.settle(ctx, f.gather(j))
		case <-f.stopped:
			return
		}
	}
}

// gather takes every change that waits at this moment.
func (f *Front) gather(first *Job) []*Job {
	group := []*Job{first}
	for writes := len(first.Change.Writes); writes < groupWrites; {
		select {
		case j := <-f.queue:
			group = append(group, j)
			writes += 1 + len(j.Change.Writes) // and its event
		default:
			return group
		}
	}
	return group
}

// settle commits the group and answers. What was refused stays refused when
// the others are lost.
func (f *Front) settle(ctx context.Context, group []*Job) {
	err := f.engine.Commit(ctx, group)
	if err == nil {
		f.bell.Ring()
	}
	for _, j := range group {
		if j.Err == nil {
			j.Err = err
		}
		if j.Err != nil {
			j.Event = model.Event{}
		}
		close(j.done)
	}
}

package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/groupcommit"
)

// groupWrites is when a group takes no further change.
const groupWrites = 2000

// Job is a change on its way through the writer, and the answer to it.
type Job struct {
	Change Change // prepared
	Event  model.Event
	Err    error
}

// newWriter is the one writer of a store. The changes that arrive while it
// commits wait, and are then committed together.
func (f *Front) newWriter() *groupcommit.Writer[*Job] {
	return groupcommit.New(groupcommit.Config[*Job]{
		Commit: f.settle, Most: groupWrites,
		Size: func(j *Job) int { return 1 + len(j.Change.Writes) }, // and its event
	})
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
	j := &Job{Change: c}
	switch err := f.writer.Do(ctx, j); {
	case errors.Is(err, groupcommit.ErrClosed):
		return model.Event{}, Closed()
	case err != nil:
		return model.Event{}, fmt.Errorf("apply %q: %w", c.Action, err)
	}
	return j.Event, j.Err
}

// settle commits the group and answers. What was refused stays refused when
// the others are lost.
func (f *Front) settle(ctx context.Context, group []*Job) {
	f.cache.written(group)
	err := f.engine.Commit(ctx, group)
	f.cache.written(group)
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
	}
}

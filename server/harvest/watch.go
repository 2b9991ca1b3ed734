package harvest

import (
	"context"
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Watch gives the states of a run: the present one at once, then whatever is
// the latest when the reader is ready, and always the last one. The channel is
// closed after that, or when the context ends. A reader that is slow misses
// states in between and holds up nobody.
func (s *Service) Watch(ctx context.Context, runID model.ID) (<-chan model.Run, error) {
	run, err := s.HarvestRun(ctx, runID)
	if err != nil {
		return nil, err
	}
	if x := s.executionOf(runID); x != nil {
		return x.watch(ctx), nil
	}
	states := make(chan model.Run, 1)
	go s.poll(ctx, run, states)
	return states, nil
}

// poll reads a run that is over, or at work on another server, from the store.
func (s *Service) poll(ctx context.Context, run model.Run, states chan model.Run) {
	defer close(states)
	t := time.NewTicker(pollEach)
	defer t.Stop()
	for {
		offer(states, run)
		if run.Status != model.RunRunning {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		latest, err := store.Runs.Get(ctx, s.store, run.ID)
		if err != nil {
			if ctx.Err() == nil {
				s.log.ErrorContext(ctx, "a run cannot be watched any more", slog.Any("error", err))
			}
			return
		}
		run = latest
	}
}

// offer puts the state into the channel in place of one that nobody has read.
// There is one sender at a time.
func offer(states chan model.Run, run model.Run) {
	select {
	case states <- run:
		return
	default:
	}
	select {
	case <-states:
	default:
	}
	states <- run // there is room: nobody else sends
}

// Wait returns the run once it has ended.
func (s *Service) Wait(ctx context.Context, runID model.ID) (model.Run, error) {
	states, err := s.Watch(ctx, runID)
	if err != nil {
		return model.Run{}, err
	}
	var run model.Run
	for run = range states {
	}
	if run.Status != model.RunRunning && run.ID != "" {
		return run, nil
	}
	if err := ctx.Err(); err != nil {
		return run, err
	}
	return run, &model.Error{Kind: model.KindUnavailable, Message: "the run cannot be watched any more", Hint: "ask for it again"}
}

// state is the run as readers see it now.
func (x *execution) state() model.Run {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.run
}

// change brings the run up to date and tells whoever watches. Slices are
// replaced and never written into, since readers hold the old ones.
func (x *execution) change(how func(*model.Run)) {
	if how == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	how(&x.run)
	for states := range x.watchers {
		offer(states, x.run)
	}
}

func (x *execution) watch(ctx context.Context) <-chan model.Run {
	states := make(chan model.Run, 1)
	x.mu.Lock()
	defer x.mu.Unlock()
	offer(states, x.run)
	if x.over {
		close(states)
		return states
	}
	x.watchers[states] = true
	context.AfterFunc(ctx, func() { x.dismiss(states) })
	return states
}

func (x *execution) dismiss(states chan model.Run) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.watchers[states] {
		delete(x.watchers, states)
		close(states)
	}
}

// close tells every reader that the last state was the last.
func (x *execution) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for states := range x.watchers {
		delete(x.watchers, states)
		close(states)
	}
	close(x.done)
}

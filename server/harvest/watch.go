package harvest

import (
	"context"
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/watch"
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
		return x.row.Watch(ctx), nil
	}
	seen := watch.New(run)
	go s.poll(ctx, seen)
	return seen.Watch(ctx), nil
}

// poll reads a run that is over, or at work on another server, from the store.
func (s *Service) poll(ctx context.Context, seen *watch.Value[model.Run]) {
	defer seen.Close()
	t := time.NewTicker(pollEach)
	defer t.Stop()
	for run := seen.Now(); run.Status == model.RunRunning; {
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
		seen.Change(func(r *model.Run) { *r = run })
	}
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

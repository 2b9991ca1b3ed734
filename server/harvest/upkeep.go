package harvest

import (
	"context"
	"errors"
	"log/slog"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// dead reports a run whose server has not been heard of for too long. A run of
// this process is never dead, and one of another replica that still writes is
// left alone. Two things tell at once: where there is no other server, whatever
// began before this one did is dead; and so is what the process owned that is
// gone from this machine.
func (s *Service) dead(run model.Run) bool {
	return s.executionOf(run.ID) == nil &&
		(run.StartedAt.Before(s.began) || ownerGone(run.Owner) || s.now().Sub(run.UpdatedAt) > staleAfter)
}

// bury gives up the runs whose server is gone.
func (s *Service) bury(ctx context.Context) error {
	var failed error
	q := store.Query{Index: "by_status", Where: store.Eq("status", string(model.RunRunning)), Limit: store.MaxPage}
	for run, err := range store.Runs.All(ctx, s.store, q) {
		if err != nil {
			return errors.Join(failed, err)
		}
		if s.dead(run) {
			failed = errors.Join(failed, s.giveUp(ctx, run))
		}
	}
	return failed
}

// giveUp marks a run as failed because its server is gone. Losing the race
// against another server that does the same is as good.
func (s *Service) giveUp(ctx context.Context, run model.Run) error {
	ended := s.now()
	run.Status, run.EndedAt = model.RunFailed, &ended
	run.Failure = interrupted("the server that made the run is gone")
	_, err := s.store.Apply(ctx, store.Change{
		Actor: model.System().ID, Action: "run.end", Subject: run.SourceID, Reason: "run " + string(run.ID) + ", " + run.Failure.Code,
		Request: model.RequestIDFrom(ctx), Writes: []store.Write{store.Runs.Put(run)},
	})
	if model.LostRace(err) {
		return nil
	}
	if err == nil {
		s.log.WarnContext(ctx, "a run was given up", slog.String("run", string(run.ID)), slog.String("code", run.Failure.Code))
	}
	return err
}

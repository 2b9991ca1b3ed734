package harvest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/owner"
	"github.com/souk-mesh/souk/server/store"
)

// dead reports a run whose server has not been heard of for too long. A run of
// this process is never dead, and one of another replica that still writes is
// left alone. Two things tell at once: where there is no other server, whatever
// began before this one did is dead; and so is what the process owned that is
// gone from this machine.
func (s *Service) dead(run model.Run) bool {
	return s.executionOf(run.ID) == nil &&
		(run.StartedAt.Before(s.began) || owner.Gone(run.Owner) || s.silent(run) || s.now().Sub(run.UpdatedAt) > staleAfter)
}

// pulse is when this process first saw the run at a revision. The clocks of two
// machines may differ, so that only its own can tell a short silence.
type pulse struct {
	revision model.Revision
	since    time.Time
}

// listen notes the runs under way. Those that have ended are forgotten.
func (s *Service) listen(runs []model.Run) {
	heard := make(map[model.ID]pulse, len(runs))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, run := range runs {
		p, known := s.pulses[run.ID]
		if !known || p.revision != run.Revision {
			p = pulse{revision: run.Revision, since: time.Now()}
		}
		heard[run.ID] = p
	}
	s.pulses = heard
}

// silent reports a run that has not been written for too long.
func (s *Service) silent(run model.Run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.pulses[run.ID]
	return known && p.revision == run.Revision && time.Since(p.since) > silentAfter
}

// bury gives up the runs whose server is gone.
func (s *Service) bury(ctx context.Context) error {
	var under []model.Run
	q := store.Query{Index: "by_status", Where: store.Eq("status", string(model.RunRunning)), Limit: store.MaxPage}
	for run, err := range store.Runs.All(ctx, s.store, q) {
		if err != nil {
			return err
		}
		under = append(under, run)
	}
	s.listen(under)
	var failed error
	for _, run := range under {
		if s.dead(run) {
			failed = errors.Join(failed, s.giveUp(ctx, run))
		}
	}
	return failed
}

// giveUp marks a run as failed because its server is gone, and its source as
// one to take over. Losing the race against another server that does the same is
// as good.
func (s *Service) giveUp(ctx context.Context, run model.Run) error {
	ended := s.now()
	run.Status, run.EndedAt = model.RunFailed, &ended
	run.Failure = interrupted("the server that made the run is gone")
	writes := []store.Write{store.Runs.Put(run)}
	source, err := store.Sources.Get(ctx, s.store, run.SourceID)
	switch {
	case err == nil && source.LastRunID == run.ID:
		source.Interrupted = takenOver(run)
		writes = append(writes, store.Sources.Put(source))
	case err != nil && !model.Is(err, model.KindNotFound):
		return err
	}
	_, err = s.store.Apply(ctx, store.Change{
		Actor: model.System().ID, Action: "run.end", Subject: run.SourceID, Reason: "run " + string(run.ID) + ", " + run.Failure.Code,
		Request: model.RequestIDFrom(ctx), Writes: writes,
	})
	if model.LostRace(err) {
		return nil
	}
	if err == nil {
		s.log.WarnContext(ctx, "a run was given up", slog.String("run", string(run.ID)), slog.String("code", run.Failure.Code))
	}
	return err
}

// takenOver reports a run that a server carries on when its own is gone: once,
// since a run that ends a server would end the next one too. Whoever waits for a
// command or looks at a preview is gone with it.
func takenOver(run model.Run) bool {
	return (run.Trigger == triggerManual || run.Trigger == triggerSchedule) && !run.Preview
}

package harvest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/harvest/schedule"
	"github.com/souk-mesh/souk/server/store"
)

// circuit is how many failed runs in a row pause a source's schedule.
const circuit = 5

// The words for what has started a run.
const (
	triggerManual   = "manual"
	triggerSchedule = "schedule"
	triggerCommand  = "command"
	triggerTakeover = "takeover" // the server of the run before is gone
)

// unattended reports a run that nobody waits for, so that it may try again.
func unattended(trigger string) bool { return trigger == triggerSchedule || trigger == triggerTakeover }

// holdOff is how long a source rests whose scheduled run could not even begin.
const holdOff = 5 * time.Minute

// clockPatience is how far apart the clocks of two servers may be. A source that
// was written later than that was written before the clock went back.
const clockPatience = 10 * time.Minute

// startDue starts every source whose time has come, and those whose latest run
// ended with its server.
func (s *Service) startDue(ctx context.Context) error {
	var failed error
	for source, err := range store.Sources.All(ctx, s.store, store.Query{Index: "named", Limit: store.MaxPage}) {
		if err != nil {
			return errors.Join(failed, err)
		}
		trigger := s.dueBy(source)
		if trigger == "" || s.now().Before(s.held[source.ID]) {
			continue
		}
		switch err := s.startUnattended(ctx, source, trigger); {
		case model.Is(err, model.KindConflict): // it runs already, here or on another server
		case err != nil:
			s.held[source.ID] = s.now().Add(holdOff)
			failed = errors.Join(failed, fmt.Errorf("start source %s: %w", source.Name, err))
		default:
			s.log.InfoContext(ctx, "a run has started by itself", slog.String("source", string(source.Name)), slog.String("trigger", trigger))
		}
	}
	return failed
}

// dueBy gives what lets the source run now, or "".
func (s *Service) dueBy(source model.Source) string {
	due := schedule.Next(source)
	switch {
	case source.RemovedAt != nil:
		return ""
	case source.Interrupted:
		return triggerTakeover
	case !due.IsZero() && source.UpdatedAt.Sub(s.now()) > clockPatience:
		return triggerSchedule // the clock has gone back: the run writes a time of now, and counts from there
	case due.IsZero() || s.now().Before(due):
		return ""
	}
	return triggerSchedule
}

// startUnattended starts the source as it was when it was found to be due: when
// another server was faster, the revision has changed and this one stands back.
func (s *Service) startUnattended(ctx context.Context, source model.Source, trigger string) error {
	in := s.gate.Session()
	if err := s.hasDomain(ctx, in, source); err != nil {
		return err
	}
	answer, err := s.mayAdminister(ctx, in, source)
	if err != nil {
		return err
	}
	_, err = s.begin(ctx, in, source, start{trigger: trigger}, answer)
	return err
}

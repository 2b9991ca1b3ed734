package harvest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/souk-mesh/souk/graph/model"
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

// parseSchedule reads five cron fields or a word such as @hourly, in UTC.
func parseSchedule(text string, now time.Time) (cron.Schedule, error) {
	const hint = "write five cron fields in UTC, such as \"15 3 * * *\", or a word such as @hourly or @daily"
	bad := func(what string) error { return model.Invalid("schedule", what, hint) }
	switch {
	case len(text) > 200:
		return nil, bad("is too long")
	case strings.Contains(text, "TZ="): // the parser can break on it, and every schedule here is in UTC
		return nil, bad("names a time zone")
	}
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return nil, bad("is no schedule")
	}
	first := schedule.Next(now.UTC())
	if first.IsZero() {
		return nil, bad("never comes")
	}
	if next := schedule.Next(first); !next.IsZero() && next.Sub(first) < time.Minute {
		return nil, bad("comes more often than once a minute")
	}
	return schedule, nil
}

// jitter keeps sources with the same schedule apart: up to a tenth of the
// shortest interval and a minute. It never changes for one source and schedule,
// since a run that is due twice would be the price.
func jitter(id model.ID, schedule cron.Schedule) time.Duration {
	span := time.Minute
	last := schedule.Next(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC))
	for range 16 {
		next := schedule.Next(last)
		if next.IsZero() {
			break
		}
		span, last = min(span, next.Sub(last)/10), next
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))                             // never fails
	return time.Duration(h.Sum64() % uint64(max(span, 1))) //nolint:gosec // it is smaller than the span, which is an int64
}

// nextRun is when the source is due next, or the zero time. It counts from the
// last write of the source: a run writes it at its start and at its end, and an
// edit writes it too. So a run that outlasts its interval is not made up for,
// and one that was missed while the server was down is, once.
func nextRun(source model.Source) time.Time {
	if source.Schedule == "" || source.Paused {
		return time.Time{}
	}
	schedule, err := parseSchedule(source.Schedule, source.UpdatedAt)
	if err != nil {
		return time.Time{}
	}
	late := jitter(source.ID, schedule)
	next := schedule.Next(source.UpdatedAt.UTC().Add(-late))
	if next.IsZero() {
		return next
	}
	return next.Add(late)
}

// holdOff is how long a source rests whose scheduled run could not even begin.
const holdOff = 5 * time.Minute

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
	due := nextRun(source)
	switch {
	case source.RemovedAt != nil:
		return ""
	case source.Interrupted:
		return triggerTakeover
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

// Package schedule reads when sources are to be harvested, and tells when each is
// due next. It starts nothing.
package schedule

import (
	"hash/fnv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/souk-mesh/souk/graph/model"
)

// Parse reads five cron fields or a word such as @hourly, in UTC.
func Parse(text string, now time.Time) (cron.Schedule, error) {
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

// Next is when the source is due next, or the zero time. It counts from the
// last write of the source: a run writes it at its start and at its end, and an
// edit writes it too. So a run that outlasts its interval is not made up for,
// and one that was missed while the server was down is, once.
func Next(source model.Source) time.Time {
	if source.Schedule == "" || source.Paused {
		return time.Time{}
	}
	schedule, err := Parse(source.Schedule, source.UpdatedAt)
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

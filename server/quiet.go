package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// repeatEvery is how often a fault that lasts is told again.
const repeatEvery = time.Minute

// quiet is a log that tells of a fault that lasts once a minute, and not once a
// request: an error of kind Unavailable under one message. The next line says
// how many there were.
type quiet struct {
	slog.Handler

	told *told
}

type told struct {
	mu   sync.Mutex
	last map[string]fault
}

type fault struct {
	at      time.Time
	skipped int
}

func newQuiet(log *slog.Logger) *slog.Logger {
	return slog.New(quiet{log.Handler(), &told{last: map[string]fault{}}})
}

// Handle implements slog.Handler.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || !lasting(r) {
		return q.Handler.Handle(ctx, r)
	}
	q.told.mu.Lock()
	f := q.told.last[r.Message] // messages are constants of ours, so there are few
	if r.Time.Sub(f.at) < repeatEvery {
		f.skipped++
		q.told.last[r.Message] = f
		q.told.mu.Unlock()
		return nil
	}
	q.told.last[r.Message] = fault{at: r.Time}
	q.told.mu.Unlock()
	if f.skipped > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("repeated", f.skipped))
	}
	return q.Handler.Handle(ctx, r)
}

// lasting reports a record of an error of kind Unavailable.
func lasting(r slog.Record) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		found = ok && model.Is(err, model.KindUnavailable)
		return !found
	})
	return found
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.told}
}

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name), q.told} }

package web

import (
	"context"
	"sync/atomic"
	"time"
)

// pace lets requests pass at a distance from one another. It measures by the
// clock of the process, which does not go back, and a wait is never longer than
// the distance.
type pace struct {
	turn     chan time.Time // the next moment at which one may pass; empty while somebody waits
	distance time.Duration
}

func newPace(perSecond float64) *pace {
	p := &pace{turn: make(chan time.Time, 1), distance: time.Duration(float64(time.Second) / perSecond)}
	p.turn <- time.Time{}
	return p
}

// pass waits for its turn.
func (p *pace) pass(ctx context.Context, wait func(context.Context, time.Duration) error) error {
	select {
	case next := <-p.turn:
		defer func() { p.turn <- time.Now().Add(p.distance) }()
		return wait(ctx, min(time.Until(next), p.distance))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flag is one that several goroutines see.
type flag struct{ up atomic.Bool }

func (f *flag) raise()       { f.up.Store(true) }
func (f *flag) lower()       { f.up.Store(false) }
func (f *flag) raised() bool { return f.up.Load() }

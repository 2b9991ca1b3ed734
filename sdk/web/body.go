package web

import (
	"context"
	"errors"
	"io"
	"time"
)

var (
	errTooLarge = errors.New("the answer is too large")
	errSilent   = errors.New("the source is silent")
)

// silence ends a request when the source says nothing for too long.
type silence struct {
	ctx    context.Context //nolint:containedctx // it is the request's own
	cancel context.CancelCauseFunc
	timer  *time.Timer
	after  time.Duration
}

func watch(ctx context.Context, after time.Duration) *silence {
	ctx, cancel := context.WithCancelCause(ctx)
	return &silence{ctx: ctx, cancel: cancel, timer: time.AfterFunc(after, func() { cancel(errSilent) }), after: after}
}

// listen begins to count again, and rest stops it: that the reader is slow is no
// silence of the source.
func (s *silence) listen() { s.timer.Reset(s.after) }
func (s *silence) rest()   { s.timer.Stop() }

func (s *silence) end() {
	s.timer.Stop()
	s.cancel(context.Canceled)
}

// cause is errSilent when that is what ended the request.
func (s *silence) cause() error {
	if errors.Is(context.Cause(s.ctx), errSilent) {
		return errSilent
	}
	return nil
}

// body reads an answer up to a limit of size and of silence.
type body struct {
	from    io.ReadCloser
	left    int64
	silence *silence
}

// Read fails with errTooLarge or errSilent at a limit.
func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	b.silence.listen()
	n, err := b.from.Read(p[:min(int64(len(p)), b.left+1)])
	b.silence.rest()
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	if err != nil && b.silence.cause() != nil {
		err = errSilent
	}
	return n, err
}

// Close ends the request.
func (b *body) Close() error {
	defer b.silence.end()
	return b.from.Close()
}

package decisionlog

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

// Trouble is an error of kind Unavailable while the log cannot be written,
// cannot follow the store or does not belong to it, and nil otherwise.
func (l *Log) Trouble() error {
	cause := cmp.Or(l.unwritten.Load(), l.unfollowed.Load(), l.unfit.Load())
	if cause == nil {
		return nil
	}
	return &model.Error{
		Kind: model.KindUnavailable, Code: model.CodeReadsOnly, Message: "the decision log cannot be written, so nothing is decided that it would have to keep; reading goes on",
		Hint: "the server's log and /readyz say what is wrong: make room on the disk, or bring the log back with souk restore FILE", Err: *cause,
	}
}

// note remembers whether the log could do a part of its work.
func note(trouble *atomic.Pointer[error], err error) {
	switch {
	case err == nil:
		trouble.Store(nil)
	case errors.Is(err, chain.ErrTaken), errors.Is(err, chain.ErrPassed), errors.Is(err, chain.ErrMoved), errors.Is(err, context.Canceled):
	default:
		trouble.Store(&err)
	}
}

// Probe sees whether the log can be written now, by writing what it ends with
// once more, and whether it still belongs to the store, and gives what Trouble does.
func (l *Log) Probe(ctx context.Context) error {
	if l.config.ReadOnly {
		return nil
	}
	if err := l.do(ctx, &job{alone: l.rewrite}); err != nil && ctx.Err() != nil {
		note(&l.unwritten, err)
	}
	l.look(ctx)
	return l.Trouble()
}

// rewrite commits nothing but the head. A log without rows is left alone.
func (l *Log) rewrite(ctx context.Context) error {
	if l.head.Name == "" {
		return nil
	}
	err := l.retry(ctx, func(ctx context.Context) error {
		again := l.head
		again.Sign(l.sign)
		return l.keeper.Settle(ctx, l.head, again)
	})
	note(&l.unwritten, err)
	return err
}

package decisionlog

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/store"
)

const (
	feedPage     = 500
	cursorLag    = 2000 // events without a decision that are looked at again after a restart
	upkeepEvery  = time.Hour
	troublePause = 2 * time.Second
)

// Run follows the store's feed and keeps the retention until the context ends.
func (l *Log) Run(ctx context.Context) {
	l.upkeep(ctx)
	clock := time.NewTicker(upkeepEvery)
	defer clock.Stop()
	feed, stop := context.WithCancel(ctx)
	news := make(chan struct{}, 1)
	l.writing.Go(func() { l.listen(feed, news) })
	l.writing.Go(func() { l.keepAnchored(feed) })
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			l.upkeep(ctx)
		case <-news:
			err := l.CatchUp(ctx)
			if ctx.Err() == nil {
				note(&l.unfollowed, err)
			}
			if err != nil && ctx.Err() == nil {
				l.config.Log.Error("the decision log lags behind the store", "error", err)
				pause(ctx, troublePause)
				ring(news)
			}
		}
	}
}

// listen rings for every event. What it misses CatchUp finds.
func (l *Log) listen(ctx context.Context, news chan<- struct{}) {
	for l.config.Store != nil && ctx.Err() == nil {
		ring(news)
		l.follow.Lock()
		after := l.followed
		l.follow.Unlock()
		for _, err := range l.config.Store.Events(ctx, after) {
			if err != nil {
				l.config.Log.Warn("the feed of the store broke off", "error", err)
				break
			}
			ring(news)
		}
		pause(ctx, troublePause)
	}
}

func ring(news chan<- struct{}) {
	select {
	case news <- struct{}{}:
	default: // it rings already
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (l *Log) upkeep(ctx context.Context) {
	for _, work := range []func(context.Context) (int64, error){l.Erase, l.Prune} {
		if _, err := work(ctx); err != nil && ctx.Err() == nil {
			l.config.Log.Error("the retention of decisions is not kept", "error", err)
		}
	}
}

// CatchUp copies every decision that the store holds now and the log does not,
// each once and in the order of the changes: those of changes that came without
// Promise. How far it has followed tells what a store has lost. Rows and the place in the feed
// share a commit, so that nothing is copied twice after a crash.
func (l *Log) CatchUp(ctx context.Context) error {
	if l.config.Store == nil || l.config.ReadOnly {
		return nil
	}
	l.follow.Lock()
	defer l.follow.Unlock()
	last, err := l.lastEvent(ctx)
	for err == nil && l.followed < last {
		err = l.copyPage(ctx)
		if errors.Is(err, chain.ErrPassed) { // another process has copied these
			err = nil
		}
	}
	return err
}

func (l *Log) lastEvent(ctx context.Context) (int64, error) {
	e, err := store.Events.First(ctx, l.config.Store, store.Query{Index: "by_seq", Desc: true})
	if model.Is(err, model.KindNotFound) {
		return 0, nil
	}
	return e.Seq, err
}

// copyPage copies the decisions of the next events.
func (l *Log) copyPage(ctx context.Context) error {
	cursor, err := l.keeper.Cursor(ctx)
	if err != nil {
		return err
	}
	from := max(cursor, l.followed)
	q := store.Query{Index: "by_seq", Where: store.Between("seq", from+1, nil), Limit: feedPage}
	page, err := store.Events.Find(ctx, l.config.Store, q)
	if err != nil {
		return err
	}
	to := from
	var ids []model.ID
	for _, e := range page.Nodes {
		to = e.Seq
		ids = append(ids, decisionsOf(e)...)
	}
	rows, err := l.missing(ctx, ids)
	if err != nil {
		return err
	}
	if len(ids) > 0 || to-cursor >= cursorLag {
		if err := l.do(ctx, &job{rows: rows, step: &chain.Step{From: cursor, To: to}}); err != nil {
			return err
		}
	}
	l.followed = to
	return nil
}

func decisionsOf(e model.Event) []model.ID {
	var ids []model.ID
	for _, touched := range e.Touched {
		if touched.Kind == string(store.Decisions.Kind()) && !touched.Deleted {
			ids = append(ids, touched.ID)
		}
	}
	return ids
}

// missing finds those decisions that the log does not have.
func (l *Log) missing(ctx context.Context, ids []model.ID) ([]model.DecisionRecord, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	known, err := l.keeper.Known(ctx, texts)
	if err != nil {
		return nil, err
	}
	found, err := store.Decisions.GetMany(ctx, l.config.Store, ids...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(d model.DecisionRecord) bool {
		has := known[string(d.ID)]
		known[string(d.ID)] = true // the next of this id is the same
		return has
	}), nil
}

package store

import (
	"context"
	"iter"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// How many events the feed reads at a time: few at first, and as many as touch
// about so many records. An event of a harvest touches a thousand of them, and five
// hundred such events would fill the memory of a reader that has fallen behind.
const (
	feedPage   = 500
	feedFirst  = 10
	feedWeight = 10_000
)

// Events implements Store. It holds nothing of the engine while the caller works.
func (f *Front) Events(ctx context.Context, after int64) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		for limit := feedFirst; ; {
			news := f.bell.Next() // asked before reading, so that no commit falls between
			page, err := Events.Find(ctx, f, Query{Index: "by_seq", Where: Between("seq", after+1, nil), Limit: limit})
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				yield(model.Event{}, err)
				return
			}
			for _, e := range page.Nodes {
				if ctx.Err() != nil || !yield(e, nil) {
					return
				}
				after = e.Seq
			}
			if page.More {
				limit = feedNext(limit, page.Nodes)
				continue
			}
			select {
			case <-news:
			case <-f.stopped: // the next read reports it
			case <-ctx.Done():
				return
			}
		}
	}
}

// feedNext is how many events to read after these.
func feedNext(limit int, events []model.Event) int {
	touched := 0
	for _, e := range events {
		touched += len(e.Touched)
	}
	switch {
	case touched > feedWeight:
		limit /= 2
	case 2*touched < feedWeight:
		limit *= 2
	}
	return min(max(limit, 1), feedPage)
}

// Bell wakes everybody who waits for news.
type Bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// Next gives a channel that the next ring closes.
func (b *Bell) Next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

// Ring wakes those who wait.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

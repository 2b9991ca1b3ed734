package sqlite

import (
	"context"
	"iter"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// feedPage is how many events the feed reads at a time.
const feedPage = 500

// Events implements store.Store. No connection is held while the caller works.
func (db *DB) Events(ctx context.Context, after int64) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		for {
			news := db.wait() // asked before reading, so that no commit falls between
			page, err := store.Events.Find(ctx, db, store.Query{Index: "by_seq", Where: store.Between("seq", after+1, nil), Limit: feedPage})
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
				continue
			}
			select {
			case <-news:
			case <-db.closed: // the next read reports it
			case <-ctx.Done():
				return
			}
		}
	}
}

// wait gives a channel that the next commit closes.
func (db *DB) wait() <-chan struct{} {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.news
}

// tell wakes everyone who waits.
func (db *DB) tell() {
	db.mu.Lock()
	defer db.mu.Unlock()
	close(db.news)
	db.news = make(chan struct{})
}

package sourcegrants

import (
	"context"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// news is what the feed has told since somebody took it: grants that were
// written, or that anything was on which all of them may depend.
type news struct {
	come chan struct{} // has one in it when there is something that shall not wait

	mu     sync.Mutex
	grants map[model.ID]bool
	all    bool
	assets bool
}

// take gives what has come, and forgets it.
func (n *news) take() (grants []model.ID, all, assets bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id := range n.grants {
		grants = append(grants, id)
	}
	all, assets = n.all, n.assets
	n.grants, n.all, n.assets = nil, false, false
	return grants, all, assets
}

// keepAssets leaves the news of assets for a later round.
func (n *news) keepAssets() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.assets = true
}

// follow reads the feed until the context ends. After trouble it cannot know what
// it missed, so everything is looked at.
func (n *news) follow(ctx context.Context, s store.Store) {
	for ctx.Err() == nil {
		after, err := store.Newest(ctx, s)
		n.mu.Lock()
		n.all = true
		n.mu.Unlock()
		if err == nil {
			n.read(ctx, s, after)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (n *news) read(ctx context.Context, s store.Store, after int64) {
	for e, err := range s.Events(ctx, after) {
		if err != nil {
			return
		}
		n.hear(e)
	}
}

// hear notes what an event may change.
func (n *news) hear(e model.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range e.Touched {
		switch store.Kind(t.Kind) {
		case store.Grants.Kind():
			if n.grants == nil {
				n.grants = map[model.ID]bool{}
			}
			n.grants[t.ID] = true
			n.wake()
		case store.SourceRoles.Kind(), store.Products.Kind(), store.Principals.Kind(), store.PolicyStates.Kind():
			n.all = true
			n.wake()
		case store.Assets.Kind():
			n.assets = true
		default: // nothing that a right depends on
		}
	}
}

func (n *news) wake() {
	select {
	case n.come <- struct{}{}:
	default: // one is enough
	}
}

// missed has a grant looked at again.
func (n *news) missed(grant model.ID) {
	n.hear(model.Event{Touched: []model.Touch{{Kind: string(store.Grants.Kind()), ID: grant}}})
}

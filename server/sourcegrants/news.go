package sourcegrants

import (
	"context"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// mostHeard is how many records of one kind are remembered by their ids. Beyond
// it everything is looked at, which is then less work.
const mostHeard = 5000

// heard is what the feed has told since somebody took it: what was written on
// which rights depend.
type heard struct {
	grants     map[model.ID]bool
	principals map[model.ID]bool
	products   map[model.ID]bool
	assets     map[model.ID]bool
	roles      bool // of whoever reads in a source, or the sources themselves
	all        bool // nobody can tell what it touches
	soon       bool // neither, and it can wait
}

// news collects it.
type news struct {
	come chan struct{} // has one in it when there is something that shall not wait

	mu    sync.Mutex
	heard heard
}

// take gives what has come, and forgets it. What can wait is kept for later,
// unless it may not wait any longer.
func (n *news) take(late bool) heard {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := n.heard
	n.heard = heard{}
	if !late {
		n.heard.assets, n.heard.soon = taken.assets, taken.soon
		taken.assets, taken.soon = nil, false
	}
	return taken
}

// anew has everything looked at.
func (n *news) anew() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heard.all = true
}

// later has everything looked at, and not at once.
func (n *news) later() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heard.soon = true
}

// follow reads the feed until the context ends. After trouble it cannot know what
// it missed, so everything is looked at.
func (n *news) follow(ctx context.Context, s store.Store) {
	for ctx.Err() == nil {
		after, err := store.Newest(ctx, s)
		n.anew()
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
	h := &n.heard
	for _, t := range e.Touched {
		switch store.Kind(t.Kind) {
		case store.Grants.Kind():
			h.note(&h.grants, t.ID)
		case store.Principals.Kind():
			h.note(&h.principals, t.ID)
		case store.Products.Kind():
			h.note(&h.products, t.ID)
		case store.SourceRoles.Kind(), store.SourceGrantings.Kind(), store.Sources.Kind():
			h.roles = true
		case store.PolicyStates.Kind():
			h.all = true
		case store.Assets.Kind():
			h.note(&h.assets, t.ID)
			continue
		case store.Domains.Kind(), store.Teams.Kind(): // stewards, and the names by which rules know them
			h.soon = true
			continue
		default: // nothing that a right depends on
			continue
		}
		n.wake()
	}
}

func (h *heard) note(ids *map[model.ID]bool, id model.ID) {
	switch {
	case *ids == nil:
		*ids = map[model.ID]bool{}
	case len(*ids) >= mostHeard:
		h.soon = true
		h.all = h.all || ids != &h.assets
		return
	}
	(*ids)[id] = true
}

func (n *news) wake() {
	select {
	case n.come <- struct{}{}:
	default: // one is enough
	}
}

// missed has a record looked at again.
func (n *news) missed(kind store.Kind, id model.ID) {
	n.hear(model.Event{Touched: []model.Touch{{Kind: string(kind), ID: id}}})
}

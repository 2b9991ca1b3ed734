package catalog

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// patience is how long a search waits for the index to hear of the last
// changes before it answers from what it has.
const patience = 500 * time.Millisecond

// feed keeps an index in step with the store. It has its own position in the
// event feed; whoever needs the index fresh moves it on, one at a time.
type feed struct {
	store    store.Store
	turn     chan struct{} // holds one token; its holder may move the feed on
	loaded   chan struct{} // closed once the index holds everything
	index    *index
	position int64
}

func newFeed(s store.Store) *feed {
	return &feed{store: s, turn: make(chan struct{}, 1), loaded: make(chan struct{}), index: emptyIndex()}
}

// run follows the feed until the context ends. A store that does not answer is
// asked again a second later.
func (f *feed) run(ctx context.Context) {
	for ctx.Err() == nil {
		if f.follow(ctx) != nil {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (f *feed) follow(ctx context.Context) error {
	from, err := f.catchUp(ctx)
	if err != nil {
		return err
	}
	for e, err := range f.store.Events(ctx, from) {
		if err != nil {
			return err
		}
		if err := f.take(ctx); err != nil {
			return err
		}
		err := f.apply(ctx, e)
		f.give()
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// fresh brings the index up to the last change. The first time it loads
// everything, however long that takes; later it waits for patience at most.
func (f *feed) fresh(ctx context.Context) error {
	select {
	case <-f.loaded:
	default:
		_, err := f.catchUp(ctx)
		return err
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := f.catchUp(soon)
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return nil // late, not wrong: the answer is that of a moment ago
	}
	return err
}

func (f *feed) take(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *feed) give() { <-f.turn }

// catchUp applies every event that has happened so far and tells the last.
func (f *feed) catchUp(ctx context.Context) (int64, error) {
	if err := f.take(ctx); err != nil {
		return 0, err
	}
	defer f.give()
	select {
	case <-f.loaded:
	default:
		if err := f.load(ctx); err != nil {
			return 0, err
		}
	}
	q := store.Query{Index: "by_seq", Where: store.Between("seq", f.position+1, nil), Limit: 100}
	for e, err := range store.Events.All(ctx, f.store, q) {
		if err != nil {
			return 0, err
		}
		if err := f.apply(ctx, e); err != nil {
			return 0, err
		}
	}
	return f.position, nil
}

// load reads everything. It notes the last event first, so that whatever
// happens meanwhile is applied afterwards, once more at worst.
func (f *feed) load(ctx context.Context) error {
	f.index = emptyIndex() // an earlier attempt may have left half of one
	last, err := store.Events.Find(ctx, f.store, store.Query{Index: "by_seq", Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(last.Nodes) > 0 {
		f.position = last.Nodes[0].Seq
	}
	q := store.Query{Index: "by_name", Limit: store.MaxPage}
	if err := load(ctx, f, store.Assets.All, q, assetDocument); err != nil {
		return err
	}
	if err := load(ctx, f, store.Products.All, q, productDocument); err != nil {
		return err
	}
	if err := load(ctx, f, store.Domains.All, q, domainDocument); err != nil {
		return err
	}
	close(f.loaded)
	return nil
}

func load[T any](ctx context.Context, f *feed, all walk[T], q store.Query, describe func(T) *document) error {
	for n, err := range all(ctx, f.store, q) {
		if err != nil {
			return err
		}
		f.index.put(describe(n))
	}
	return nil
}

// apply reads again what an event has touched. Events may come twice: the
// store is read as it is now, so the index never goes back.
func (f *feed) apply(ctx context.Context, e model.Event) error {
	if e.Seq <= f.position {
		return nil
	}
	touched := map[store.Kind][]model.ID{}
	for _, t := range e.Touched {
		touched[store.Kind(t.Kind)] = append(touched[store.Kind(t.Kind)], t.ID)
	}
	if err := reread(ctx, f, store.Assets.GetMany, touched[store.Assets.Kind()], assetDocument); err != nil {
		return err
	}
	if err := reread(ctx, f, store.Products.GetMany, touched[store.Products.Kind()], productDocument); err != nil {
		return err
	}
	if err := reread(ctx, f, store.Domains.GetMany, touched[store.Domains.Kind()], domainDocument); err != nil {
		return err
	}
	f.position = e.Seq
	return nil
}

func reread[T any](ctx context.Context, f *feed, get func(context.Context, store.Store, ...model.ID) ([]T, error), ids []model.ID, describe func(T) *document) error {
	for len(ids) > 0 {
		part := ids[:min(chunkSize, len(ids))]
		ids = ids[len(part):]
		found, err := get(ctx, f.store, part...)
		if err != nil {
			return err
		}
		gone := map[model.ID]bool{}
		for _, id := range part {
			gone[id] = true
		}
		for _, n := range found {
			d := describe(n)
			delete(gone, d.id)
			f.index.put(d)
		}
		for id := range gone {
			f.index.drop(id)
		}
	}
	return nil
}

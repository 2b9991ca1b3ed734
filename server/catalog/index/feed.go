package index

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// patience is how long a search waits for the index to hear of the last
// changes before it answers from what it has.
const patience = 500 * time.Millisecond

// How much is read at a time to follow a harvest, of which each event may have
// touched a thousand assets: little, since whoever runs one counts its memory.
const (
	eventsAtOnce = 10
	chunkSize    = 100
)

// Index is the search index in step with the store. It has its own position in
// the event feed; whoever needs it fresh moves it on, one at a time.
type Index struct {
	*entries

	store    store.Store
	turn     chan struct{} // holds one token; its holder may move the feed on
	loaded   chan struct{} // closed once the index holds everything
	position int64
}

// New makes an index that is read from the store by whoever needs it first.
func New(s store.Store) *Index {
	return &Index{entries: newEntries(), store: s, turn: make(chan struct{}, 1), loaded: make(chan struct{})}
}

// Run follows the feed until the context ends. A store that does not answer is
// asked again a second later.
func (x *Index) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if x.follow(ctx) != nil {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (x *Index) follow(ctx context.Context) error {
	from, err := x.catchUp(ctx)
	if err != nil {
		return err
	}
	for e, err := range x.store.Events(ctx, from) {
		if err != nil {
			return err
		}
		if err := x.take(ctx); err != nil {
			return err
		}
		err := x.apply(ctx, e)
		x.give()
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Fresh brings the index up to the last change. The first time it loads
// everything, however long that takes; later it waits for patience at most.
func (x *Index) Fresh(ctx context.Context) error {
	select {
	case <-x.loaded:
	default:
		_, err := x.catchUp(ctx)
		return err
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := x.catchUp(soon)
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return nil // late, not wrong: the answer is that of a moment ago
	}
	return err
}

func (x *Index) take(ctx context.Context) error {
	select {
	case x.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *Index) give() { <-x.turn }

// catchUp applies every event that has happened so far and tells the last.
func (x *Index) catchUp(ctx context.Context) (int64, error) {
	if err := x.take(ctx); err != nil {
		return 0, err
	}
	defer x.give()
	select {
	case <-x.loaded:
	default:
		if err := x.load(ctx); err != nil {
			return 0, err
		}
	}
	q := store.Query{Index: "by_seq", Where: store.Between("seq", x.position+1, nil), Limit: eventsAtOnce}
	for e, err := range store.Events.All(ctx, x.store, q) {
		if err != nil {
			return 0, err
		}
		if err := x.apply(ctx, e); err != nil {
			return 0, err
		}
	}
	return x.position, nil
}

// load reads everything. It notes the last event first, so that whatever
// happens meanwhile is applied afterwards, once more at worst. What an earlier
// attempt has read is read again, and put in its place.
func (x *Index) load(ctx context.Context) error {
	last, err := store.Events.Find(ctx, x.store, store.Query{Index: "by_seq", Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(last.Nodes) > 0 {
		x.position = last.Nodes[0].Seq
	}
	if err := load(ctx, x, store.Assets.All, ofAsset); err != nil {
		return err
	}
	if err := load(ctx, x, store.Products.All, ofProduct); err != nil {
		return err
	}
	if err := load(ctx, x, store.Domains.All, ofDomain); err != nil {
		return err
	}
	x.settle()
	close(x.loaded)
	return nil
}

// walk is the All of a typed table.
type walk[T any] func(context.Context, store.Store, store.Query) iter.Seq2[T, error]

func load[T any](ctx context.Context, x *Index, all walk[T], describe func(T) draft) error {
	for n, err := range all(ctx, x.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		x.put(describe(n))
	}
	return nil
}

// apply reads again what an event has touched. Events may come twice: the
// store is read as it is now, so the index never goes back.
func (x *Index) apply(ctx context.Context, e model.Event) error {
	if e.Seq <= x.position {
		return nil
	}
	touched := map[store.Kind][]model.ID{}
	for _, t := range e.Touched {
		touched[store.Kind(t.Kind)] = append(touched[store.Kind(t.Kind)], t.ID)
	}
	if err := reread(ctx, x, store.Assets.GetMany, touched[store.Assets.Kind()], ofAsset); err != nil {
		return err
	}
	if err := reread(ctx, x, store.Products.GetMany, touched[store.Products.Kind()], ofProduct); err != nil {
		return err
	}
	if err := reread(ctx, x, store.Domains.GetMany, touched[store.Domains.Kind()], ofDomain); err != nil {
		return err
	}
	x.position = e.Seq
	return nil
}

func reread[T any](ctx context.Context, x *Index, get func(context.Context, store.Store, ...model.ID) ([]T, error), ids []model.ID, describe func(T) draft) error {
	for part := range slices.Chunk(ids, chunkSize) {
		found, err := get(ctx, x.store, part...)
		if err != nil {
			return err
		}
		gone := map[model.ID]bool{}
		for _, id := range part {
			gone[id] = true
		}
		for _, n := range found {
			d := describe(n)
			delete(gone, d.ID)
			x.put(d)
		}
		for id := range gone {
			x.drop(id)
		}
	}
	return nil
}

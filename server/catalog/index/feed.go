package index

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync/atomic"
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

// farewell is how long the end of a server waits for the file.
const farewell = 5 * time.Second

// saveAfter is how many things change before the file is written again.
const saveAfter = 10_000

// Index is the search index in step with the store. It has its own position in
// the event feed; whoever needs it fresh moves it on, one at a time.
type Index struct {
	*entries

	store    store.Store
	file     string // "" keeps none
	log      *slog.Logger
	turn     chan struct{} // holds one token; its holder may move the feed on
	loaded   chan struct{} // closed once the index holds everything
	position int64
	unsaved  int // things that have changed since the file was written

	running     atomic.Bool  // somebody reads the store in the background
	read, sized atomic.Int64 // while it is loaded: how many things were read, of how many
}

// New makes an index that is read from the store by whoever needs it first. What
// runs in the background keeps it in the file, so that the next start finds it
// there; without a name there is no file, and without a logger nothing is told.
func New(s store.Store, file string, log *slog.Logger) *Index {
	log = cmp.Or(log, slog.New(slog.DiscardHandler))
	return &Index{entries: newEntries(), store: s, file: file, log: log, turn: make(chan struct{}, 1), loaded: make(chan struct{})}
}

// Run follows the feed until the context ends. A store that does not answer is
// asked again a second later.
func (x *Index) Run(ctx context.Context) {
	x.running.Store(true)
	defer x.running.Store(false)
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		x.keep(last, 1)
	}()
	for ctx.Err() == nil {
		if err := x.follow(ctx); err != nil {
			if ctx.Err() == nil {
				x.log.WarnContext(ctx, "the search index cannot follow the store: it is tried again", "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (x *Index) follow(ctx context.Context) error {
	from, err := x.begin(ctx)
	if err != nil {
		return err
	}
	x.keep(ctx, saveAfter)
	for e, err := range x.store.Events(ctx, from) {
		if err != nil {
			return err
		}
		if err := x.take(ctx); err != nil {
			return err
		}
		err := x.apply(ctx, e)
		x.give()
		x.keep(ctx, saveAfter)
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// begin brings the index up to the last event, from the file if that fits.
func (x *Index) begin(ctx context.Context) (int64, error) {
	if err := x.take(ctx); err != nil {
		return 0, err
	}
	if x.file != "" && !x.whole() {
		switch err := x.restore(ctx); {
		case err == nil:
			close(x.loaded)
		case !errors.Is(err, errUnfit):
			x.log.WarnContext(ctx, "the file of the search index cannot be read: the index is made anew", "file", x.file, "error", err)
		}
	}
	x.give()
	return x.catchUp(ctx)
}

// keep writes the file once so many things have changed that to read them again
// would take long.
func (x *Index) keep(ctx context.Context, changed int) {
	if x.file == "" || !x.whole() || x.take(ctx) != nil {
		return
	}
	defer x.give()
	if x.unsaved < changed {
		return
	}
	if err := x.save(ctx); err != nil {
		x.log.WarnContext(ctx, "the search index cannot be kept: the next start makes it anew", "file", x.file, "error", err)
	}
	x.unsaved = 0 // also after a failure: it is tried again when as much has changed once more
}

// Fresh brings the index up to the last change, as far as that goes at once: a
// search waits for patience at most, and then finds what is known by then.
// Without anybody who reads the store in the background, whoever comes first
// does, however long that takes.
func (x *Index) Fresh(ctx context.Context) error {
	if !x.whole() && !x.running.Load() {
		_, err := x.catchUp(ctx)
		return err
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	select {
	case <-x.loaded:
		_, err = x.catchUp(soon)
	case <-soon.Done():
		err = soon.Err()
	}
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return nil // late, not wrong: the answer is that of a moment ago
	}
	return err
}

// Percent is how much of the store the index knows: 100 but for the first
// moments after a start.
func (x *Index) Percent() int {
	if x.whole() {
		return 100
	}
	return int(min(99, 100*x.read.Load()/max(1, x.sized.Load())))
}

func (x *Index) whole() bool {
	select {
	case <-x.loaded:
		return true
	default:
		return false
	}
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
	if !x.whole() {
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
	if err := x.size(ctx); err != nil {
		return err
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

// size asks how much there is to be read.
func (x *Index) size(ctx context.Context) error {
	all := 0
	for _, kind := range []store.Kind{store.Assets.Kind(), store.Products.Kind(), store.Domains.Kind()} {
		n, err := x.store.Size(ctx, kind)
		if err != nil {
			return err
		}
		all += n
	}
	x.read.Store(0)
	x.sized.Store(int64(all))
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
		x.unsaved++
		x.read.Add(1)
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
		x.unsaved += len(part)
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

package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/groupcommit"
)

// Engine is what a database must bring to be a store. Everything else is the
// same for all of them, and Front's.
type Engine interface {
	// Fetch returns the records that exist among the ids, in the order of the ids.
	Fetch(ctx context.Context, kind Kind, ids []model.ID) ([]Record, error)

	// Revisions gives the revisions of the records that exist among the ids.
	Revisions(ctx context.Context, kind Kind, ids []model.ID) (map[model.ID]model.Revision, error)

	// Size tells how many records of the kind there are, as cheaply as it can.
	Size(ctx context.Context, kind Kind) (int, error)

	// Newest gives the number of the newest event, 0 when there is none, as cheaply
	// as it can: it is asked for again and again.
	Newest(ctx context.Context) (int64, error)

	// Scan offers the rows of the plan's scans to the page, in their order and
	// as one moment saw them, until it wants no more.
	Scan(ctx context.Context, p *Plan, page *Pager) error

	// Commit writes the changes and their events in one transaction. A change
	// that is refused carries its error and leaves the others alone; an error
	// of Commit itself means that nothing was written.
	Commit(ctx context.Context, group []*Job) error

	// Sole reports whether nobody but this process writes the records, as long
	// as the engine is open.
	Sole() bool

	// Probe writes something that changes nothing, to see whether it can.
	Probe(ctx context.Context) error

	// Beside is the engine's own work beside that of its callers. It ends with
	// the context, when the store closes. The bell rings at every commit of
	// this process; the engine rings it for those of others.
	Beside(ctx context.Context, bell *Bell)

	// Close gives everything back; nothing else is called any more.
	Close() error
}

var _ Store = (*Front)(nil)

// grace is how long a commit may go on after the store is to close.
const grace = 2 * time.Second

// Front is the side of a store that its callers see, the same before every
// engine: it checks what is asked, brings all changes to one writer, and
// feeds the events to those who follow.
type Front struct {
	engine   Engine
	cache    *cache
	versions versions
	writer   *groupcommit.Writer[*Job]
	bell     Bell
	stopped  <-chan struct{} // nil until Start
	shut     func() error
	work     sync.WaitGroup
}

// NewFront puts a front before the engine. It takes no change before Start.
func NewFront(e Engine) *Front {
	f := &Front{engine: e, cache: newCache(e), shut: e.Close}
	f.writer = f.newWriter()
	return f
}

// Start begins the writer and the engine's own work. They outlive the context.
func (f *Front) Start(ctx context.Context) *Front {
	ctx, abandon := context.WithCancel(context.WithoutCancel(ctx))
	until, stop := context.WithCancel(ctx)
	f.stopped = until.Done()
	f.work.Go(func() { f.writer.Run(ctx) })
	f.work.Go(func() { f.engine.Beside(until, &f.bell) })
	f.shut = sync.OnceValue(func() error {
		stop()
		f.writer.Stop()
		late := time.AfterFunc(grace, abandon)
		f.work.Wait()
		late.Stop()
		abandon()
		return f.engine.Close()
	})
	return f
}

// Close implements Store. It lets the changes in hand finish, and everything
// that comes later fail.
func (f *Front) Close() error { return f.shut() }

// Get implements Store.
func (f *Front) Get(ctx context.Context, kind Kind, ids ...model.ID) ([]Record, error) {
	if _, ok := SchemaOf(kind); !ok {
		return nil, noKind(kind)
	}
	if err := f.admit(ctx); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return []Record{}, nil
	}
	at := f.cache.ofRecords(kind, ids)
	if page, ok := f.cache.kept(at); ok {
		return page.Records, nil
	}
	records, err := f.engine.Fetch(ctx, kind, ids)
	if err == nil {
		f.cache.keep(at, Page{Records: records})
	}
	return records, err
}

// Revisions implements Store.
func (f *Front) Revisions(ctx context.Context, kind Kind, ids ...model.ID) (map[model.ID]model.Revision, error) {
	if _, ok := SchemaOf(kind); !ok {
		return nil, noKind(kind)
	}
	if err := f.admit(ctx); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return map[model.ID]model.Revision{}, nil
	}
	return f.engine.Revisions(ctx, kind, ids)
}

// Size implements Store.
func (f *Front) Size(ctx context.Context, kind Kind) (int, error) {
	if _, ok := SchemaOf(kind); !ok {
		return 0, noKind(kind)
	}
	if err := f.admit(ctx); err != nil {
		return 0, err
	}
	return f.engine.Size(ctx, kind)
}

func noKind(kind Kind) error {
	return &model.Error{Kind: model.KindInternal, Message: fmt.Sprintf("no kind %q", kind), Hint: "declare its table"}
}

// Find implements Store.
func (f *Front) Find(ctx context.Context, q Query) (Page, error) {
	if err := f.admit(ctx); err != nil {
		return Page{}, err
	}
	at := f.cache.ofQuery(q)
	if page, ok := f.cache.kept(at); ok {
		return page, nil
	}
	page, err := f.scan(ctx, q)
	if err == nil {
		f.cache.keep(at, page)
	}
	return page, err
}

func (f *Front) scan(ctx context.Context, q Query) (Page, error) {
	p, err := q.Plan()
	if err != nil {
		return Page{}, err
	}
	page := p.Pager()
	if err := f.engine.Scan(ctx, p, page); err != nil {
		return Page{}, err
	}
	return page.Page(), nil
}

// Probe sees whether the store can be written now.
func (f *Front) Probe(ctx context.Context) error {
	if err := f.admit(ctx); err != nil {
		return err
	}
	return f.engine.Probe(ctx)
}

// admit turns away those who come too late.
func (f *Front) admit(ctx context.Context) error {
	select {
	case <-f.stopped:
		return Closed()
	default:
		return ctx.Err()
	}
}

// Closed is the error of a store that is not open any more.
func Closed() error {
	return Unavailable("the store is closed", "souk is shutting down: try again when it is back", nil)
}

// Unavailable is the error of a store that cannot do its work now; the hint
// says what its operator can do about it.
func Unavailable(message, hint string, err error) *model.Error {
	return &model.Error{Kind: model.KindUnavailable, Message: message, Hint: hint, Err: err}
}

package lake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
	"github.com/souk-mesh/souk/sdk"
)

// ErrGone is of an object that is no longer there.
var ErrGone = errors.New("the object is gone")

const (
	readers    = 8  // heads that are read at once
	mostDenied = 10 // refused reads after which no more are tried, where none was allowed
)

// harvest is one pass over one scope.
type harvest struct {
	scope   Scope
	options Options
	out     sdk.Sink
	tree    *tree

	emitting sync.Mutex
	denied   atomic.Int64
	allowed  atomic.Bool
	emitted  atomic.Int64
	rooted   bool       // a dataset has the name of the holder
	follow   *following // nil where everything is emitted
}

// Harvest lists a scope, emits its datasets, and declares it done. An error is
// that of the store: the scope is then not done, and the caller says why.
func Harvest(ctx context.Context, scope Scope, options Options, out sdk.Sink) error {
	return pass(ctx, scope, options, out, nil)
}

func pass(ctx context.Context, scope Scope, options Options, out sdk.Sink, follow *following) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h := &harvest{scope: scope, options: options, out: out, follow: follow}
	found := make(chan *dataset, readers)
	send := func(datasets ...*dataset) error {
		for _, d := range datasets {
			select {
			case found <- d:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	}
	h.tree = newTree(scope, options, func(d *dataset) error { return send(h.wanted(d)...) })
	var reading sync.WaitGroup
	for range readers {
		reading.Go(func() {
			for d := range found {
				if err := h.take(ctx, d); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := h.list(ctx)
	if err == nil && follow != nil {
		err = send(follow.rest()...)
	}
	close(found)
	reading.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	if err := errors.Join(h.remarks(), h.hold()); err != nil {
		return err
	}
	if follow != nil {
		return follow.end(scope.Name)
	}
	return out.ScopeDone(scope.Name)
}

// wanted gives what has to be read now that the dataset was listed.
func (h *harvest) wanted(d *dataset) []*dataset {
	if h.follow == nil {
		return []*dataset{d}
	}
	if h.id(d) == h.scope.holder() {
		h.emitting.Lock()
		h.rooted = true
		h.emitting.Unlock()
	}
	return h.follow.take(d)
}

func (h *harvest) list(ctx context.Context) error {
	err := h.scope.Store.List(ctx, h.scope.Prefix, func(objects []Object) error {
		for _, o := range objects {
			if err := h.tree.add(o); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return h.progress()
	})
	if err != nil {
		return err
	}
	return h.tree.end()
}

func (h *harvest) progress() error {
	h.emitting.Lock()
	defer h.emitting.Unlock()
	return h.out.Progress(h.tree.tally.objects, 0, "objects of "+legible(h.scope.Name))
}

// take describes one dataset and emits it.
func (h *harvest) take(ctx context.Context, d *dataset) error {
	if ctx.Err() != nil {
		return nil // the others are only drained
	}
	if h.denied.Load() >= mostDenied && !h.allowed.Load() {
		return h.unreadable(d, "may not be read")
	}
	assets, leftOut, err := h.describe(ctx, d)
	if err != nil {
		return h.failed(ctx, d, err)
	}
	if !h.options.SkipHeads && d.sample.Size > 0 {
		h.allowed.Store(true)
	}
	h.emitting.Lock()
	defer h.emitting.Unlock()
	for _, a := range assets {
		h.rooted = h.rooted || a.ID == h.scope.holder()
		if err := h.out.Emit(a); err != nil {
			return err
		}
	}
	if n := h.emitted.Add(int64(len(assets))); n%100 == 0 {
		if err := h.out.Progress(h.emitted.Load(), 0, "objects of "+legible(h.scope.Name)); err != nil {
			return err
		}
	}
	if leftOut > 0 {
		return h.out.Note(sdk.Note{
			Level: sdk.WarnLevel, Code: "lake.fields_left_out", Title: "A dataset has more than 5,000 fields: the first ones are shown.",
			Sample: fmt.Sprintf("%d of %s", leftOut, h.id(d).Name),
		})
	}
	return nil
}

// failed tells the one dataset that cannot be described from a store that
// cannot be read.
func (h *harvest) failed(ctx context.Context, d *dataset, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case heads.IsBroken(err):
		return h.unreadable(d, err.Error())
	case errors.Is(err, ErrGone):
		return h.unreadable(d, "is gone since it was listed")
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Class == sdk.ClassDenied {
		h.denied.Add(1)
		return h.unreadable(d, e.Message+". "+e.Fix)
	}
	return err
}

// unreadable notes the one dataset: what is known of it stays as it is, and the
// rest of the scope is complete without it.
func (h *harvest) unreadable(d *dataset, why string) error {
	h.emitting.Lock()
	defer h.emitting.Unlock()
	if h.follow != nil {
		h.follow.unread(d)
	}
	id := h.id(d)
	h.rooted = h.rooted || id == h.scope.holder()
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "lake.unreadable", Scope: h.scope.Name, Asset: id, Sample: id.Name + ": " + why,
		Title: "A dataset cannot be described: the file that was read of it is damaged, gone or may not be read. What was known of it stays.",
	})
}

// remarks says what the listing shows that is no dataset.
func (h *harvest) remarks() error {
	tally := h.tree.tally
	for _, r := range []struct {
		n           int64
		code, title string
	}{
		{tally.hidden, "lake.hidden", "Objects are passed over whose names begin with _ or a dot, as readers of tables do."},
		{tally.other, "lake.no_data", "Objects are passed over whose names are not those of data files."},
		{tally.folded, "lake.too_many_shapes", "A folder has more than 1,000 datasets by the names of its files: the further ones are counted together by their format."},
	} {
		if r.n == 0 {
			continue
		}
		sample := h.scope.Name + ": " + strconv.FormatInt(r.n, 10)
		if err := h.out.Note(sdk.Note{Level: sdk.InfoLevel, Code: r.code, Title: r.title, Sample: sample}); err != nil {
			return err
		}
	}
	return nil
}

package resolver

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// loaderBatch is how many records one call of a service is asked for.
const loaderBatch = 200

// loader looks values up by id for one operation. Whoever reads a page says
// which ids its rows link to; the first row that follows a link fetches them
// all, and the others find theirs there. So a page costs one call for each
// kind of link, whatever its length, and no timer decides what goes together.
type loader[V any] struct {
	fetch func(ctx context.Context, ids ...model.ID) (map[model.ID]V, error)
	note  func(V) // of what was found; may be nil

	fetching sync.Mutex // held during a fetch, so that the same ids are not fetched twice
	mu       sync.Mutex // guards the maps
	wanted   map[model.ID]bool
	found    map[model.ID]V
	absent   map[model.ID]bool
}

// expect says that the ids may be asked for later in this operation.
func (l *loader[V]) expect(ids ...model.ID) {
	for _, id := range ids {
		l.want(id)
	}
}

// want is expect for one id, which takes no list of ids.
func (l *loader[V]) want(id model.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.found[id]; ok || id == "" || l.absent[id] {
		return
	}
	if l.wanted == nil {
		l.wanted = map[model.ID]bool{}
	}
	l.wanted[id] = true
}

// one gives the value of the id; false when there is none or the viewer may
// not know of it.
func (l *loader[V]) one(ctx context.Context, id model.ID) (V, bool, error) {
	if v, done, ok := l.known(id); done || id == "" {
		return v, ok, nil
	}
	l.fetching.Lock()
	defer l.fetching.Unlock()
	if v, done, ok := l.known(id); done {
		return v, ok, nil
	}
	l.expect(id)
	for batch := range slices.Chunk(l.take(), loaderBatch) {
		rows, err := l.fetch(ctx, batch...)
		if err != nil {
			var none V
			return none, false, err
		}
		l.keep(batch, rows)
	}
	v, _, ok := l.known(id)
	return v, ok, nil
}

// known gives what earlier fetches have said of the id.
func (l *loader[V]) known(id model.ID) (v V, done, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok = l.found[id]
	return v, ok || l.absent[id], ok
}

// take empties the list of what is wanted.
func (l *loader[V]) take() []model.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := slices.Sorted(maps.Keys(l.wanted))
	l.wanted = nil
	return ids
}

// keep takes over what was fetched. What it links to is noted before anybody can
// see it: whoever follows the link of the first row finds those of all.
func (l *loader[V]) keep(ids []model.ID, rows map[model.ID]V) {
	if l.note != nil {
		for _, v := range rows {
			l.note(v)
		}
	}
	for _, id := range ids {
		if v, ok := rows[id]; ok {
			l.put(id, v)
		} else {
			l.miss(id)
		}
	}
}

func (l *loader[V]) put(id model.ID, v V) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.found == nil {
		l.found = map[model.ID]V{}
	}
	l.found[id] = v
}

func (l *loader[V]) miss(id model.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.absent == nil {
		l.absent = map[model.ID]bool{}
	}
	l.absent[id] = true
}

// forget drops what a mutation may have changed.
func (l *loader[V]) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted, l.found, l.absent = nil, nil, nil
}

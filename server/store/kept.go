package store

import (
	"cmp"
	"context"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// maxKept is how many values are kept where nobody says otherwise; then it begins anew.
const maxKept = 64

// Kept are values that were worked out from whole tables, by what they are about.
// Each is good for as long as its tables stand as they did before they were read,
// which the store is asked each time: a change of this server or of another is
// seen by whoever asks after it, and no clock has a say. Where the store cannot
// tell, nothing is kept. The values are shared: nobody writes into one.
type Kept[V any] struct {
	Most int // values at once; 0 is 64

	mu     sync.Mutex
	values map[model.ID]stood[V]
}

type stood[V any] struct {
	at    int64
	value V
}

// Get gives the value, or reads it from the tables; what is not worth keeping is
// read each time.
func (k *Kept[V]) Get(ctx context.Context, s Store, id model.ID, tables []Kind, read func() (V, bool, error)) (V, error) {
	now, known, err := s.Version(ctx, tables...)
	if err != nil {
		var none V
		return none, err
	}
	if known {
		if value, ok := k.found(id, now); ok {
			return value, nil
		}
	}
	value, worth, err := read()
	if err == nil && known && worth {
		k.keep(id, stood[V]{now, value})
	}
	return value, err
}

func (k *Kept[V]) found(id model.ID, now int64) (V, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.values[id]
	return v.value, ok && v.at == now
}

func (k *Kept[V]) keep(id model.ID, v stood[V]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values == nil || len(k.values) >= cmp.Or(k.Most, maxKept) {
		k.values = map[model.ID]stood[V]{}
	}
	k.values[id] = v
}

package decide

import "sync"

// maxKeptViews is how many whole views of the snapshot in force are remembered.
const maxKeptViews = 256

// viewCache remembers the views of the snapshot in force, of whichever kind.
type viewCache[V any] struct {
	mu       sync.Mutex
	snapshot *Snapshot
	known    map[string]V
}

func (c *viewCache[V]) get(s *Snapshot, key string) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != s {
		return v, false
	}
	v, ok = c.known[key]
	return v, ok
}

func (c *viewCache[V]) put(s *Snapshot, key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != s || len(c.known) >= maxKeptViews {
		c.snapshot, c.known = s, map[string]V{}
	}
	c.known[key] = v
}

package policy

import "sync"

// maxKeptViews is how many whole views of the snapshot in force are remembered.
const maxKeptViews = 256

// viewCache remembers the views of the snapshot in force.
type viewCache struct {
	mu       sync.Mutex
	snapshot *Snapshot
	known    map[string]View
}

func (c *viewCache) get(s *Snapshot, key string) (View, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != s {
		return View{}, false
	}
	v, ok := c.known[key]
	return v, ok
}

func (c *viewCache) put(s *Snapshot, key string, v View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != s || len(c.known) >= maxKeptViews {
		c.snapshot, c.known = s, map[string]View{}
	}
	c.known[key] = v
}

package decide

import (
	"sync"

	"github.com/souk-mesh/souk/server/policy/internal/filter"
)

// maxKeptViews is how many whole views of the snapshot in force are remembered.
const maxKeptViews = 256

// viewCache remembers the views of the snapshot in force.
type viewCache struct {
	mu       sync.Mutex
	snapshot *Snapshot
	known    map[string]filter.View
}

func (c *viewCache) get(s *Snapshot, key string) (filter.View, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != s {
		return filter.View{}, false
	}
	v, ok := c.known[key]
	return v, ok
}

func (c *viewCache) put(s *Snapshot, key string, v filter.View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != s || len(c.known) >= maxKeptViews {
		c.snapshot, c.known = s, map[string]filter.View{}
	}
	c.known[key] = v
}

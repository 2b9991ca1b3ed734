// Package index owns what search stands on: which words are in the names, tags,
// descriptions and fields of assets, products and domains. All of it is derived
// from the store and kept in step with it by the event feed, so it can be lost
// at any time. It decides nothing about who may see a hit.
package index

import (
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// entries is an inverted index in memory.
type entries struct {
	mu     sync.RWMutex
	list   []*entry // by number; nil where a thing was deleted
	number map[model.ID]uint32
	known  *vocabulary
}

func newEntries() *entries {
	return &entries{number: map[model.ID]uint32{}, known: newVocabulary()}
}

// put replaces an entry or adds one.
func (x *entries) put(d draft) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, exists := x.number[d.ID]
	if !exists {
		n = uint32(len(x.list)) //nolint:gosec // memory ends before
		x.number[d.ID], x.list = n, append(x.list, nil)
	}
	e := d.entry
	kept := make(map[uint32]bool, len(d.parts))
	e.words = make([]uint32, 0, len(d.parts))
	for text, parts := range d.parts {
		w := x.known.of(text)
		x.known.words[w].put(newPosting(n, parts))
		e.words, kept[w] = append(e.words, w), true
	}
	x.unlink(n, kept)
	x.list[n] = &e
	x.known.tidy()
}

// drop takes an entry out.
func (x *entries) drop(id model.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n, exists := x.number[id]; exists {
		x.unlink(n, nil)
		x.list[n] = nil // the number is kept for the id, which may come back
	}
}

// unlink takes the entry out of the words that it no longer has.
func (x *entries) unlink(n uint32, kept map[uint32]bool) {
	if x.list[n] == nil {
		return
	}
	for _, w := range x.list[n].words {
		if !kept[w] {
			x.known.words[w].drop(n)
		}
	}
}

// settle makes the whole index ready once much was added.
func (x *entries) settle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.known.sort()
}

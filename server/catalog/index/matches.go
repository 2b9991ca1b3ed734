package index

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// Place is a position among the hits: the best score first, then by name.
type Place struct {
	Score float64  `json:"s,omitempty"`
	Name  string   `json:"n,omitempty"`
	ID    model.ID `json:"i"`
}

// Compare orders places.
func (p Place) Compare(o Place) int {
	return cmp.Or(-cmp.Compare(p.Score, o.Score), cmp.Compare(p.Name, o.Name), cmp.Compare(p.ID, o.ID))
}

// Match is an entry that has all the words of a query.
type Match struct {
	*Entry
	Score float64
	parts Part
}

// Place is where the match stands among the hits.
func (m Match) Place() Place { return Place{m.Score, m.Name, m.ID} }

// Parts names the parts that the words were found in, best first.
func (m Match) Parts() []string {
	var names []string
	for _, p := range weights {
		if m.parts&p.part != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// before is what Compare of the places says, with names looked at for equal scores alone.
func (m Match) before(o *Match) bool {
	if m.Score != o.Score {
		return m.Score > o.Score
	}
	return cmp.Or(strings.Compare(m.Name, o.Name), strings.Compare(string(m.ID), string(o.ID))) < 0
}

// best keeps as many matches as are wanted, of all that are offered: a page
// shows a handful of what may be everything. It is a heap with the last of the
// kept at its root.
type best struct {
	kept    []Match
	wanted  int
	offered int
}

func (b *best) offer(m Match) {
	b.offered++
	switch {
	case len(b.kept) < b.wanted:
		heap.Push(b, m)
	case b.wanted > 0 && m.before(&b.kept[0]):
		b.kept[0] = m
		heap.Fix(b, 0)
	}
}

func (b *best) inOrder() []Match {
	slices.SortFunc(b.kept, func(m, o Match) int { return m.Place().Compare(o.Place()) })
	return b.kept
}

// Len is how many are kept.
func (b *best) Len() int { return len(b.kept) }

// Less puts the later match nearer to the root.
func (b *best) Less(i, j int) bool { return b.kept[j].before(&b.kept[i]) }

// Swap exchanges two matches.
func (b *best) Swap(i, j int) { b.kept[i], b.kept[j] = b.kept[j], b.kept[i] }

// Push adds a match at the end.
func (b *best) Push(m any) {
	if m, ok := m.(Match); ok {
		b.kept = append(b.kept, m)
	}
}

// Pop takes the match at the end.
func (b *best) Pop() any {
	last := len(b.kept) - 1
	m := b.kept[last]
	b.kept = b.kept[:last]
	return m
}

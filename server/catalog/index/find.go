package index

import (
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// Query is a search as the index understands it.
type Query struct {
	Text   string   // all of it, in lower case
	Words  []string // the last may be the beginning of one
	Kinds  []Kind   // none is all
	Domain model.ID // "" is all
	After  *Place   // the last hit that was seen; nil begins with the best
}

func (q Query) wants(e *entry) bool {
	return (len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) && (q.Domain == "" || q.Domain == e.Domain)
}

// Find gives the best entries that have all the words, at most as many as the
// limit, and how many there are in all. The order is total, so it can be paged.
func (x *entries) Find(q Query, limit int) ([]Match, int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	groups := x.groups(q.Words)
	if len(groups) == 0 || slices.ContainsFunc(groups, func(g group) bool { return len(g) == 0 }) {
		return nil, 0
	}
	found := best{wanted: limit}
	var t tally
	for low := uint32(0); low < uint32(len(x.list)); low += tallied { //nolint:gosec // numbers of entries fit
		t.meet(groups, low)
		for i, met := range t.met {
			if int(met) < len(groups) {
				continue
			}
			e := x.list[low+uint32(i)]
			if !q.wants(e) {
				continue
			}
			if m := q.match(e, t.worth[i], t.parts[i]); q.begins(m) {
				found.offer(m)
			}
		}
	}
	return found.inOrder(), found.offered
}

func (q Query) match(e *entry, worth uint32, parts Part) Match {
	return Match{&e.Entry, (float64(worth)/unit/float64(len(q.Words)) + closeness(e, q.Text)) * e.boost, parts}
}

// begins tells whether the match comes after what was seen.
func (q Query) begins(m Match) bool { return q.After == nil || m.Place().Compare(*q.After) > 0 }

// group is where one word of a query stands, and the words that it begins.
type group []stretch

// stretch is what is left of a word's postings, with what each part is worth.
type stretch struct {
	at    []posting
	worth *[allParts + 1]uint32
}

func (x *entries) groups(words []string) []group {
	groups, full, begun := make([]group, len(words)), worths(4), worths(3)
	for i, w := range words {
		if at := x.known.found(w); len(at) > 0 {
			groups[i] = append(groups[i], stretch{at, &full})
		}
		if i < len(words)-1 {
			continue
		}
		for _, at := range x.known.beginning(w) {
			if len(at) > 0 {
				groups[i] = append(groups[i], stretch{at, &begun})
			}
		}
	}
	return groups
}

// tallied is how many entries are looked at together, so that what is counted
// stays in the processor's cache however many entries there are.
const tallied = 1 << 12

// tally counts what the words of a query find among the entries of one stretch
// of numbers, word after word.
type tally struct {
	met   [tallied]uint8 // how many words each entry has; a query has 16 at most
	worth [tallied]uint32
	parts [tallied]Part
	best  [tallied]uint32 // of the current word
	seen  [tallied]Part   // of the current word
}

// meet counts the entries from low on, and moves the groups on beyond them.
func (t *tally) meet(groups []group, low uint32) {
	clear(t.met[:])
	clear(t.worth[:])
	clear(t.parts[:])
	for i, g := range groups {
		clear(t.best[:])
		clear(t.seen[:])
		for j := range g {
			t.count(&g[j], low, uint8(i))
		}
		for at, worth := range t.best {
			if worth > 0 {
				t.met[at]++
				t.worth[at] += worth
				t.parts[at] |= t.seen[at]
			}
		}
	}
}

func (t *tally) count(s *stretch, low uint32, asked uint8) {
	for i, p := range s.at {
		at := p.entry() - low
		if at >= tallied {
			s.at = s.at[i:]
			return
		}
		if t.met[at] == asked {
			t.best[at] = max(t.best[at], s.worth[p.parts()])
			t.seen[at] |= p.parts()
		}
	}
	s.at = nil
}

// weights is what a word is worth in each part, the best part first. They are
// whole numbers, so that a sum is the same in whatever order it is made.
var weights = []struct {
	part   Part
	name   string
	weight uint32
}{{InName, "name", 3200}, {InTags, "tags", 2000}, {InDescription, "description", 1600}, {InFields, "fields", 800}}

// unit is what a weight of one is.
const unit = 800

// worths tells for all combinations of parts what a word is worth that stands in
// them: the weight of the best and a little of the others. Of a word that only
// begins with what was asked for, three quarters count.
func worths(quarters uint32) (all [allParts + 1]uint32) {
	for parts := range all {
		for _, p := range weights {
			switch {
			case Part(parts)&p.part == 0:
			case all[parts] == 0:
				all[parts] = p.weight
			default:
				all[parts] += p.weight / 20
			}
		}
		all[parts] = all[parts] * quarters / 4
	}
	return all
}

// closeness rewards a short name that is, or begins with, all that was asked
// for, and among the others the short ones.
func closeness(e *entry, text string) float64 {
	switch {
	case e.short == text || e.folded == text:
		return 16
	case strings.HasPrefix(e.short, text):
		return 8 + 1/float64(1+len(e.short)-len(text))
	}
	return 1 / float64(2+len(e.short))
}

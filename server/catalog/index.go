package catalog

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// maxPrefix bounds how many words the beginning of one may stand for.
const maxPrefix = 2000

// index is an inverted index in memory over assets, products and domains. It
// is disposable: feed.go builds it from the store and keeps it fresh.
type index struct {
	mu    sync.RWMutex
	docs  []*document // nil where a thing was deleted
	place map[model.ID]int32
	terms map[string]*term
	vocab []string // the words in order, for prefixes; those of late are in fresh
	fresh []string
}

// term is one word and where it is found, in the order of the documents.
type term struct{ postings []posting }

type posting struct {
	doc   int32
	parts textPart
}

func emptyIndex() *index {
	return &index{place: map[model.ID]int32{}, terms: map[string]*term{}}
}

// put replaces a document or adds one.
func (x *index) put(d *document) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, exists := x.place[d.id]
	if !exists {
		at = int32(len(x.docs)) //nolint:gosec // memory ends before
		x.place[d.id], x.docs = at, append(x.docs, nil)
	}
	terms := make(map[*term]textPart, len(d.words))
	for w, p := range d.words {
		terms[x.term(w)] = p
	}
	x.unlink(at, terms)
	x.link(at, terms)
	d.terms, d.words = slices.AppendSeq(make([]*term, 0, len(terms)), maps.Keys(terms)), nil
	x.docs[at] = d
	x.tidy()
}

// drop takes a document out.
func (x *index) drop(id model.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if at, exists := x.place[id]; exists {
		x.unlink(at, nil)
		x.docs[at] = nil // the place is kept for the id, which may come back
	}
}

// term finds or makes a word.
func (x *index) term(word string) *term {
	t, exists := x.terms[word]
	if !exists {
		t, word = &term{}, strings.Clone(word)
		x.terms[word], x.fresh = t, append(x.fresh, word)
	}
	return t
}

// unlink takes the document out of the words that it no longer has.
func (x *index) unlink(at int32, keep map[*term]textPart) {
	if x.docs[at] == nil {
		return
	}
	for _, t := range x.docs[at].terms {
		if _, kept := keep[t]; kept {
			continue
		}
		if i, found := t.find(at); found {
			t.postings = slices.Delete(t.postings, i, i+1)
		}
	}
}

func (x *index) link(at int32, terms map[*term]textPart) {
	for t, p := range terms {
		i, found := t.find(at)
		if !found {
			t.postings = slices.Insert(t.postings, i, posting{doc: at})
		}
		t.postings[i].parts = p
	}
}

func (t *term) find(doc int32) (int, bool) {
	if n := len(t.postings); n == 0 || t.postings[n-1].doc < doc {
		return n, false
	}
	return slices.BinarySearchFunc(t.postings, doc, func(p posting, d int32) int { return int(p.doc) - int(d) })
}

// tidy sorts new words into the vocabulary once they are worth it; words that
// nothing has any more go out with it.
func (x *index) tidy() {
	if len(x.fresh) < 1000+len(x.vocab)/8 {
		return
	}
	all := slices.DeleteFunc(slices.Concat(x.vocab, x.fresh), func(w string) bool {
		gone := len(x.terms[w].postings) == 0
		if gone {
			delete(x.terms, w)
		}
		return gone
	})
	slices.Sort(all)
	x.vocab, x.fresh = all, nil
}

// beginning lists the words with the prefix.
func (x *index) beginning(prefix string) []string {
	var found []string
	for i := sort.SearchStrings(x.vocab, prefix); i < len(x.vocab) && strings.HasPrefix(x.vocab[i], prefix) && len(found) < maxPrefix; i++ {
		found = append(found, x.vocab[i])
	}
	for _, w := range x.fresh {
		if strings.HasPrefix(w, prefix) && len(found) < maxPrefix {
			found = append(found, w)
		}
	}
	return found
}

// match is a document that has all the words of a query.
type match struct {
	place
	doc   *document
	kind  SearchKind
	parts textPart
}

// find ranks the documents that have all the words; the last word may be the
// beginning of one. The order is total, so it can be paged.
func (x *index) find(q query) []match {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := newTally(len(x.docs))
	for i, w := range q.words {
		t.begin()
		t.count(x.terms[w], 1)
		if i == len(q.words)-1 {
			for _, longer := range x.beginning(w) {
				if longer != w {
					t.count(x.terms[longer], 0.75)
				}
			}
		}
		t.end()
	}
	var found []match
	for at, d := range x.docs {
		if d != nil && t.has(at) && q.wants(d) {
			score := (t.total[at]/float64(len(q.words)) + closeness(d, q)) * d.boost
			found = append(found, match{place{q.fingerprint, score, d.name, d.id}, d, d.kind, t.parts[at]})
		}
	}
	slices.SortFunc(found, func(a, b match) int { return a.compare(b.place) })
	return found
}

// closeness rewards a short name that is, or begins with, all that was asked
// for, and among the others the short ones.
func closeness(d *document, q query) float64 {
	switch {
	case d.short == q.text || strings.ToLower(d.name) == q.text:
		return 16
	case strings.HasPrefix(d.short, q.text):
		return 8 + 1/float64(1+len(d.short)-len(q.text))
	}
	return 1 / float64(2+len(d.short))
}

// tally counts what the words of a query find, word after word.
type tally struct {
	total []float64
	parts []textPart
	met   []int      // how many words each document has
	best  []float64  // of the current word
	seen  []textPart // of the current word
	asked int
}

func newTally(n int) *tally {
	return &tally{total: make([]float64, n), parts: make([]textPart, n), met: make([]int, n), best: make([]float64, n), seen: make([]textPart, n)}
}

func (t *tally) begin() {
	clear(t.best)
	clear(t.seen)
}

func (t *tally) count(word *term, factor float64) {
	if word == nil {
		return
	}
	for _, p := range word.postings {
		if t.met[p.doc] < t.asked {
			continue
		}
		t.best[p.doc] = max(t.best[p.doc], worth(p.parts)*factor)
		t.seen[p.doc] |= p.parts
	}
}

func (t *tally) end() {
	t.asked++
	for i, b := range t.best {
		if b > 0 {
			t.met[i]++
			t.total[i] += b
			t.parts[i] |= t.seen[i]
		}
	}
}

func (t *tally) has(doc int) bool { return t.met[doc] == t.asked && t.asked > 0 }

// worth is the weight of the best part and a little of the others.
func worth(found textPart) float64 {
	var w float64
	for _, p := range textParts {
		switch {
		case found&p.part == 0:
		case w == 0:
			w = p.weight
		default:
			w += p.weight / 20
		}
	}
	return w
}

package index

import (
	"slices"
	"sort"
	"strings"
)

// maxPrefix bounds how many words the beginning of one may stand for.
const maxPrefix = 2000

// vocabulary is the words that entries have, and where they stand.
type vocabulary struct {
	number map[string]uint32
	words  []word
	free   []uint32 // numbers of words that nothing has any more
	sorted []uint32 // the words in their order, for prefixes; those of late are in fresh
	fresh  []uint32
}

type word struct {
	text string
	at   []posting // in the order of the entries
}

// posting is the number of an entry and the parts of it that have the word.
type posting uint32

const partBits = 4

func newPosting(of uint32, parts Part) posting { return posting(of<<partBits | uint32(parts)) }
func (p posting) entry() uint32                { return uint32(p) >> partBits }
func (p posting) parts() Part                  { return Part(p & allParts) }

func newVocabulary() *vocabulary { return &vocabulary{number: map[string]uint32{}} }

// of finds or makes the number of a word.
func (v *vocabulary) of(text string) uint32 {
	n, exists := v.number[text]
	if exists {
		return n
	}
	text = strings.Clone(text)
	if last := len(v.free) - 1; last >= 0 {
		n, v.free = v.free[last], v.free[:last]
		v.words[n].text = text
	} else {
		n, v.words = uint32(len(v.words)), append(v.words, word{text: text}) //nolint:gosec // memory ends before
	}
	v.number[text], v.fresh = n, append(v.fresh, n)
	return n
}

// found is where the word stands.
func (v *vocabulary) found(text string) []posting {
	if n, exists := v.number[text]; exists {
		return v.words[n].at
	}
	return nil
}

func (w *word) find(of uint32) (int, bool) {
	if n := len(w.at); n == 0 || w.at[n-1].entry() < of {
		return n, false
	}
	return slices.BinarySearchFunc(w.at, of, func(p posting, e uint32) int { return int(p.entry()) - int(e) })
}

func (w *word) put(p posting) {
	i, found := w.find(p.entry())
	if !found {
		w.at = slices.Insert(w.at, i, p)
	}
	w.at[i] = p
}

func (w *word) drop(of uint32) {
	if i, found := w.find(of); found {
		w.at = slices.Delete(w.at, i, i+1)
	}
}

// tidy sorts new words in once they are worth it.
func (v *vocabulary) tidy() {
	if len(v.fresh) >= 1000+len(v.sorted)/8 {
		v.sort()
	}
}

// sort puts all words in order; those that nothing has any more go.
func (v *vocabulary) sort() {
	all := slices.DeleteFunc(slices.Concat(v.sorted, v.fresh), func(n uint32) bool {
		gone := len(v.words[n].at) == 0
		if gone {
			delete(v.number, v.words[n].text)
			v.words[n], v.free = word{}, append(v.free, n)
		}
		return gone
	})
	slices.SortFunc(all, func(a, b uint32) int { return strings.Compare(v.words[a].text, v.words[b].text) })
	v.sorted, v.fresh = all, nil
}

// beginning lists where the words stand that are longer than the prefix.
func (v *vocabulary) beginning(prefix string) [][]posting {
	var found [][]posting
	longer := func(n uint32) bool {
		text := v.words[n].text
		if !strings.HasPrefix(text, prefix) {
			return false
		}
		if len(text) > len(prefix) {
			found = append(found, v.words[n].at)
		}
		return true
	}
	for _, n := range v.sorted[sort.Search(len(v.sorted), func(i int) bool { return v.words[v.sorted[i]].text >= prefix }):] {
		if len(found) == maxPrefix || !longer(n) {
			break
		}
	}
	for _, n := range v.fresh {
		if len(found) < maxPrefix {
			longer(n)
		}
	}
	return found
}

package sandbox

import (
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// memo keeps what rules and functions have answered within one evaluation. It
// is the engine's VirtualCache as one hash table: the engine's own tree of maps
// costs a quarter of all allocations of a decision.
type memo struct {
	entries []memoEntry
	terms   []*ast.Term // the words of all the entries' references
	heads   []int       // by hash: the newest entry plus one
	frames  []int       // where each frame begins
}

type memoEntry struct {
	hash, from, size int
	next             int       // the entry before it under the same head, plus one
	value            *ast.Term // nil is undefined
}

const (
	memoHeads = 64
	maxKept   = 1024 // entries of a memo that is used again
	maxMemo   = 8192 // entries of any: after that, rules answer anew each time
)

//nolint:gochecknoglobals // memory to use again, no state
var memos = sync.Pool{New: func() any { return &memo{heads: make([]int, memoHeads)} }}

func newMemo() *memo { return memos.Get().(*memo) }

// release empties the memo for the next evaluation.
func (m *memo) release() {
	if len(m.entries) > maxKept {
		return
	}
	clear(m.entries)
	clear(m.terms)
	clear(m.heads)
	m.entries, m.terms, m.frames = m.entries[:0], m.terms[:0], m.frames[:0]
	memos.Put(m)
}

// Push opens a frame: inside of "with", nothing known before holds.
func (m *memo) Push() { m.frames = append(m.frames, len(m.entries)) }

// Pop closes the frame and forgets what it learned.
func (m *memo) Pop() {
	from := m.start()
	m.frames = m.frames[:len(m.frames)-1]
	for i := len(m.entries) - 1; i >= from; i-- {
		*m.head(m.entries[i].hash) = m.entries[i].next
	}
	m.entries = m.entries[:from]
}

// start is the first entry of the frame.
func (m *memo) start() int {
	if len(m.frames) == 0 {
		return 0
	}
	return m.frames[len(m.frames)-1]
}

func (m *memo) head(hash int) *int { return &m.heads[uint(hash)%uint(len(m.heads))] }

func hashOf(ref ast.Ref) int {
	h := len(ref)
	for _, t := range ref {
		h = h*31 + t.Value.Hash()
	}
	return h
}

func (m *memo) find(ref ast.Ref, hash int) *memoEntry {
	for i := *m.head(hash) - 1; i >= m.start(); {
		e := &m.entries[i]
		if e.hash == hash && e.size == len(ref) && ref.Equal(m.ref(e)) {
			return e
		}
		i = e.next - 1
	}
	return nil
}

func (m *memo) ref(e *memoEntry) ast.Ref { return m.terms[e.from : e.from+e.size] }

// Get gives the value of the reference, or true when it is known to be undefined.
func (m *memo) Get(ref ast.Ref) (*ast.Term, bool) {
	e := m.find(ref, hashOf(ref))
	if e == nil {
		return nil, false
	}
	return e.value, e.value == nil
}

// Put remembers the value of the reference; nil is undefined. The reference
// is copied, since the engine goes on to use its slice.
func (m *memo) Put(ref ast.Ref, value *ast.Term) {
	hash := hashOf(ref)
	if e := m.find(ref, hash); e != nil {
		e.value = value
		return
	}
	if len(m.entries) == maxMemo {
		return
	}
	if len(m.entries) >= 2*len(m.heads) {
		m.grow()
	}
	head := m.head(hash)
	m.entries = append(m.entries, memoEntry{hash: hash, from: len(m.terms), size: len(ref), next: *head, value: value})
	m.terms = append(m.terms, ref...)
	*head = len(m.entries)
}

func (m *memo) grow() {
	m.heads = make([]int, 4*len(m.heads))
	for i := range m.entries {
		head := m.head(m.entries[i].hash)
		m.entries[i].next = *head
		*head = i + 1
	}
}

// Keys lists the references that have a value.
func (m *memo) Keys() []ast.Ref {
	var keys []ast.Ref
	for i := m.start(); i < len(m.entries); i++ {
		if e := &m.entries[i]; e.value != nil {
			keys = append(keys, append(ast.Ref{}, m.ref(e)...))
		}
	}
	return keys
}

package lake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
	"github.com/souk-mesh/souk/sdk"
)

// A watermark has two sums for each dataset: of its name, and of all that the
// listing says of it. A listing is what there is, so that what has changed and what
// is gone is known from it alone, and the heads of the rest need not be read.
const (
	markForm    = "lake 1\n" // another form is of another program
	sumBytes    = 6
	mostEntries = 64 << 10 / (2 * sumBytes) // with one more a watermark is larger than it may be
)

type sum [sumBytes]byte

func sumOf(text string) (s sum) {
	whole := sha256.Sum256([]byte(text))
	copy(s[:], whole[:])
	return s
}

// entries are the datasets of one scope, by the sums of their names.
type entries map[sum]sum

// marks are those of all scopes, by the sums of their names.
type marks map[sum]entries

// holderMark stands for the bucket itself; no key is the same.
const holderMark = "\x00 the holder"

// Changes emits the datasets of every bucket that are not what they were.
func (s *Source) Changes(ctx context.Context, _ sdk.Request, since sdk.Watermark, out sdk.ChangeSink) (sdk.Watermark, error) {
	before, err := readMarks(since)
	if err != nil {
		return nil, err
	}
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	listed := marks{}
	for _, scope := range scopes {
		listed[sumOf(scope.Name)] = nil
	}
	for name := range before {
		if _, still := listed[name]; !still {
			return nil, sdk.Expired("a " + s.Word + " is listed no longer")
		}
	}
	now := marks{}
	err = run(ctx, scopes, out, func(scope Scope) error {
		name := sumOf(scope.Name)
		f := follow(before[name], out)
		if err := pass(ctx, scope, s.Options, out, f); err != nil {
			return err
		}
		now[name] = f.now
		return nil
	})
	if err != nil {
		return nil, err
	}
	return now.watermark(), nil
}

var _ sdk.Changer = (*Source)(nil)

// watermark is none where there are more datasets than it can hold.
func (m marks) watermark() sdk.Watermark {
	order := func(a, b sum) int { return bytes.Compare(a[:], b[:]) }
	text := []byte(markForm)
	for _, scope := range slices.SortedFunc(maps.Keys(m), order) {
		text = append(text, scope[:]...)
		text = binary.BigEndian.AppendUint32(text, uint32(len(m[scope]))) //nolint:gosec // as many as a scope may have
		for _, name := range slices.SortedFunc(maps.Keys(m[scope]), order) {
			facts := m[scope][name]
			text = append(append(text, name[:]...), facts[:]...)
		}
	}
	if len(text) > 64<<10 {
		return nil
	}
	return text
}

// readMarks takes a watermark apart. None gives none.
func readMarks(since sdk.Watermark) (marks, error) {
	text, ours := bytes.CutPrefix(since, []byte(markForm))
	if len(since) > 0 && !ours {
		return nil, sdk.Expired("it does not say what was listed")
	}
	m := marks{}
	for len(text) > 0 {
		if len(text) < sumBytes+4 {
			return nil, sdk.Expired("it is cut")
		}
		scope, count := sum(text[:sumBytes]), int64(binary.BigEndian.Uint32(text[sumBytes:]))
		text = text[sumBytes+4:]
		if int64(len(text)) < count*2*sumBytes {
			return nil, sdk.Expired("it is cut")
		}
		m[scope] = entries{}
		for range count {
			m[scope][sum(text[:sumBytes])] = sum(text[sumBytes : 2*sumBytes])
			text = text[2*sumBytes:]
		}
	}
	return m, nil
}

// following decides which datasets of a scope are read, and which are as they were.
type following struct {
	out    sdk.ChangeSink
	before entries // those that this listing has not shown yet
	holder sum     // what stood there of the holder
	known  bool    // the scope was listed before
	whole  bool    // something is gone, whose name nobody knows: all is emitted, and the scope is done
	held   []*dataset

	mu  sync.Mutex
	now entries
}

func follow(before entries, out sdk.ChangeSink) *following {
	f := &following{out: out, before: maps.Clone(before), known: before != nil, now: entries{}, holder: before[sumOf(holderMark)]}
	delete(f.before, sumOf(holderMark))
	return f
}

// facts is all that a dataset is described by, beside what its files hold: every
// part of it is in it. The last bit is set where it may be several assets.
func (d *dataset) facts() sum {
	s := sumOf(fmt.Sprintf("%#v", *d))
	s[sumBytes-1] &^= 1
	if d.several() {
		s[sumBytes-1] |= 1
	}
	return s
}

func (s sum) several() bool { return s[sumBytes-1]&1 == 1 }

// take gives those datasets that have to be read now that this one was listed.
func (f *following) take(d *dataset) []*dataset {
	name, facts := sumOf(d.name), d.facts()
	was, shown := f.before[name]
	delete(f.before, name)
	twice := f.note(name, facts)
	switch {
	case !f.known || f.whole:
		return []*dataset{d}
	case twice, shown && was != facts && (was.several() || facts.several()):
		return f.all(d)
	case shown && was == facts:
		f.held = append(f.held, d)
		return nil
	}
	return []*dataset{d}
}

// several reports whether the file that is read of it may hold more than one asset,
// the sheets of a workbook: which of them is gone later, nobody would know.
func (d *dataset) several() bool {
	_, format, _ := heads.Kind(lastPart(d.sample.Key))
	return format == heads.Excel
}

// note keeps what the next harvest compares with, as long as it may fit, and
// reports a name that has come already.
func (f *following) note(name, facts sum) (twice bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, twice = f.now[name]
	if twice || len(f.now) <= mostEntries { // one more is kept, so that it does not fit
		f.now[name] = facts
	}
	return twice
}

// all has everything emitted from now on, with what was held back.
func (f *following) all(more ...*dataset) []*dataset {
	f.whole = true
	held := append(f.held, more...)
	f.held = nil
	return held
}

// rest gives what has to be read although it is as it was, once all is listed.
func (f *following) rest() []*dataset {
	if len(f.before) == 0 {
		return nil
	}
	return f.all()
}

// holds reports whether the holder, of which this is said, is what it was.
func (f *following) holds(said string) bool {
	facts := sumOf(said)
	f.note(sumOf(holderMark), facts)
	return f.known && !f.whole && facts == f.holder
}

// unread has the next harvest try the dataset again.
func (f *following) unread(d *dataset) {
	f.note(sumOf(d.name), sum{})
}

// end ends the scope.
func (f *following) end(scope string) error {
	if f.known && !f.whole {
		return f.out.ScopeKept(scope)
	}
	return f.out.ScopeDone(scope)
}

package store

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/souk-mesh/souk/graph/model"
)

// What the cache holds: so many answers, each of so many records and bytes at
// most, 32 MiB if all were as large as may be.
const (
	cachedAnswers = 4096
	cachedRecords = 16
	cachedBytes   = 8 << 10
)

// cache keeps the answers of small reads: the token that signs in, its
// principal, their teams, the product that is asked about. It is for an engine
// whose records nobody but this process writes. Then every change passes by
// here, and an answer holds exactly until the next one of its table: there is
// no clock in it, and nothing to wait for.
//
// A table's version is odd while a change of it is being written. From then on
// what is cached is no answer, and not after the commit either, when the version
// is another. So nobody who has seen a change, or its event, reads what was
// before it.
type cache struct {
	answers  *lru.Cache[string, answer]
	versions map[Kind]*atomic.Int64 // of every table that is kept
}

// harvested lists the tables that are not kept: their records come by the hundred
// thousand and are seldom read twice, so that trying would cost more than it saves.
func harvested() []Kind {
	return []Kind{Assets.Kind(), Aliases.Kind(), Edges.Kind(), QualityRules.Kind()}
}

// answer is what was read of a table at the version.
type answer struct {
	version int64
	page    Page
}

// newCache makes the cache of an engine; nil, which keeps nothing, when others
// write beside it.
func newCache(e Engine) *cache {
	if !e.Sole() {
		return nil
	}
	answers, err := lru.New[string, answer](cachedAnswers)
	if err != nil {
		panic(err) // the size is no positive number
	}
	c := &cache{answers: answers, versions: map[Kind]*atomic.Int64{}}
	for _, s := range Schemas() {
		if !slices.Contains(harvested(), s.Kind) {
			c.versions[s.Kind] = new(atomic.Int64)
		}
	}
	return c
}

// slot is where the answer of one read is kept, as the table is at its beginning.
// The zero slot keeps nothing.
type slot struct {
	key     string
	version int64
}

// ofRecords is the slot of a read by ids.
func (c *cache) ofRecords(kind Kind, ids []model.ID) slot {
	if c == nil || len(ids) > cachedRecords {
		return slot{}
	}
	var buffer [128]byte
	key := writeText(buffer[:0], string(kind))
	for _, id := range ids {
		key = writeText(key, string(id))
	}
	return c.slot(kind, key)
}

// ofQuery is the slot of a query.
func (c *cache) ofQuery(q Query) slot {
	if c == nil {
		return slot{}
	}
	var buffer [256]byte
	key, ok := writeQuery(buffer[:0], q)
	if !ok {
		return slot{}
	}
	return c.slot(q.Kind, key)
}

func (c *cache) slot(kind Kind, key []byte) slot {
	v := c.versions[kind]
	if v == nil {
		return slot{}
	}
	version := v.Load()
	if version%2 != 0 {
		return slot{}
	}
	return slot{string(key), version}
}

// kept gives the answer in the slot, if nothing was written since it was read.
func (c *cache) kept(at slot) (Page, bool) {
	if at.key == "" {
		return Page{}, false
	}
	kept, ok := c.answers.Get(at.key)
	if !ok || kept.version != at.version {
		return Page{}, false
	}
	return kept.page.clone(), true
}

// keep puts what was read into the slot that was made before.
func (c *cache) keep(at slot, page Page) {
	if at.key != "" && page.small() {
		c.answers.Add(at.key, answer{at.version, page.clone()})
	}
}

// written says that the tables of the jobs are about to be written, and is
// called again when they are.
func (c *cache) written(group []*Job) {
	if c == nil {
		return
	}
	kinds := map[Kind]bool{Events.Kind(): true}
	for _, j := range group {
		for _, w := range j.Change.Writes {
			kinds[w.Record.Kind] = true
		}
	}
	for kind := range kinds {
		if v := c.versions[kind]; v != nil {
			v.Add(1)
		}
	}
}

// small reports whether the page is one to keep.
func (p Page) small() bool {
	size := 0
	for _, r := range p.Records {
		size += len(r.Doc)
	}
	return len(p.Records) <= cachedRecords && size <= cachedBytes
}

// clone makes lists that their reader may change. The documents are shared:
// nobody writes into one.
func (p Page) clone() Page {
	return Page{Records: slices.Clone(p.Records), Cursors: slices.Clone(p.Cursors), More: p.More}
}

// writeQuery appends what tells the query from every other. It reports whether
// it could: a value that no path has is left to the plan, which refuses it.
func writeQuery(key []byte, q Query) ([]byte, bool) {
	key = writeText(key, string(q.Kind))
	key = writeText(key, q.Index)
	key = writeText(key, string(q.After))
	key = append(key, flag(q.Desc), flag(q.walk), flag(q.bare))
	key = binary.AppendVarint(key, int64(q.Limit))
	key = binary.AppendVarint(key, int64(q.Budget))
	key, ok := writeFilter(key, q.Where)
	if !ok {
		return nil, false
	}
	return writeFilter(key, q.Only)
}

func writeFilter(key []byte, f Filter) ([]byte, bool) {
	key = writeText(key, string(f.Op))
	key = writeText(key, string(f.Path))
	key = binary.AppendUvarint(key, uint64(len(f.Values)))
	for _, v := range append([]Value{f.Value, f.From, f.To}, f.Values...) {
		var ok bool
		if key, ok = writeValue(key, v); !ok {
			return nil, false
		}
	}
	key = binary.AppendUvarint(key, uint64(len(f.Filters)))
	for _, part := range f.Filters {
		var ok bool
		if key, ok = writeFilter(key, part); !ok {
			return nil, false
		}
	}
	return key, true
}

func writeValue(key []byte, v Value) ([]byte, bool) {
	v, err := Canonical(v)
	if err != nil {
		return nil, false
	}
	switch v := v.(type) {
	case nil:
		return append(key, 'z'), true
	case int64:
		return binary.AppendVarint(append(key, 'i'), v), true
	case string:
		return writeText(append(key, 's'), v), true
	default:
		return nil, false
	}
}

func writeText(key []byte, s string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(s))), s...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

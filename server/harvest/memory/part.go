package memory

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"sort"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// parts is into how many records the memory of a source is cut, by the hashes,
// so that a change writes a part of it anew.
const parts = 64

// part is one of them. It stays packed, as it is kept, since the memory of a
// large source is large: the entries follow one another, sorted by their prints.
type part struct {
	row   model.Remembered
	text  []byte
	at    []uint32 // where each entry begins
	state []state
	fresh map[host.Print][]byte
}

// state is what this run has found of an entry.
type state byte

const (
	unmet state = iota
	met
	stale // what it stands on has been written since
)

// entry is what is kept of a record.
type entry struct {
	scope   string
	fields  int
	unowned string // the namespace of an asset that belongs to no domain
	marks   []catalog.Mark
}

// unownedMark stands in the place of a kind, before the namespace.
const unownedMark = 0xff

// kinds are those of the records that an entry may stand on, by their numbers.
func kinds() []store.Kind {
	return []store.Kind{store.Assets.Kind(), store.Aliases.Kind(), store.Edges.Kind(), store.QualityRules.Kind()}
}

// read takes a part over. One that is broken, or of an older shape, is empty.
func (p *part) read(row model.Remembered) {
	p.row = row
	var text []byte
	if json.Unmarshal(row.Objects, &text) != nil {
		return
	}
	var at []uint32
	for from := 0; from < len(text); {
		_, rest, ok := cutEntry(text[from:])
		if !ok {
			return
		}
		at = append(at, uint32(from))
		from = len(text) - len(rest)
	}
	p.text, p.at, p.state = text, at, make([]state, len(at))
}

// cutEntry gives the body of the first entry, and what follows it.
func cutEntry(text []byte) (body, rest []byte, ok bool) {
	const head = len(host.Print{})
	if len(text) < head {
		return nil, nil, false
	}
	size, n := binary.Uvarint(text[head:])
	if n <= 0 || uint64(len(text)-head-n) < size { //nolint:gosec // n is within the text
		return nil, nil, false
	}
	from := head + n
	return text[from : from+int(size)], text[from+int(size):], true //nolint:gosec // it is no more than the text
}

func (p *part) find(print host.Print) (int, bool) {
	return sort.Find(len(p.at), func(i int) int {
		return bytes.Compare(print[:], p.text[p.at[i]:][:len(print)])
	})
}

// meet gives the entry of the print, once in a run.
func (p *part) meet(print host.Print) (entry, bool) {
	i, ok := p.find(print)
	if !ok || p.state[i] != unmet {
		return entry{}, false
	}
	p.state[i] = met
	body, _, _ := cutEntry(p.text[p.at[i]:])
	return unpack(body)
}

func (p *part) drop(print host.Print) {
	if i, ok := p.find(print); ok {
		p.state[i] = stale
	}
}

func (p *part) keep(print host.Print, e entry) {
	if p.fresh == nil {
		p.fresh = map[host.Print][]byte{}
	}
	p.fresh[print] = e.pack()
	p.drop(print)
}

// write gives the part as it is to be kept, and whether it has changed.
func (p *part) write(everything bool) (text []byte, changed bool) {
	entries := make([]host.Print, 0, len(p.at)+len(p.fresh))
	old := map[host.Print][]byte{}
	for i, at := range p.at {
		print := host.Print(p.text[at:])
		if p.state[i] == stale || everything && p.state[i] == unmet {
			changed = true
			continue
		}
		old[print], _, _ = cutEntry(p.text[at:])
		entries = append(entries, print)
	}
	if changed = changed || len(p.fresh) > 0; !changed {
		return nil, false
	}
	for print := range p.fresh {
		entries = append(entries, print)
	}
	slices.SortFunc(entries, func(a, b host.Print) int { return bytes.Compare(a[:], b[:]) })
	for _, print := range slices.Compact(entries) {
		body, ok := p.fresh[print]
		if !ok {
			body = old[print]
		}
		text = append(text, print[:]...)
		text = binary.AppendUvarint(text, uint64(len(body)))
		text = append(text, body...)
	}
	return text, true
}

func (e entry) pack() []byte {
	body := appendText(nil, e.scope)
	body = binary.AppendUvarint(body, uint64(e.fields)) //nolint:gosec // a number of fields
	if e.unowned != "" {
		body = appendText(append(body, unownedMark), e.unowned)
	}
	for _, mark := range e.marks {
		body = append(body, byte(slices.Index(kinds(), mark.Kind))) //nolint:gosec // there are four
		body = appendID(body, mark.ID)
		body = binary.AppendUvarint(body, uint64(mark.Revision)) //nolint:gosec // counts from 1
	}
	return body
}

func unpack(body []byte) (e entry, ok bool) {
	r := reader{body, true}
	e.scope = r.text()
	e.fields = int(r.number()) //nolint:gosec // a number of fields
	for r.ok && len(r.rest) > 0 {
		kind := int(r.rest[0])
		switch r.rest = r.rest[1:]; {
		case kind == unownedMark:
			e.unowned = r.text()
			continue
		case kind >= len(kinds()):
			return entry{}, false
		}
		id := r.id()
		e.marks = append(e.marks, catalog.Mark{Kind: kinds()[kind], ID: id, Revision: model.Revision(r.number())}) //nolint:gosec // counts from 1
	}
	return e, r.ok && len(e.marks) > 0
}

func appendText(body []byte, text string) []byte {
	return append(binary.AppendUvarint(body, uint64(len(text))), text...)
}

// appendID keeps an id of ours by the bytes that it was made of, which is half as
// long; an empty prefix says that the id stands as it is.
func appendID(body []byte, id model.ID) []byte {
	prefix, sum, ok := id.Sum()
	if !ok {
		return appendText(appendText(body, ""), string(id))
	}
	return appendText(appendText(body, string(prefix)), string(sum))
}

// reader reads what was packed, until something is wrong with it.
type reader struct {
	rest []byte
	ok   bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.ok, r.rest = false, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) text() string {
	size := r.number()
	if !r.ok || size > uint64(len(r.rest)) {
		r.ok, r.rest = false, nil
		return ""
	}
	text := string(r.rest[:size])
	r.rest = r.rest[size:]
	return text
}

func (r *reader) id() model.ID {
	prefix, text := r.text(), r.text()
	if prefix == "" {
		return model.ID(text)
	}
	return model.SumID(model.Prefix(prefix), []byte(text))
}

// Package memory keeps a hash of what a source last said of each object, and on
// what the catalogue's records stood then. An object of which the source says
// the same, while nobody has written those records, need not be looked at. It
// refuses to be trusted beyond that: a record that anybody has touched since
// makes the object new to it, and without its memory a source is merely read in full.
package memory

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// parts is into how many records the memory of a source is cut, by the names of
// the objects, so that a change writes a part of it anew.
const parts = 64

// Version is part of every print: raise it when the catalogue makes something
// else of what a source says, so that all of it is looked at again.
const version = 1

// Print is a hash of what was said.
type Print string

// Of gives the print of an object as its source shows it. It is "" for what has none.
func Of(seen catalog.Seen) Print {
	text, err := json.Marshal(seen)
	if err != nil {
		return ""
	}
	return Print(short(fmt.Append(text, version)))
}

func short(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// object is what is remembered of one.
type object struct {
	Print Print          `json:"p"`
	Asset model.ID       `json:"a"`
	Rev   model.Revision `json:"r"`
	Names []name         `json:"n"`

	met bool // in this run
}

// name is an alias at its revision.
type name struct {
	ID  model.ID       `json:"i"`
	Rev model.Revision `json:"r"`
}

// Memory is what is remembered of one source.
type Memory struct {
	store  store.Store
	source model.ID
	parts  [parts]part
}

type part struct {
	row     model.Remembered
	objects map[string]*object
	changed bool
}

// Load reads the memory of a source. A part that cannot be understood is empty.
func Load(ctx context.Context, s store.Store, source model.ID) (*Memory, error) {
	m := &Memory{store: s, source: source}
	numbers := map[model.ID]int{}
	for i := range m.parts {
		id := partID(source, i)
		m.parts[i] = part{row: model.Remembered{Meta: model.Meta{ID: id}, SourceID: source}, objects: map[string]*object{}}
		numbers[id] = i
	}
	rows, err := rowsOf(ctx, s, source)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		p := &m.parts[numbers[row.ID]]
		p.row = row
		if err := json.Unmarshal(row.Objects, &p.objects); err != nil {
			p.objects, p.changed = map[string]*object{}, true
		}
		p.row.Objects = nil
	}
	return m, nil
}

func rowsOf(ctx context.Context, s store.Store, source model.ID) ([]model.Remembered, error) {
	ids := make([]model.ID, parts)
	for i := range ids {
		ids[i] = partID(source, i)
	}
	rows, err := store.Memories.GetMany(ctx, s, ids...)
	if err != nil {
		return nil, fmt.Errorf("read the memory of a source: %w", err)
	}
	return rows, nil
}

func partID(source model.ID, number int) model.ID {
	sum := sha256.Sum256(fmt.Append(nil, source, " ", number))
	return model.SumID(model.PrefixMemory, sum[:20])
}

// place gives the part of a name and the key that it has there.
func (m *Memory) place(ref catalog.Ref) (*part, string) {
	sum := sha256.Sum256([]byte(ref.Namespace + "\x00" + ref.Name))
	return &m.parts[int(sum[0])%parts], base64.RawURLEncoding.EncodeToString(sum[1:13])
}

// Recall gives the assets of those objects of which the source says what it
// said before, and whose records stand as they stood then.
func (m *Memory) Recall(ctx context.Context, prints map[catalog.Ref]Print) (map[catalog.Ref]model.ID, error) {
	same := map[catalog.Ref]*object{}
	var assets, names []model.ID
	for ref, print := range prints {
		p, key := m.place(ref)
		o := p.objects[key]
		if o == nil || o.met || print == "" || o.Print != print {
			continue
		}
		same[ref] = o
		assets = append(assets, o.Asset)
		for _, n := range o.Names {
			names = append(names, n.ID)
		}
	}
	stand, err := m.revisions(ctx, assets, names)
	if err != nil {
		return nil, err
	}
	known := map[catalog.Ref]model.ID{}
	for ref, o := range same {
		moved := func(n name) bool { return stand[n.ID] != n.Rev }
		if stand[o.Asset] == o.Rev && !slices.ContainsFunc(o.Names, moved) {
			known[ref] = o.Asset
		}
	}
	return known, nil
}

// revisions reads at which revisions the records stand, and nothing more of them.
func (m *Memory) revisions(ctx context.Context, assets, names []model.ID) (map[model.ID]model.Revision, error) {
	stand := make(map[model.ID]model.Revision, len(assets)+len(names))
	for _, of := range []struct {
		kind store.Kind
		ids  []model.ID
	}{{store.Assets.Kind(), assets}, {store.Aliases.Kind(), names}} {
		slices.Sort(of.ids)
		for chunk := range slices.Chunk(slices.Compact(of.ids), store.MaxIn) {
			records, err := m.store.Get(ctx, of.kind, chunk...)
			if err != nil {
				return nil, fmt.Errorf("look at what is remembered: %w", err)
			}
			for _, r := range records {
				stand[r.ID] = r.Revision
			}
		}
	}
	return stand, nil
}

// Met notes objects that were recalled, so that they stay remembered, and are
// looked at when the same run shows them once more.
func (m *Memory) Met(known map[catalog.Ref]model.ID) {
	for ref := range known {
		p, key := m.place(ref)
		p.objects[key].met = true
	}
}

// Keep remembers what has been kept of the objects of a batch, each with the
// marks of what it stands on, and forgets those that have none.
func (m *Memory) Keep(prints map[catalog.Ref]Print, settled map[catalog.Ref][]catalog.Mark) {
	for ref, print := range prints {
		p, key := m.place(ref)
		before := p.objects[key]
		marks := settled[ref]
		if len(marks) == 0 || print == "" || before != nil && before.met {
			if before != nil {
				delete(p.objects, key)
				p.changed = true
			}
			continue
		}
		o := &object{Print: print, Asset: marks[0].ID, Rev: marks[0].Revision, met: true}
		for _, mark := range marks[1:] {
			o.Names = append(o.Names, name{mark.ID, mark.Revision})
		}
		p.objects[key], p.changed = o, true
	}
}

// Writes gives what has changed of the memory. What a run that saw everything
// has not met is forgotten.
func (m *Memory) Writes(everything bool) ([]store.Write, error) {
	var writes []store.Write
	for i := range m.parts {
		p := &m.parts[i]
		if everything {
			p.forget()
		}
		if !p.changed {
			continue
		}
		text, err := json.Marshal(p.objects)
		if err != nil {
			return nil, fmt.Errorf("write the memory of a source: %w", err)
		}
		row := p.row
		row.Objects = text
		writes = append(writes, store.Memories.Put(row))
	}
	return writes, nil
}

func (p *part) forget() {
	for key, o := range p.objects {
		if !o.met {
			delete(p.objects, key)
			p.changed = true
		}
	}
}

// Forget gives the writes that take the memory of a source away.
func Forget(ctx context.Context, s store.Store, source model.ID) ([]store.Write, error) {
	rows, err := rowsOf(ctx, s, source)
	var writes []store.Write
	for _, row := range rows {
		writes = append(writes, store.Memories.Delete(row))
	}
	return writes, err
}

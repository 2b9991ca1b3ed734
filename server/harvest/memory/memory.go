// Package memory keeps hashes of what a source last said, and on what the
// records of the catalogue and of the lineage stood then. What the source says
// again, while nobody has written those records, need not be read. It refuses to
// be trusted beyond that: a record that anybody has touched since makes what
// stands on it new, and without its memory a source is merely read in full.
package memory

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// version is part of every hash: raise it when the server makes something else
// of what a source says, so that all of it is looked at again.
const version = 2

// Seed is what the meaning of a record hangs on beside the record.
func Seed(source model.Source) []byte {
	return fmt.Append(nil, "memory ", version, " ", source.ID, " ", source.DomainID)
}

// Known is what is remembered of a record.
type Known struct {
	Kind    store.Kind // of the record that it became
	ID      model.ID
	Scope   string
	Fields  int    // of an asset
	Unowned string // the namespace of an asset that belongs to no domain
}

// Memory is what is remembered of one source.
type Memory struct {
	store  store.Store
	source model.ID
	parts  [parts]part
}

// Load reads the memory of a source. A part that cannot be understood is empty.
func Load(ctx context.Context, s store.Store, source model.ID) (*Memory, error) {
	m := &Memory{store: s, source: source}
	numbers := map[model.ID]int{}
	for i := range m.parts {
		id := partID(source, i)
		m.parts[i] = part{row: model.Remembered{Meta: model.Meta{ID: id}, SourceID: source}}
		numbers[id] = i
	}
	rows, err := rowsOf(ctx, s, source)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		m.parts[numbers[row.ID]].read(row)
	}
	return m, nil
}

func rowsOf(ctx context.Context, s store.Store, source model.ID) ([]model.Remembered, error) {
	var ids []model.ID
	for i := range parts {
		ids = append(ids, partID(source, i))
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

func (m *Memory) part(p host.Print) *part { return &m.parts[int(p[0])%parts] }

// Recall gives what is remembered of those prints whose records stand as they
// stood when they were kept; the others are nil. Each print is recalled once: a
// source that says the same twice in one run is listened to.
func (m *Memory) Recall(ctx context.Context, prints []host.Print) ([]*Known, error) {
	found := make([]entry, len(prints))
	read := map[store.Kind][]model.ID{}
	for i, print := range prints {
		if print == (host.Print{}) {
			continue
		}
		e, ok := m.part(print).meet(print)
		if !ok {
			continue
		}
		found[i] = e
		for _, mark := range e.marks {
			read[mark.Kind] = append(read[mark.Kind], mark.ID)
		}
	}
	stand, err := m.revisions(ctx, read)
	if err != nil {
		return nil, err
	}
	known := make([]*Known, len(prints))
	moved := func(mark catalog.Mark) bool { return stand[mark.ID] != mark.Revision }
	for i, e := range found {
		switch {
		case len(e.marks) == 0:
		case slices.ContainsFunc(e.marks, moved):
			m.part(prints[i]).drop(prints[i])
		default:
			known[i] = &Known{Kind: e.marks[0].Kind, ID: e.marks[0].ID, Scope: e.scope, Fields: e.fields, Unowned: e.unowned}
		}
	}
	return known, nil
}

// revisions reads at which revisions the records stand, and nothing more of them.
func (m *Memory) revisions(ctx context.Context, read map[store.Kind][]model.ID) (map[model.ID]model.Revision, error) {
	stand := map[model.ID]model.Revision{}
	for _, kind := range kinds() {
		ids := read[kind]
		slices.Sort(ids)
		for few := range slices.Chunk(slices.Compact(ids), store.MaxIn) {
			some, err := m.store.Revisions(ctx, kind, few...)
			if err != nil {
				return nil, fmt.Errorf("look at what is remembered: %w", err)
			}
			maps.Copy(stand, some)
		}
	}
	return stand, nil
}

// Keep remembers a record by the marks of all that it stands on: first of the one
// that it became. A record without a print, or that nothing shall be remembered
// of, has none.
func (m *Memory) Keep(print host.Print, scope string, fields int, marks ...catalog.Mark) {
	m.keep(print, entry{scope: scope, fields: fields, marks: marks})
}

// KeepUnowned is Keep for an asset that belongs to no domain, of which each run
// says so. When it is given to one it is written, and so no longer known.
func (m *Memory) KeepUnowned(print host.Print, scope string, fields int, namespace string, marks ...catalog.Mark) {
	m.keep(print, entry{scope: scope, fields: fields, unowned: namespace, marks: marks})
}

func (m *Memory) keep(print host.Print, e entry) {
	if print != (host.Print{}) && len(e.marks) > 0 {
		m.part(print).keep(print, e)
	}
}

// Writes gives what has changed of the memory. What a run that saw everything
// has not met is forgotten.
func (m *Memory) Writes(everything bool) ([]store.Write, error) {
	var writes []store.Write
	for i := range m.parts {
		p := &m.parts[i]
		text, changed := p.write(everything)
		if !changed {
			continue
		}
		packed, err := json.Marshal(text)
		if err != nil {
			return nil, fmt.Errorf("write the memory of a source: %w", err)
		}
		row := p.row
		row.Objects = packed
		writes = append(writes, store.Memories.Put(row))
	}
	return writes, nil
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

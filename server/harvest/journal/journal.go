// Package journal keeps what stood in the place of what a run has written, and
// puts it back. It owns the records of that, packed, for the latest run of each
// source that changed anything. It refuses to judge by what a record says: one
// that anybody has written since the run is left as it is.
package journal

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Of is the journal of one run while it works.
type Of struct {
	Store  store.Store
	Source model.ID
	Run    model.ID // the first of those that one carried on after another
	By     model.ID // the one at work

	number int
	packer *flate.Writer // which is large, and used for one change after the other
}

// CarryOn goes on with the journal of the run before, if it has one, so that both
// are undone together.
func (j *Of) CarryOn(ctx context.Context, before model.ID) error {
	row, err := latest(ctx, j.Store, j.Source)
	if model.Is(err, model.KindNotFound) || before == "" || err == nil && cmp.Or(row.By, row.RunID) != before {
		return nil
	}
	if err == nil && j.Run != row.RunID {
		j.Run, j.number = row.RunID, row.Number+1
	}
	return err
}

// change is one record that a run has written.
type change struct {
	Kind   store.Kind      `json:"k"`
	ID     model.ID        `json:"i"`
	After  model.Revision  `json:"a"`           // as the run left it; 0 where it took the record away
	Before json.RawMessage `json:"b,omitempty"` // as it stood; none where the run made it
}

// kinds are those that say what a source has shown.
func kinds() []store.Kind {
	return []store.Kind{store.Assets.Kind(), store.Aliases.Kind(), store.Edges.Kind(), store.QualityRules.Kind()}
}

// Note gives the write that keeps what stands in the place of the writes, to be
// made in one change with them. There is none where they are of no such kind.
func (j *Of) Note(ctx context.Context, writes []store.Write) ([]store.Write, error) {
	before, err := j.standing(ctx, writes)
	if err != nil {
		return nil, err
	}
	var changes []change
	for _, w := range writes {
		r := w.Record
		if !slices.Contains(kinds(), r.Kind) {
			continue
		}
		c := change{Kind: r.Kind, ID: r.ID, After: r.Revision + 1, Before: before[r.ID]}
		if w.Delete {
			c.After = 0
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	packed, err := j.pack(changes)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Append(nil, j.Run, " ", j.number))
	return []store.Write{store.RunChanges.Put(model.RunChange{
		Meta: model.Meta{ID: model.SumID(model.PrefixRunChange, sum[:20])}, SourceID: j.Source, RunID: j.Run, By: j.By, Number: j.number, Records: packed,
	})}, nil
}

// Kept tells the journal that the change was made.
func (j *Of) Kept() { j.number++ }

// standing reads the records that the writes are to go over.
func (j *Of) standing(ctx context.Context, writes []store.Write) (map[model.ID]json.RawMessage, error) {
	before := map[model.ID]json.RawMessage{}
	for _, kind := range kinds() {
		var ids []model.ID
		for _, w := range writes {
			if w.Record.Kind == kind && w.Record.Revision > 0 {
				ids = append(ids, w.Record.ID)
			}
		}
		for chunk := range slices.Chunk(ids, store.MaxIn) {
			records, err := j.Store.Get(ctx, kind, chunk...)
			if err != nil {
				return nil, fmt.Errorf("read what a run writes over: %w", err)
			}
			for _, r := range records {
				before[r.ID] = r.Doc
			}
		}
	}
	return before, nil
}

func (j *Of) pack(changes []change) (kept []byte, err error) {
	var packed bytes.Buffer
	if j.packer == nil {
		j.packer, err = flate.NewWriter(&packed, flate.BestSpeed)
	}
	if err == nil {
		j.packer.Reset(&packed)
		err = json.NewEncoder(j.packer).Encode(changes)
	}
	if err == nil {
		err = j.packer.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("keep what a run writes over: %w", err)
	}
	return packed.Bytes(), nil
}

func unpack(row model.RunChange) ([]change, error) {
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(row.Records)))
	var changes []change
	if err == nil {
		err = json.Unmarshal(text, &changes)
	}
	if err != nil {
		return nil, fmt.Errorf("read what run %s has written over: %w", row.RunID, err)
	}
	return changes, nil
}

// page is how many rows are read at a time: each may hold a batch of documents.
const page = 4

// Latest gives the run that can be undone, or "", and under which run its journal stands.
func Latest(ctx context.Context, s store.Store, source model.ID) (run, under model.ID, err error) {
	row, err := latest(ctx, s, source)
	if model.Is(err, model.KindNotFound) {
		return "", "", nil
	}
	return cmp.Or(row.By, row.RunID), row.RunID, err
}

func latest(ctx context.Context, s store.Store, source model.ID) (model.RunChange, error) {
	return store.RunChanges.First(ctx, s, store.Query{Index: "by_source", Where: store.Eq("source", string(source)), Desc: true})
}

// Drop takes away what is kept of all runs of the source but one, a few rows at a time.
func Drop(ctx context.Context, s store.Store, source, but model.ID) error {
	q := store.Query{Index: "by_source", Where: store.Eq("source", string(source)), Limit: page}
	for row, err := range store.RunChanges.All(ctx, s, q) {
		switch {
		case err != nil:
			return err
		case row.RunID == but:
			continue
		}
		_, err := s.Apply(ctx, store.Change{
			Actor: model.System().ID, Action: "run.forget", Subject: source, Reason: "run " + string(row.RunID) + " can no longer be undone",
			Writes: []store.Write{store.RunChanges.Delete(row)},
		})
		if err != nil && !model.LostRace(err) {
			return err
		}
	}
	return nil
}

package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// maxSamples is how many of the things that were left are named.
const maxSamples = 20

// Undoing puts back what one run has changed.
type Undoing struct {
	Store  store.Store
	Source model.ID
	Run    model.ID
	At     time.Time
	Apply  func(reason string, writes []store.Write) error

	Restored int      // records that stand again as before the run
	Left     int      // those that somebody has written since
	Names    []string // of some of those

	first map[model.ID]int            // the number of the part in which a record was written first
	last  map[model.ID]model.Revision // as the run left it
	made  map[model.ID]bool           // assets that the run has made
}

// Do puts back part by part, each in one change that takes the part away too,
// so that whoever begins again after an end half way goes on from there.
func (u *Undoing) Do(ctx context.Context) error {
	u.first, u.last, u.made = map[model.ID]int{}, map[model.ID]model.Revision{}, map[model.ID]bool{}
	if err := u.each(ctx, u.survey); err != nil {
		return err
	}
	return u.each(ctx, func(row model.RunChange, changes []change) error { return u.part(ctx, row, changes) })
}

func (u *Undoing) each(ctx context.Context, do func(model.RunChange, []change) error) error {
	q := store.Query{Index: "by_run", Where: store.Eq("run", string(u.Run)), Limit: page}
	for row, err := range store.RunChanges.All(ctx, u.Store, q) {
		if err != nil {
			return err
		}
		changes, err := unpack(row)
		if err != nil {
			return err
		}
		if err := do(row, changes); err != nil {
			return err
		}
	}
	return nil
}

// survey notes of each record where the run wrote it first and how it left it.
func (u *Undoing) survey(row model.RunChange, changes []change) error {
	for _, c := range changes {
		if _, met := u.first[c.ID]; !met {
			u.first[c.ID] = row.Number
			u.made[c.ID] = c.Kind == store.Assets.Kind() && c.Before == nil
		}
		u.last[c.ID] = c.After
	}
	return nil
}

// tries is how often a part is put back whose records somebody writes meanwhile.
const tries = 5

// part puts back the records that were written first in the part.
func (u *Undoing) part(ctx context.Context, row model.RunChange, changes []change) error {
	for try := 1; ; try++ {
		if err := u.try(ctx, row, changes); !model.LostRace(err) || try == tries {
			return err
		}
	}
}

func (u *Undoing) try(ctx context.Context, row model.RunChange, changes []change) error {
	changes = slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return u.first[c.ID] != row.Number })
	stand, err := u.standing(ctx, changes)
	if err != nil {
		return err
	}
	writes := []store.Write{store.RunChanges.Delete(row)}
	restored, left, names := 0, 0, []string(nil)
	for _, c := range changes {
		now, there := stand[c.ID]
		if last := u.last[c.ID]; there && now.Revision != last || !there && last != 0 {
			left, names = left+1, append(names, nameOf(c, now))
			continue
		}
		w, err := u.back(c, now)
		if err != nil {
			return err
		}
		if w != nil {
			restored, writes = restored+1, append(writes, *w)
		}
	}
	reason := fmt.Sprintf("run %s: %d put back, %d left", u.Run, restored, left)
	if err := u.Apply(reason, writes); err != nil {
		return err
	}
	u.Restored, u.Left = u.Restored+restored, u.Left+left
	if u.Names = append(u.Names, names...); len(u.Names) > maxSamples {
		u.Names = u.Names[:maxSamples]
	}
	return nil
}

func (u *Undoing) standing(ctx context.Context, changes []change) (map[model.ID]store.Record, error) {
	stand := map[model.ID]store.Record{}
	for _, kind := range kinds() {
		var ids []model.ID
		for _, c := range changes {
			if c.Kind == kind {
				ids = append(ids, c.ID)
			}
		}
		for chunk := range slices.Chunk(ids, store.MaxIn) {
			records, err := u.Store.Get(ctx, kind, chunk...)
			if err != nil {
				return nil, fmt.Errorf("read what a run has left: %w", err)
			}
			for _, r := range records {
				stand[r.ID] = r
			}
		}
	}
	return stand, nil
}

// back gives the write that puts a record back, or nil where nothing has to be done.
func (u *Undoing) back(c change, now store.Record) (*store.Write, error) {
	if c.Before != nil {
		schema, _ := store.SchemaOf(c.Kind)
		r := store.Record{Kind: c.Kind, ID: c.ID, Revision: now.Revision, Doc: c.Before}
		keys, err := schema.KeysIn(r)
		r.Keys = keys
		return &store.Write{Record: r}, err
	}
	switch {
	case now.ID == "": // made and taken away by the run
		return nil, nil //nolint:nilnil // nothing is an answer here
	case c.Kind == store.Assets.Kind():
		return u.takeBack(now)
	case c.Kind == store.Aliases.Kind():
		var a model.Alias
		if err := json.Unmarshal(now.Doc, &a); err != nil {
			return nil, fmt.Errorf("read a name: %w", err)
		}
		if u.made[a.AssetID] {
			return nil, nil //nolint:nilnil // goes on leading to the asset, so that it comes back as the same one
		}
	}
	return &store.Write{Record: store.Record{Kind: c.Kind, ID: c.ID, Revision: now.Revision}, Delete: true}, nil
}

// takeBack retires an asset that the run made: somebody may hold its id already.
func (u *Undoing) takeBack(now store.Record) (*store.Write, error) {
	var a model.Asset
	if err := json.Unmarshal(now.Doc, &a); err != nil {
		return nil, fmt.Errorf("read an asset: %w", err)
	}
	a.Revision = now.Revision
	a.Sightings = slices.DeleteFunc(a.Sightings, func(s model.Sighting) bool { return s.SourceID == u.Source })
	if len(a.Sightings) == 0 {
		a.Status = model.AssetActive // until now, also when it was only named
	}
	a.Settle(u.At)
	w := store.Assets.Put(a)
	return &w, nil
}

// nameOf is what people know a record by.
func nameOf(c change, now store.Record) string {
	var named struct {
		Name string `json:"name"`
	}
	for _, doc := range [][]byte{now.Doc, c.Before} {
		if json.Unmarshal(doc, &named) == nil && named.Name != "" {
			return named.Name
		}
	}
	return string(c.ID)
}

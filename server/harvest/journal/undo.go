package journal

import (
	"cmp"
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

	Begun time.Time // when the run began

	held int // how many records are kept in mind at once; 0 is most

	again again              // which records the run may have written again
	group int                // the part of the records at work: there are several where too many were written again
	of    int                // so many
	minds map[model.ID]*mind // of those of the group that were written again
	peak  int                // the most that were kept in mind
}

// most is how many records are kept in mind at once, which bounds the memory that an
// undoing takes whatever the run has written.
const most = 20_000

// mind is what is kept of a record that the run may have written more than once.
type mind struct {
	first int            // the number of the part in which it was written first
	last  model.Revision // as the run left it
}

// Do puts back part by part, each in one change that takes it out of the journal
// too, so that whoever begins again after an end half way goes on from there. A
// record that was written once needs nothing but its own line of the journal. Those
// that were written again have to be put back to what stood before the first of
// their lines, by the last: they are kept in mind, and where they are too many for
// that, the journal is gone through for one group of records after the other.
func (u *Undoing) Do(ctx context.Context) error {
	u.again = newAgain()
	repeats := 0
	err := u.each(ctx, func(_ model.RunChange, changes []change) error {
		for _, c := range changes {
			if u.again.meet(c.ID) {
				repeats++
			}
		}
		return nil
	})
	held := cmp.Or(u.held, most)
	u.of = max((2*repeats+held-1)/held, 1) // two records or so may share a slot
	for u.group = 0; u.group < u.of && err == nil; u.group++ {
		u.minds = map[model.ID]*mind{}
		if repeats > 0 {
			err = u.each(ctx, u.survey)
		}
		u.peak = max(u.peak, len(u.minds))
		if err == nil {
			err = u.each(ctx, func(row model.RunChange, changes []change) error { return u.part(ctx, row, changes) })
		}
	}
	return err
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

// survey keeps in mind where the run wrote the records of the group first, that it
// may have written again, and how it left them.
func (u *Undoing) survey(row model.RunChange, changes []change) error {
	for _, c := range changes {
		if !u.mine(c) || !u.again.written(c.ID) {
			continue
		}
		if u.minds[c.ID] == nil {
			u.minds[c.ID] = &mind{first: row.Number}
		}
		u.minds[c.ID].last = c.After
	}
	return nil
}

// mine reports whether the record is in the group at work.
func (u *Undoing) mine(c change) bool { return int(hashOf(c.ID)%uint64(u.of)) == u.group } //nolint:gosec // there are few groups

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

func (u *Undoing) try(ctx context.Context, row model.RunChange, all []change) error {
	rest, changes, err := u.cut(row, all)
	if err != nil || rest == nil {
		return err
	}
	stand, err := u.standing(ctx, changes)
	if err != nil {
		return err
	}
	made, err := u.made(ctx, changes, stand)
	if err != nil {
		return err
	}
	writes := []store.Write{*rest}
	restored, left, names := 0, 0, []string(nil)
	for _, c := range changes {
		now, there := stand[c.ID]
		if last := u.last(c); there && now.Revision != last || !there && last != 0 {
			left, names = left+1, append(names, nameOf(c, now))
			continue
		}
		w, err := u.back(c, now, made)
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

// cut gives the changes of a row that are to be put back now, and the write that
// leaves the row without the group's: nil where the row has none of them.
func (u *Undoing) cut(row model.RunChange, all []change) (rest *store.Write, now []change, err error) {
	var others []change
	for _, c := range all {
		m := u.minds[c.ID]
		switch {
		case !u.mine(c):
			others = append(others, c)
		case m == nil || m.first == row.Number:
			now = append(now, c)
		}
	}
	switch len(others) {
	case len(all):
		return nil, nil, nil
	case 0:
		w := store.RunChanges.Delete(row)
		return &w, now, nil
	}
	if row.Records, err = new(Of).pack(others); err != nil {
		return nil, nil, err
	}
	w := store.RunChanges.Put(row)
	return &w, now, nil
}

// last is how the run left the record.
func (u *Undoing) last(c change) model.Revision {
	if m := u.minds[c.ID]; m != nil {
		return m.last
	}
	return c.After
}

// made tells which of the assets that the new names lead to are the run's own: a line
// beside the name's says so, or they are as young as the run.
func (u *Undoing) made(ctx context.Context, changes []change, stand map[model.ID]store.Record) (map[model.ID]bool, error) {
	made := map[model.ID]bool{}
	for _, c := range changes {
		if c.Kind == store.Assets.Kind() && c.Before == nil {
			made[c.ID] = true
		}
	}
	var ids []model.ID
	for _, c := range changes {
		if c.Kind != store.Aliases.Kind() || c.Before != nil || stand[c.ID].ID == "" {
			continue
		}
		a, err := aliasIn(stand[c.ID])
		if err != nil {
			return nil, err
		}
		if !made[a.AssetID] {
			ids = append(ids, a.AssetID)
		}
	}
	for chunk := range slices.Chunk(ids, store.MaxIn) {
		assets, err := store.Assets.GetMany(ctx, u.Store, chunk...)
		if err != nil {
			return nil, fmt.Errorf("read what names lead to: %w", err)
		}
		for _, a := range assets {
			made[a.ID] = !a.CreatedAt.Before(u.Begun)
		}
	}
	return made, nil
}

func aliasIn(r store.Record) (a model.Alias, err error) {
	if err := json.Unmarshal(r.Doc, &a); err != nil {
		return a, fmt.Errorf("read a name: %w", err)
	}
	return a, nil
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
func (u *Undoing) back(c change, now store.Record, made map[model.ID]bool) (*store.Write, error) {
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
		if a, err := aliasIn(now); err != nil || made[a.AssetID] {
			return nil, err // goes on leading to the asset, so that it comes back as the same one
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

package journal

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// many is how many assets the run writes three times each.
const many = 90

// TestUndoIsBounded undoes a run that wrote every record three times, with few kept
// in mind at once.
func TestUndoIsBounded(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		apply := func(_ string, writes []store.Write) error {
			_, err := db.Apply(t.Context(), store.Change{Action: "test", Writes: writes})
			return err
		}
		for i := range many {
			must(t, apply("", []store.Write{store.Assets.Put(asset(i, "before"))}))
		}
		begun := model.Now().Add(time.Millisecond)
		time.Sleep(2 * time.Millisecond)
		before := standing(t, db)
		j := &Of{Store: db, Source: "src_1", Run: "run_1", By: "run_1"}
		for round := range 3 {
			for from := 0; from < many+10; from += 20 {
				var writes []store.Write
				for i := from; i < from+20; i++ {
					writes = append(writes, store.Assets.Put(over(t, db, i, fmt.Sprint("round ", round))))
				}
				noted, err := j.Note(t.Context(), writes)
				must(t, err)
				must(t, apply("", append(writes, noted...)))
				j.Kept()
			}
		}
		other := over(t, db, 7, "written by somebody else")
		must(t, apply("", []store.Write{store.Assets.Put(other)}))

		u := Undoing{Store: db, Source: "src_1", Run: "run_1", Begun: begun, At: model.Now(), Apply: apply, held: 20}
		must(t, u.Do(t.Context()))
		if u.peak == 0 || u.peak > u.held || u.of < many/u.held {
			t.Errorf("%d records were kept in mind at once, in %d groups", u.peak, u.of)
		}
		if u.Left != 1 || u.Restored != many+10-1 {
			t.Errorf("got %d restored and %d left", u.Restored, u.Left)
		}
		after := standing(t, db)
		for i := range many {
			if id := assetID(i); i != 7 {
				if diff := cmp.Diff(before[id], after[id], cmpopts.IgnoreFields(model.Meta{}, "Revision", "UpdatedAt")); diff != "" {
					t.Errorf("asset %d: %s", i, diff)
				}
			}
		}
		if a := after[assetID(many+5)]; a.Status != model.AssetRetired {
			t.Errorf("what the run had made is %s", a.Status)
		}
		if a := after[assetID(7)]; a.Description != "written by somebody else" {
			t.Errorf("what somebody wrote since is %q", a.Description)
		}
		if _, err := latest(t.Context(), db, "src_1"); !model.Is(err, model.KindNotFound) {
			t.Errorf("a part of the journal is left: %v", err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func assetID(i int) model.ID { return model.ID(fmt.Sprintf("ast_%026d", i)) }

func asset(i int, said string) model.Asset {
	a := model.Asset{
		Meta: model.Meta{ID: assetID(i)}, Namespace: "file", Name: fmt.Sprint("a", i), Description: said, Status: model.AssetActive,
		Sightings: []model.Sighting{{SourceID: "src_1", Scope: "main", Rank: model.RankHolder, Kind: model.KindTable, Description: said}},
	}
	a.Settle(model.Now())
	return a
}

// over is the asset as it is to be written over what stands.
func over(t *testing.T, db store.Store, i int, said string) model.Asset {
	t.Helper()
	a := asset(i, said)
	if now, err := store.Assets.Get(t.Context(), db, a.ID); err == nil {
		a.Meta = now.Meta
	}
	return a
}

func standing(t *testing.T, db store.Store) map[model.ID]model.Asset {
	t.Helper()
	all := map[model.ID]model.Asset{}
	for a, err := range store.Assets.All(t.Context(), db, store.Query{Index: "by_name"}) {
		must(t, err)
		all[a.ID] = a
	}
	return all
}

package store_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestRevisionsMoveOn lets changes of one group build on each other, and moves
// nothing for one that is refused.
func TestRevisionsMoveOn(t *testing.T) {
	at := func(id model.ID, r model.Revision, remove bool) store.Write {
		return store.Write{Record: store.Record{Kind: store.Domains.Kind(), ID: id, Revision: r}, Delete: remove}
	}
	current := store.Revisions{{Kind: store.Domains.Kind(), ID: "dom_a"}: 3}
	for _, step := range []struct {
		name   string
		writes []store.Write
		good   int
		ok     bool
	}{
		{"refused", []store.Write{at("dom_new", 0, false), at("dom_a", 2, false)}, 1, false},
		{"good", []store.Write{at("dom_new", 0, false), at("dom_a", 3, false)}, 2, true},
		{"the same again", []store.Write{at("dom_a", 3, false)}, 0, false},
		{"built on it", []store.Write{at("dom_a", 4, false)}, 1, true},
		{"removed", []store.Write{at("dom_a", 5, true)}, 1, true},
		{"gone", []store.Write{at("dom_a", 6, false)}, 0, false},
		{"made anew", []store.Write{at("dom_a", 0, false)}, 1, true},
	} {
		good, err := current.Take(store.Change{Writes: step.writes})
		if len(good) != step.good || (err == nil) != step.ok || (err != nil && !model.Is(err, model.KindConflict)) {
			t.Errorf("%s: got %d good writes and %v, want %d and ok %t", step.name, len(good), err, step.good, step.ok)
		}
	}
}

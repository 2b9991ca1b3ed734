package resolver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
)

// shelf is a loader that remembers what it was asked to fetch.
func shelf() (*loader[string], *[][]model.ID) {
	var calls [][]model.ID
	return &loader[string]{note: func(string) {}, fetch: func(_ context.Context, ids ...model.ID) (map[model.ID]string, error) {
		calls = append(calls, ids)
		found := map[model.ID]string{}
		for _, id := range ids {
			if id != "hidden" {
				found[id] = "the " + string(id)
			}
		}
		return found, nil
	}}, &calls
}

func TestLoaderFetchesTogether(t *testing.T) {
	l, calls := shelf()
	l.expect("a", "b", "", "hidden", "b")
	var all sync.WaitGroup
	for range 20 {
		for _, id := range []model.ID{"a", "b", "hidden", ""} {
			all.Go(func() {
				v, ok, err := l.one(t.Context(), id)
				if want := id == "a" || id == "b"; ok != want || err != nil || want && v != "the "+string(id) {
					t.Errorf("%q gives %q, %v, %v", id, v, ok, err)
				}
			})
		}
	}
	all.Wait()
	if diff := cmp.Diff([][]model.ID{{"a", "b", "hidden"}}, *calls); diff != "" {
		t.Error(diff)
	}
}

func TestLoaderAsksInBatches(t *testing.T) {
	l, calls := shelf()
	for i := range 2*loaderBatch + 1 {
		l.expect(model.ID(fmt.Sprintf("id%04d", i)))
	}
	if _, ok, err := l.one(t.Context(), "id0007"); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if len(*calls) != 3 || len((*calls)[2]) != 1 {
		t.Errorf("%d calls", len(*calls))
	}
}

func TestLoaderForgets(t *testing.T) {
	l, calls := shelf()
	for range 2 {
		if _, _, err := l.one(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		l.forget()
	}
	if len(*calls) != 2 {
		t.Errorf("%d calls, want another after forgetting", len(*calls))
	}
}

func TestLoaderPassesErrorsOn(t *testing.T) {
	away := errors.New("away")
	l := &loader[string]{fetch: func(context.Context, ...model.ID) (map[model.ID]string, error) { return nil, away }}
	if _, ok, err := l.one(t.Context(), "a"); ok || !errors.Is(err, away) {
		t.Errorf("got %v, %v", ok, err)
	}
}

// TestLoaderNotesBeforeItShows looks, while the rows of a fetch are noted, for
// one that can be seen already: its links would be looked up without the others'.
func TestLoaderNotesBeforeItShows(t *testing.T) {
	l, _ := shelf()
	noted := 0
	l.note = func(string) {
		noted++
		for _, id := range []model.ID{"a", "b"} {
			if v, _, seen := l.known(id); seen {
				t.Errorf("%q can be seen before all is noted", v)
			}
		}
	}
	l.expect("a", "b")
	if _, ok, err := l.one(t.Context(), "a"); !ok || err != nil || noted != 2 {
		t.Errorf("got %v, %v, and %d are noted", ok, err, noted)
	}
}

package store_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestDeclarations holds every table to what the planner takes for granted.
func TestDeclarations(t *testing.T) {
	for _, s := range store.Schemas() {
		if got, ok := store.SchemaOf(s.Kind); !ok || got.Noun != s.Noun || s.Noun == "" {
			t.Errorf("%s: no schema of its own", s.Kind)
		}
		var names []string
		for _, x := range s.Indexes {
			if slices.Contains(names, x.Name) {
				t.Errorf("%s: two indexes %s", s.Kind, x.Name)
			}
			names = append(names, x.Name)
			for i, p := range x.Paths {
				if !slices.Contains(s.Paths, p) || (i > 0 && s.Multi(p)) {
					t.Errorf("%s.%s: path %s is not extracted, or has many values and is not first", s.Kind, x.Name, p)
				}
			}
		}
		if _, err := s.Extract([]byte(`{}`)); err != nil {
			t.Errorf("%s: %v", s.Kind, err)
		}
	}
}

// FuzzCursor gives the planner strangers' cursors: each is a bad one, or a
// place in the query.
func FuzzCursor(f *testing.F) {
	for _, c := range []string{"", "x", "e30", "eyJxIjoxLCJrIjpbXSwiaSI6ImEifQ"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		_, err := store.Query{Kind: "asset", Index: "by_name", After: store.Cursor(cursor)}.Plan()
		if err != nil && !model.Is(err, model.KindBadCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	})
}

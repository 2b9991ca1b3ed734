package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

// TestNarrowed takes the index of the narrowest condition that has a value, and
// keeps what the query says beside.
func TestNarrowed(t *testing.T) {
	base := store.Query{Kind: "run", Index: "by_started", Desc: true}
	conditions := func(platform, status, source string) []store.Condition {
		return []store.Condition{
			{Index: "by_status", Path: "status", Value: status}, {Index: "by_source", Path: "source", Value: source}, {Path: "platform", Value: platform},
		}
	}
	for name, tt := range map[string]struct {
		given []store.Condition
		where store.Filter
		want  store.Query
	}{
		"nothing":   {conditions("", "", ""), store.Filter{}, base},
		"the wide":  {conditions("", "DONE", ""), store.Filter{}, store.Query{Index: "by_status", Where: store.And(store.Eq("status", "DONE"))}},
		"both":      {conditions("", "DONE", "src_1"), store.Filter{}, store.Query{Index: "by_source", Where: store.And(store.Eq("status", "DONE"), store.Eq("source", "src_1"))}},
		"no index":  {conditions("x", "", ""), store.Filter{}, store.Query{Index: "by_started", Where: store.And(store.Eq("platform", "x"))}},
		"more than": {conditions("x", "", "src_1"), store.Exists("started"), store.Query{Index: "by_source", Where: store.And(store.Exists("started"), store.Eq("source", "src_1"), store.Eq("platform", "x"))}},
	} {
		q, want := base, tt.want
		q.Where, want.Kind, want.Desc = tt.where, base.Kind, base.Desc
		if diff := cmp.Diff(want, q.Narrowed(tt.given...), cmpopts.IgnoreUnexported(store.Query{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

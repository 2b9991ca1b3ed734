package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var premiseCases = []testCase{
	{"premise/what a change needs is there", needs},
	{"premise/nothing names what goes", unnamed},
	{"premise/nothing hangs on what has gone", goneOrNamed},
}

// needing is a change that builds on a record that it does not write.
func needing(kind store.Kind, id string, writes ...store.Write) store.Change {
	c := change(writes...)
	c.Needs = []store.Self{{Kind: kind, ID: model.ID(id)}}
	return c
}

// taking is a change that takes a record away which nothing may name.
func taking(kind store.Kind, id string, revision model.Revision, since int64) store.Change {
	c := change(remove(kind, id, revision))
	c.Unnamed = store.Unnamed{As: []string{id}, Since: since}
	return c
}

func needs(t *testing.T, s store.Store) {
	t.Helper()
	_, err := s.Apply(t.Context(), needing(principal, "prn_1", create(asset, "ast_1", nil)))
	wantWords(t, err, "principal", "prn_1", "is gone")
	wantCode(t, err, model.CodeStale)
	wantRevision(t, s, asset, "ast_1", 0)
	apply(t, s, create(principal, "prn_1", nil))
	if _, err := s.Apply(t.Context(), needing(principal, "prn_1", create(asset, "ast_1", nil))); err != nil {
		t.Fatal(err)
	}
	wantRevision(t, s, principal, "prn_1", 1) // it is not written
	if _, err := s.Apply(t.Context(), needing(principal, "prn_1", remove(principal, "prn_1", 1))); err != nil {
		t.Errorf("a change that takes away what it needs: %v", err)
	}
	_, err = s.Apply(t.Context(), needing("nothing", "prn_1", create(asset, "ast_2", nil)))
	wantKind(t, err, model.KindInternal)
}

func unnamed(t *testing.T, s store.Store) {
	t.Helper()
	before := apply(t, s, create(principal, "prn_1", nil)).Seq
	hanging := create(asset, "ast_1", nil)
	hanging.Record.Doc = []byte(`{"ownerId": "prn_1"}`)
	since := apply(t, s, hanging).Seq
	_, err := s.Apply(t.Context(), taking(principal, "prn_1", 1, before))
	wantWords(t, err, "prn_1", "at the same moment")
	wantCode(t, err, model.CodeStale)
	wantRevision(t, s, principal, "prn_1", 1)
	like := create(asset, "ast_2", nil)
	like.Record.Doc = []byte(`{"ownerId": "prn_12"}`)
	told := create(store.Decisions.Kind(), "dec_1", nil)
	told.Record.Doc = []byte(`{"resourceId": "prn_1"}`)
	apply(t, s, like, told)
	apply(t, s, remove(asset, "ast_1", 1))
	if _, err := s.Apply(t.Context(), taking(principal, "prn_1", 1, since)); err != nil {
		t.Errorf("what was there before is its remover's to look at, and what has gone, has another name or only tells of it is none: %v", err)
	}
	wantRevision(t, s, principal, "prn_1", 0)
}

// goneOrNamed has records taken away while others come to hang on them. Whoever
// looks afterwards finds none that hangs on what has gone.
func goneOrNamed(t *testing.T, s store.Store) {
	t.Helper()
	const rounds = 20
	var hung, gone atomic.Int64
	for round := range rounds {
		id := fmt.Sprintf("prn_%d", round)
		since := apply(t, s, create(principal, id, nil)).Seq
		together(2+round%(writers-1), func(w int) {
			c := taking(principal, id, 1, since)
			if w > 0 {
				hanging := create(asset, fmt.Sprintf("ast_%d_%d", round, w), nil)
				hanging.Record.Doc = fmt.Appendf(nil, `{"ownerId": %q}`, id)
				c = needing(principal, id, hanging)
			}
			_, err := s.Apply(t.Context(), c)
			switch {
			case err == nil && w > 0:
				hung.Add(1)
			case err == nil:
				gone.Add(1)
			case !model.Is(err, model.KindConflict):
				t.Errorf("apply: %v", err)
			}
		})
		left := 0
		for w := 1; w < writers; w++ {
			left += len(get(t, s, asset, model.ID(fmt.Sprintf("ast_%d_%d", round, w))))
		}
		if there := len(get(t, s, principal, model.ID(id))) == 1; there != (left > 0) {
			t.Errorf("round %d: the principal is there: %v, and %d records hang on it", round, there, left)
		}
	}
	t.Logf("%d records came to hang, %d went", hung.Load(), gone.Load())
}

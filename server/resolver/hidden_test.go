package resolver_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// TestHiddenAndAbsentTakeTheSameReads has Dee ask for a draft of Sales, which
// she may not know of, and for what does not exist: by id, by name and as a node.
func TestHiddenAndAbsentTakeTheSameReads(t *testing.T) {
	w := newWorld(t)
	ask := func(query string, v vars) (string, int64) {
		t.Helper()
		w.ok("dee", query, v) // what is remembered for good is read now
		before := w.store.reads.Load()
		got := w.ok("dee", query, v)
		return got.text, w.store.reads.Load() - before
	}
	const byName = `query($n: Slug!) { dataProduct(domain: "sales", name: $n) { id } }`
	const byID = `query($id: ID!) { dataProduct(id: $id) { id } }`
	const asNode = `query($id: ID!) { node(id: $id) { id } }`
	nothing := model.ID("dpr_00000000000000000000000000")
	for _, c := range []struct {
		query          string
		hidden, absent vars
	}{
		{byName, vars{"n": w.draft.Name}, vars{"n": "nothing"}},
		{byID, vars{"id": w.draft.ID}, vars{"id": nothing}},
		{asNode, vars{"id": w.draft.ID}, vars{"id": nothing}},
	} {
		hidden, n := ask(c.query, c.hidden)
		absent, m := ask(c.query, c.absent)
		if hidden != absent || n != m {
			t.Errorf("%s: hidden %s after %d reads, absent %s after %d", c.query, hidden, n, absent, m)
		}
	}
}

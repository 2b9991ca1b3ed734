package resolver_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/store"
)

// TestHiddenAndAbsentTakeTheSame has Dee ask for a draft, a source and a table of
// Sales, which she may not know of, and for what does not exist: by id, by name and
// as a node. The answers are the same, after as many reads and decisions, and
// her own decisions do not tell of what she was kept from.
func TestHiddenAndAbsentTakeTheSame(t *testing.T) {
	w := newWorld(t)
	w.keepLog()
	type cost struct{ reads, decisions int64 }
	ask := func(query string, v vars) (string, cost) {
		t.Helper()
		w.ok("dee", query, v) // what is remembered for good is read now
		before := cost{w.Store.Reads.Load(), w.Engine.Decided()}
		got := w.ok("dee", query, v)
		return got.text, cost{w.Store.Reads.Load() - before.reads, w.Engine.Decided() - before.decisions}
	}
	const byName = `query($n: Slug!) { dataProduct(domain: "sales", name: $n) { id } }`
	const byID = `query($id: ID!) { dataProduct(id: $id) { id } }`
	const asNode = `query($id: ID!) { node(id: $id) { id } }`
	nothing := model.ID("dpr_00000000000000000000000000")
	const sourceByName = `query($n: Slug!) { source(name: $n) { id } }`
	const sourceByID = `query($id: ID!) { source(id: $id) { id } }`
	const assetByName = `query($n: String!) { asset(namespace: "postgres://db.acme.example:5432", name: $n) { id } }`
	const assetByID = `query($id: ID!) { asset(id: $id) { id } }`
	table := w.hiddenTable()
	for _, c := range []struct {
		query          string
		hidden, absent vars
	}{
		{byName, vars{"n": w.draft.Name}, vars{"n": "nothing"}},
		{byID, vars{"id": w.draft.ID}, vars{"id": nothing}},
		{asNode, vars{"id": w.draft.ID}, vars{"id": nothing}},
		{sourceByName, vars{"n": w.source.Name}, vars{"n": "nothing"}},
		{sourceByID, vars{"id": w.source.ID}, vars{"id": "src_00000000000000000000000000"}},
		{assetByName, vars{"n": table.Name}, vars{"n": "shop.public.nothing"}},
		{assetByID, vars{"id": table.ID}, vars{"id": "ast_00000000000000000000000000"}},
	} {
		hidden, n := ask(c.query, c.hidden)
		absent, m := ask(c.query, c.absent)
		if hidden != absent || n != m {
			t.Errorf("%s: hidden %s after %+v, absent %s after %+v", c.query, hidden, n, absent, m)
		}
	}
	own := w.ok("dee", `{ decisions(first: 100) { nodes { resourceId action } } }`, nil)
	all := w.ok("cy", `query($p: ID!) { decisions(first: 100, filter: {principalId: $p}) { nodes { resourceId } } }`, vars{"p": w.People["dee"].ID})
	for _, id := range []model.ID{w.draft.ID, w.source.ID, table.ID} {
		if strings.Contains(own.text, string(id)) || !strings.Contains(all.text, string(id)) {
			t.Errorf("of %s, Dee reads %s and Cy reads %s", id, own.text, all.text)
		}
	}
}

// keepLog has the decisions logged that no change carries.
func (w *world) keepLog() {
	w.Helper()
	l, err := decisionlog.Open(w.Context(), decisionlog.Config{URI: "sqlite::memory:", Store: w.Store.Store})
	w.Must(err)
	w.Cleanup(func() { w.Must(l.Close()) })
	w.LogDecisions(l)
	w.open(l)
}

// hiddenTable is one of Sales that nobody offers.
func (w *world) hiddenTable() model.Asset {
	w.Helper()
	const namespace, name = "postgres://db.acme.example:5432", "shop.public.salaries"
	home := w.Domains["sales"].ID
	_, err := w.Store.Apply(w.Context(), store.Change{Action: "test", Writes: []store.Write{store.Namespaces.Put(model.Namespace{
		Meta: model.Meta{ID: "nsp_db"}, Namespace: namespace, DomainID: home,
	})}})
	w.Must(err)
	seen := catalog.Seen{Ref: catalog.Ref{Namespace: namespace, Name: name}, Sighting: model.Sighting{Kind: model.KindTable}}
	written, err := w.services.Catalog.Observe(w.System(), catalog.Observation{Source: w.source, Assets: []catalog.Seen{seen}})
	w.Must(err)
	_, err = w.Store.Apply(w.Context(), store.Change{Action: "test", Writes: written.Writes})
	w.Must(err)
	a, err := w.services.Catalog.AssetByName(w.As("ana"), namespace, name)
	w.Must(err)
	return a
}

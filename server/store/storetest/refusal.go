package storetest

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var refusalCases = []testCase{
	{"refused/queries that no index serves", unserved},
	{"refused/a scan beyond its budget", budget},
	{"refused/changes that are mistakes", mistakes},
}

func unserved(t *testing.T, s store.Store) {
	t.Helper()
	many := slices.Repeat([]store.Filter{store.Eq("name", "a")}, store.MaxOr+1)
	values := make([]store.Value, store.MaxIn+1)
	for name, c := range map[string]struct {
		query store.Query
		words []string
	}{
		"unknown kind":        {store.Query{Kind: "bazaar", Index: "by_name"}, []string{"bazaar"}},
		"no index":            {store.Query{Kind: asset}, []string{"asset", "by_name"}},
		"unknown index":       {store.Query{Kind: asset, Index: "by_mood"}, []string{"asset", "by_mood", "by_name"}},
		"unknown path":        {store.Query{Kind: asset, Index: "by_name", Where: store.Eq("mood", "x")}, []string{"asset", "by_name", "mood"}},
		"unknown path inside": {store.Query{Kind: asset, Index: "by_name", Where: store.Not(store.Or(store.Eq("mood", "x")))}, []string{"mood"}},
		"a better index":      {store.Query{Kind: asset, Index: "by_kind", Where: store.Eq("domain", "x")}, []string{"asset", "by_kind", "by_domain"}},
		"multi without eq":    {store.Query{Kind: asset, Index: "by_scope"}, []string{"asset", "by_scope", "scope"}},
		"multi with in":       {store.Query{Kind: asset, Index: "by_scope", Where: store.In("scope", "a", "b")}, []string{"by_scope", "Eq"}},
		"multi with null":     {store.Query{Kind: asset, Index: "by_scope", Where: store.Eq("scope", nil)}, []string{"by_scope"}},
		"long or":             {store.Query{Kind: asset, Index: "by_name", Where: store.Or(many...)}, []string{"asset", "Or", "8"}},
		"long in":             {store.Query{Kind: asset, Index: "by_name", Where: store.In("name", values...)}, []string{"asset", "In", "500"}},
		"empty not":           {store.Query{Kind: asset, Index: "by_name", Where: store.Filter{Op: store.OpNot}}, []string{"Not"}},
		"unknown operator":    {store.Query{Kind: asset, Index: "by_name", Where: store.Filter{Op: "like", Path: "name"}}, []string{"like"}},
		"a float":             {store.Query{Kind: asset, Index: "by_name", Where: store.Eq("name", 1.5)}, []string{"float64"}},
	} {
		_, err := s.Find(t.Context(), c.query)
		if !model.Is(err, model.KindInternal) {
			t.Errorf("%s: got %v, want kind Internal", name, err)
			continue
		}
		wantWords(t, err, c.words...)
	}
}

func budget(t *testing.T, s store.Store) {
	t.Helper()
	town(t, s, 30)
	q := store.Query{Kind: asset, Index: "by_name", Where: store.Eq("platform", "1"), Budget: 29}
	_, err := s.Find(t.Context(), q)
	wantKind(t, err, model.KindInternal)
	wantWords(t, err, "asset", "by_name", "29", "platform")
	q.Budget = 30
	if got := walk(t, s, q); len(got) != 15 {
		t.Errorf("got %d of 15", len(got))
	}
	q.Budget, q.Limit = 10, 3 // a page that fills early needs no more
	if page := find(t, s, q); len(page.Records) != 3 || !page.More {
		t.Errorf("got %d records, more %v", len(page.Records), page.More)
	}
	q = store.Query{Kind: asset, Index: "by_kind", Where: store.Eq("kind", "TABLE"), Budget: 1}
	if got := walk(t, s, q); len(got) != 30 { // nothing is residual
		t.Errorf("got %d of 30", len(got))
	}
}

func mistakes(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_0", nil))
	before := lastSeq(t, s)
	for name, c := range map[string]store.Change{
		"no action":         {Writes: []store.Write{create(asset, "ast_1", nil)}},
		"no kind":           change(create("", "ast_1", nil)),
		"unknown kind":      change(create(asset, "ast_1", nil), create("bazaar", "x", nil)),
		"no id":             change(create(asset, "ast_1", nil), create(asset, "", nil)),
		"an event":          change(create(asset, "ast_1", nil), create(store.Events.Kind(), "evt_1", nil)),
		"the same twice":    change(create(asset, "ast_1", nil), create(asset, "ast_1", nil)),
		"undeclared path":   change(create(asset, "ast_1", keys("mood", "x"))),
		"two values":        change(create(asset, "ast_1", keys("name", "x", "name", "y"))),
		"a float":           change(create(asset, "ast_1", keys("name", 1.5))),
		"negative revision": change(update(asset, "ast_1", -1, nil)),
		"a quiet change":    {Action: "test.write", Quiet: true, Writes: []store.Write{create(asset, "ast_1", nil)}},
		"delete of nothing": change(create(asset, "ast_1", nil), remove(asset, "ast_0", 0)),
	} {
		if _, err := s.Apply(t.Context(), c); !model.Is(err, model.KindInternal) {
			t.Errorf("%s: got %v, want kind Internal", name, err)
		}
		wantRevision(t, s, asset, "ast_1", 0)
	}
	if after := lastSeq(t, s); after != before {
		t.Errorf("refused changes left %d events", after-before)
	}
}

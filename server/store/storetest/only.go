package storetest

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var onlyCases = []testCase{
	{"only/narrows like a residual", onlyNarrows},
	{"only/is no part of the cursor", onlyAndCursor},
	{"only/refusals", onlyRefusals},
}

func someAssets(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s,
		create(asset, "ast_1", keys("name", "ada", "kind", "TABLE", "domain", "dom_1", "scope", "x", "scope", "y")),
		create(asset, "ast_2", keys("name", "bob", "kind", "VIEW", "domain", "dom_1")),
		create(asset, "ast_3", keys("name", "cid", "kind", "TABLE", "domain", "dom_2", "scope", "y")),
		create(asset, "ast_4", keys("name", "dan", "kind", "VIEW")),
		create(asset, "ast_5", keys("kind", "TABLE", "domain", "dom_2")),
	)
}

func onlyNarrows(t *testing.T, s store.Store) {
	t.Helper()
	someAssets(t, s)
	for _, c := range []struct {
		name  string
		index string
		where store.Filter
		only  store.Filter
		want  []string
	}{
		{"by id", "by_name", store.Filter{}, store.In(store.PathID, "ast_4", "ast_1", "ast_none"), []string{"ast_1", "ast_4"}},
		{"not by id", "by_name", store.Filter{}, store.Not(store.Eq(store.PathID, "ast_2")), []string{"ast_5", "ast_1", "ast_3", "ast_4"}},
		{"null among values", "by_name", store.Filter{}, store.In("domain", "dom_2", nil), []string{"ast_5", "ast_3", "ast_4"}},
		{"not null", "by_name", store.Filter{}, store.Exists("domain"), []string{"ast_5", "ast_1", "ast_2", "ast_3"}},
		{"many values", "by_name", store.Filter{}, store.Eq("scope", "y"), []string{"ast_1", "ast_3"}},
		{"none of many values", "by_name", store.Filter{}, store.Not(store.In("scope", "x")), []string{"ast_5", "ast_2", "ast_3", "ast_4"}},
		{"everything", "by_name", store.Filter{}, store.And(), []string{"ast_5", "ast_1", "ast_2", "ast_3", "ast_4"}},
		{"nothing", "by_name", store.Filter{}, store.Or(), nil},
		{"not nothing", "by_name", store.Filter{}, store.Not(store.And(store.Or(), store.Exists("name"))), []string{"ast_5", "ast_1", "ast_2", "ast_3", "ast_4"}},
		{"never a bound of the index", "by_kind", store.Eq("kind", "TABLE"), store.And(store.Eq("kind", "TABLE"), store.Eq("name", "cid")), []string{"ast_3"}},
		{"beside an in of the index", "by_kind", store.In("kind", "TABLE", "VIEW"), store.Eq("domain", "dom_1"), []string{"ast_1", "ast_2"}},
		{"a range", "by_name", store.Filter{}, store.Not(store.Between("name", "b", "d")), []string{"ast_5", "ast_1", "ast_4"}},
		{"a prefix", "by_name", store.Filter{}, store.HasPrefix("name", "c"), []string{"ast_3"}},
		{"of a multi index", "by_scope", store.Eq("scope", "y"), store.Or(store.Eq("domain", "dom_2"), store.Eq(store.PathID, "ast_2")), []string{"ast_3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := store.Query{Kind: asset, Index: c.index, Where: c.where, Only: c.only}
			wantIDs(t, walk(t, s, q), c.want...)
			q.Limit, q.Desc = 1, true
			wantIDs(t, walk(t, s, q), reversed(c.want)...)
		})
	}
}

// onlyAndCursor pages on after what the viewer may see has changed.
func onlyAndCursor(t *testing.T, s store.Store) {
	t.Helper()
	someAssets(t, s)
	q := store.Query{Kind: asset, Index: "by_name", Limit: 2, Only: store.Not(store.Eq("domain", "dom_2"))}
	page := find(t, s, q)
	wantIDs(t, ids(page.Records), "ast_1", "ast_2")
	q.After, q.Only = page.Cursors[1], store.Filter{}
	wantIDs(t, ids(find(t, s, q).Records), "ast_3", "ast_4")
}

func onlyRefusals(t *testing.T, s store.Store) {
	t.Helper()
	for _, q := range []store.Query{
		{Kind: asset, Index: "by_name", Only: store.Eq("colour", "red")},
		{Kind: asset, Index: "by_name", Where: store.Eq(store.PathID, "ast_1")},
	} {
		_, err := s.Find(t.Context(), q)
		wantKind(t, err, model.KindInternal)
	}
}

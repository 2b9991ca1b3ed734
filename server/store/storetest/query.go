package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var queryCases = []testCase{
	{"find/filters", filters},
	{"find/many values of a path", multi},
	{"find/null", nulls},
	{"find/numbers and times", numbers},
	{"find/prefix", prefixes},
	{"find/in", ins},
	{"find/text is compared in NFC", normal},
	{"find/the empty string is null", emptyStrings},
}

func endedContext(t *testing.T, s store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Apply(ctx, change(create(asset, "ast_1", nil))); !errors.Is(err, context.Canceled) {
		t.Errorf("apply: got %v, want the context's error", err)
	}
	if _, err := s.Get(ctx, asset, "ast_1"); !errors.Is(err, context.Canceled) {
		t.Errorf("get: got %v, want the context's error", err)
	}
	wantRevision(t, s, asset, "ast_1", 0)
}

// filters asks every operator as the bound of an index and as residual.
func filters(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s,
		create(asset, "ast_1", keys("name", "ada", "kind", "TABLE", "platform", "postgres", "domain", "dom_1")),
		create(asset, "ast_2", keys("name", "bob", "kind", "VIEW", "platform", "postgres", "domain", "dom_1")),
		create(asset, "ast_3", keys("name", "cid", "kind", "TABLE", "platform", "dbt", "domain", "dom_2")),
		create(asset, "ast_4", keys("name", "cidre", "kind", "VIEW")),
		create(asset, "ast_5", keys("kind", "TABLE", "platform", "dbt")),
	)
	for _, c := range []struct {
		name  string
		index string
		where store.Filter
		want  []string
	}{
		{"everything", "by_name", store.Filter{}, []string{"ast_5", "ast_1", "ast_2", "ast_3", "ast_4"}},
		{"empty and", "by_name", store.And(), []string{"ast_5", "ast_1", "ast_2", "ast_3", "ast_4"}},
		{"empty or", "by_name", store.Or(), nil},
		{"eq", "by_name", store.Eq("name", "bob"), []string{"ast_2"}},
		{"eq and order", "by_kind", store.Eq("kind", "TABLE"), []string{"ast_5", "ast_1", "ast_3"}},
		{"eq on both paths", "by_kind", store.And(store.Eq("name", "cid"), store.Eq("kind", "TABLE")), []string{"ast_3"}},
		{"eq that contradicts itself", "by_kind", store.And(store.Eq("kind", "TABLE"), store.Eq("kind", "VIEW")), nil},
		{"eq, residual", "by_name", store.Eq("platform", "dbt"), []string{"ast_5", "ast_3"}},
		{"nested and", "by_kind", store.And(store.And(store.Eq("kind", "VIEW")), store.And(store.And(store.Eq("name", "bob")))), []string{"ast_2"}},
		{"range", "by_name", store.Between("name", "b", "cidr"), []string{"ast_2", "ast_3"}},
		{"range with its own bounds", "by_name", store.Between("name", "bob", "cidre"), []string{"ast_2", "ast_3"}},
		{"range open below", "by_name", store.Between("name", nil, "bob"), []string{"ast_1"}},
		{"range open above", "by_name", store.Between("name", "c", nil), []string{"ast_3", "ast_4"}},
		{"range open on both sides", "by_name", store.Between("name", nil, nil), []string{"ast_1", "ast_2", "ast_3", "ast_4"}},
		{"range upside down", "by_name", store.Between("name", "z", "a"), nil},
		{"range after eq", "by_kind", store.And(store.Eq("kind", "TABLE"), store.Between("name", "b", nil)), []string{"ast_3"}},
		{"two ranges", "by_name", store.And(store.Between("name", "b", nil), store.Between("name", nil, "cidr")), []string{"ast_2", "ast_3"}},
		{"range, residual", "by_name", store.Between("platform", "e", nil), []string{"ast_1", "ast_2"}},
		{"prefix", "by_name", store.HasPrefix("name", "cid"), []string{"ast_3", "ast_4"}},
		{"prefix, residual", "by_name", store.HasPrefix("platform", "post"), []string{"ast_1", "ast_2"}},
		{"exists", "by_name", store.Exists("name"), []string{"ast_1", "ast_2", "ast_3", "ast_4"}},
		{"exists, residual", "by_name", store.Exists("domain"), []string{"ast_1", "ast_2", "ast_3"}},
		{"in", "by_name", store.In("name", "cid", "nobody", "ada"), []string{"ast_1", "ast_3"}},
		{"in after eq", "by_kind", store.And(store.Eq("kind", "TABLE"), store.In("name", "cid", "bob")), []string{"ast_3"}},
		{"in of nothing", "by_name", store.In("name"), nil},
		{"in, residual", "by_name", store.In("domain", "dom_2", "dom_1"), []string{"ast_1", "ast_2", "ast_3"}},
		{"or", "by_name", store.Or(store.Eq("kind", "VIEW"), store.Eq("platform", "dbt")), []string{"ast_5", "ast_2", "ast_3", "ast_4"}},
		{"not", "by_name", store.Not(store.Eq("platform", "postgres")), []string{"ast_5", "ast_3", "ast_4"}},
		{"not exists", "by_name", store.Not(store.Exists("platform")), []string{"ast_4"}},
		{"all together", "by_kind", store.And(store.Eq("kind", "TABLE"), store.Or(store.Not(store.Exists("domain")), store.In("domain", "dom_2"))), []string{"ast_5", "ast_3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := store.Query{Kind: asset, Index: c.index, Where: c.where}
			wantIDs(t, walk(t, s, q), c.want...)
			q.Limit = 1
			wantIDs(t, walk(t, s, q), c.want...)
			q.Desc = true
			wantIDs(t, walk(t, s, q), reversed(c.want)...)
			q.Limit = 0
			wantIDs(t, walk(t, s, q), reversed(c.want)...)
		})
	}
}

func reversed(list []string) []string {
	back := make([]string, 0, len(list))
	for i := range list {
		back = append(back, list[len(list)-1-i])
	}
	return back
}

func multi(t *testing.T, s store.Store) {
	t.Helper()
	byScope := func(v string) store.Query {
		return store.Query{Kind: asset, Index: "by_scope", Where: store.Eq("scope", v), Limit: 1}
	}
	apply(t, s,
		create(asset, "ast_1", keys("name", "b", "scope", "x", "scope", "y", "scope", "x")),
		create(asset, "ast_2", keys("name", "a", "scope", "x")),
		create(asset, "ast_3", keys("scope", "x", "scope", "z")),
		create(asset, "ast_4", keys("name", "c")),
	)
	wantIDs(t, walk(t, s, byScope("x")), "ast_3", "ast_2", "ast_1")
	wantIDs(t, walk(t, s, byScope("y")), "ast_1")
	back := byScope("x")
	back.Desc = true
	wantIDs(t, walk(t, s, back), "ast_1", "ast_2", "ast_3")
	residual := func(f store.Filter) []string {
		return walk(t, s, store.Query{Kind: asset, Index: "by_name", Where: f, Limit: 2})
	}
	wantIDs(t, residual(store.And(store.Exists("name"), store.Not(store.Exists("scope")))), "ast_4")
	wantIDs(t, residual(store.Or(store.In("scope", "z", "y"), store.Eq("name", "c"))), "ast_3", "ast_1", "ast_4")
	wantIDs(t, residual(store.Not(store.Eq("scope", "x"))), "ast_4")
	wantIDs(t, residual(store.HasPrefix("scope", "z")), "ast_3")
	both := byScope("x")
	both.Where = store.And(store.Eq("scope", "x"), store.Eq("scope", "y"))
	wantIDs(t, walk(t, s, both), "ast_1")

	apply(t, s, update(asset, "ast_1", 1, keys("name", "b", "scope", "y")), update(asset, "ast_2", 1, keys("name", "z", "scope", "x")))
	wantIDs(t, walk(t, s, byScope("x")), "ast_3", "ast_2")
	wantIDs(t, walk(t, s, byScope("y")), "ast_1")
	apply(t, s, remove(asset, "ast_3", 1), update(asset, "ast_2", 2, nil))
	wantIDs(t, walk(t, s, byScope("x")))
	wantIDs(t, walk(t, s, byScope("z")))
}

func nulls(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s,
		create(asset, "ast_1", keys("domain", "d", "name", "a")), create(asset, "ast_2", keys("domain", "d")), create(asset, "ast_3", keys("name", "b")),
		create(asset, "ast_4", nil), create(asset, "ast_5", keys("domain", "d")), create(asset, "ast_6", keys("domain", nil, "name", nil)),
	)
	all := []string{"ast_4", "ast_6", "ast_3", "ast_2", "ast_5", "ast_1"}
	for limit := 1; limit <= len(all); limit++ {
		q := store.Query{Kind: asset, Index: "by_domain", Limit: limit}
		wantIDs(t, walk(t, s, q), all...)
		q.Desc = true
		wantIDs(t, walk(t, s, q), reversed(all)...)
	}
	q := store.Query{Kind: asset, Index: "by_domain", Where: store.Eq("domain", nil), Limit: 2}
	wantIDs(t, walk(t, s, q), "ast_4", "ast_6", "ast_3")
	q.Where = store.And(store.Eq("domain", nil), store.Exists("name"))
	wantIDs(t, walk(t, s, q), "ast_3")
	q.Where = store.In("domain", nil, "d")
	wantIDs(t, walk(t, s, q), all...)
	q.Where = store.And(store.Eq("domain", "d"), store.Eq("name", nil))
	wantIDs(t, walk(t, s, q), "ast_2", "ast_5")
}

func numbers(t *testing.T, s store.Store) {
	t.Helper()
	at := time.UnixMilli(1_700_000_000_000)
	apply(t, s,
		create(run, "run_1", keys("source", "s", "started", int64(5))), create(run, "run_2", keys("source", "s", "started", int64(40))),
		create(run, "run_3", keys("source", "s", "started", int64(-7))), create(run, "run_4", keys("source", "s", "started", at)),
		create(run, "run_5", keys("source", "s")),
		create(run, "run_6", keys("source", "s", "started", int64(-1)<<63)), create(run, "run_7", keys("source", "s", "started", int64(1<<63-1))),
	)
	q := store.Query{Kind: run, Index: "by_source", Where: store.Eq("source", "s"), Limit: 1}
	wantIDs(t, walk(t, s, q), "run_5", "run_6", "run_3", "run_1", "run_2", "run_4", "run_7")
	q.Where = store.And(store.Eq("source", "s"), store.Between("started", -7, 40))
	wantIDs(t, walk(t, s, q), "run_3", "run_1")
	q.Desc, q.Where = true, store.And(store.Eq("source", "s"), store.Between("started", nil, at.Add(1)))
	wantIDs(t, walk(t, s, q), "run_2", "run_1", "run_3", "run_6")
	q.Where = store.And(store.Eq("source", "s"), store.Eq("started", at))
	wantIDs(t, walk(t, s, q), "run_4")
}

func prefixes(t *testing.T, s store.Store) {
	t.Helper()
	for i, name := range []string{"a", "ab", "ab\U0010FFFF", "ab\U0010FFFFz", "ac", "\uD7FF!", "\uE000", "\U0010FFFF\U0010FFFF", "a%b", "a_b", "zebra", "äb"} {
		apply(t, s, create(asset, "ast_"+string(rune('a'+i)), keys("name", name)))
	}
	for prefix, want := range map[string][]string{
		"ab": {"ast_b", "ast_c", "ast_d"}, "ab\U0010FFFF": {"ast_c", "ast_d"}, "\uD7FF": {"ast_f"}, "\U0010FFFF": {"ast_h"},
		"a%": {"ast_i"}, "a_": {"ast_j"}, "A": nil, "a\u0308": {"ast_l"}, "ä": {"ast_l"}, "zebras": nil,
	} {
		q := store.Query{Kind: asset, Index: "by_name", Where: store.HasPrefix("name", prefix), Limit: 2}
		wantIDs(t, walk(t, s, q), want...)
		q.Where, q.Desc = store.Or(q.Where), true // residual
		wantIDs(t, walk(t, s, q), reversed(want)...)
	}
	everything := store.Query{Kind: asset, Index: "by_name", Where: store.HasPrefix("name", "")}
	if got := walk(t, s, everything); len(got) != 12 {
		t.Errorf("the empty prefix gives %d of 12", len(got))
	}
}

func ins(t *testing.T, s store.Store) {
	t.Helper()
	for _, c := range [][3]string{{"e_1", "a", "x"}, {"e_2", "a", "y"}, {"e_3", "b", "x"}, {"e_4", "c", "x"}, {"e_5", "c", "y"}} {
		apply(t, s, create("edge", c[0], keys("from", c[1], "to", c[2])))
	}
	q := store.Query{Kind: "edge", Index: "by_from", Where: store.In("from", "c", "a", "nobody", "c")}
	for q.Limit = range 6 {
		q.Desc = false
		wantIDs(t, walk(t, s, q), "e_1", "e_2", "e_4", "e_5")
		q.Desc = true
		wantIDs(t, walk(t, s, q), "e_5", "e_4", "e_2", "e_1")
	}
	q = store.Query{Kind: "edge", Index: "by_to", Where: store.And(store.Eq("to", "x"), store.In("from", "a", "b", "c"), store.Not(store.Eq("from", "b"))), Limit: 1}
	wantIDs(t, walk(t, s, q), "e_1", "e_4")
}

func normal(t *testing.T, s store.Store) {
	t.Helper()
	const composed, decomposed = "caf\u00e9", "cafe\u0301"
	doc := []byte(`{"name":"` + decomposed + `"}`)
	apply(t, s, store.Write{Record: store.Record{Kind: principal, ID: "prn_1", Doc: doc, Keys: keys("name", decomposed, "domain", model.ID("dom_1"))}})
	for _, name := range []string{composed, decomposed} {
		wantIDs(t, walk(t, s, store.Query{Kind: principal, Index: "by_name", Where: store.Eq("name", name)}), "prn_1")
	}
	wantIDs(t, walk(t, s, store.Query{Kind: principal, Index: "by_domain", Where: store.Eq("domain", model.ID("dom_1"))}), "prn_1")
	_ = refused(t, s, model.KindConflict, create(principal, "prn_2", keys("name", composed)))
	if got := plain(t, get(t, s, principal, "prn_1")[0].Doc).(map[string]any)["name"]; got != decomposed {
		t.Errorf("the document says %q: what people wrote must not change", got)
	}
	apply(t, s, create(principal, "prn_3", keys("name", "broken\xff")))
	wantIDs(t, walk(t, s, store.Query{Kind: principal, Index: "by_name", Where: store.Eq("name", "broken\uFFFD")}), "prn_3")
	apply(t, s, create(principal, "prn_4", keys("name", "nul\x00byte")))
	wantIDs(t, walk(t, s, store.Query{Kind: principal, Index: "by_name", Where: store.Eq("name", "nul\x00byte")}), "prn_4")
}

func emptyStrings(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(principal, "prn_1", keys("name", "")), create(principal, "prn_2", keys("name", "")))
	wantIDs(t, walk(t, s, store.Query{Kind: principal, Index: "by_name", Where: store.Eq("name", ""), Limit: 1}), "prn_1", "prn_2")
	wantIDs(t, walk(t, s, store.Query{Kind: principal, Index: "by_name", Where: store.Exists("name")}))
	e, err := s.Apply(t.Context(), store.Change{Action: "test.nothing"})
	if err != nil || e.Seq != 2 {
		t.Errorf("a change without writes: got event %+v and %v", e, err)
	}
}

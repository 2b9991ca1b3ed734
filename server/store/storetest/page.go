package storetest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var pageCases = []testCase{
	{"page/every size in both directions", pageSizes},
	{"page/stands while records come and go", pageStability},
	{"page/any cursor goes on behind its record", pageCursors},
	{"page/a cursor of another query", foreignCursors},
	{"page/no cursor at all", garbageCursors},
	{"page/a forged cursor stays in its query", forgedCursors},
	{"page/limits", pageLimits},
	{"page/all", pageAll},
}

// town writes n assets, many of which share a name and some of which have none.
func town(t *testing.T, s store.Store, n int) []string {
	t.Helper()
	type named struct{ name, id string }
	rows := make([]named, n)
	writes := make([]store.Write, n)
	for i := range rows {
		rows[i] = named{id: fmt.Sprintf("ast_%04d", (i*7919)%10007)}
		if i%5 > 0 {
			rows[i].name = fmt.Sprintf("name_%d", i%13)
		}
		writes[i] = create(asset, rows[i].id, keys("name", rows[i].name, "kind", "TABLE", "platform", strconv.Itoa(i%2)))
	}
	apply(t, s, writes...)
	slices.SortFunc(rows, func(a, b named) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id)) })
	order := make([]string, n)
	for i, r := range rows {
		order[i] = r.id
	}
	return order
}

func pageSizes(t *testing.T, s store.Store) {
	t.Helper()
	order := town(t, s, 120)
	for _, limit := range []int{1, 7, 50, 119, 120, 121, 1000} {
		q := store.Query{Kind: asset, Index: "by_name", Limit: limit}
		wantIDs(t, walk(t, s, q), order...)
		q.Desc = true
		wantIDs(t, walk(t, s, q), reversed(order)...)
		q.Index, q.Where = "by_kind", store.And(store.Eq("kind", "TABLE"), store.In("platform", "0", "1"))
		wantIDs(t, walk(t, s, q), reversed(order)...)
	}
}

func pageStability(t *testing.T, s store.Store) {
	t.Helper()
	for _, n := range []string{"b", "d", "f", "h"} {
		apply(t, s, create(asset, "ast_"+n, keys("name", n)))
	}
	q := store.Query{Kind: asset, Index: "by_name", Limit: 2}
	first := find(t, s, q)
	wantIDs(t, ids(first.Records), "ast_b", "ast_d")
	apply(t, s,
		create(asset, "ast_a", keys("name", "a")), create(asset, "ast_c", keys("name", "c")), create(asset, "ast_e", keys("name", "e")),
		remove(asset, "ast_d", 1), remove(asset, "ast_f", 1))
	q.After = first.Cursors[1] // of a record that is gone
	wantIDs(t, walk(t, s, q), "ast_e", "ast_h")
	q = store.Query{Kind: asset, Index: "by_name", Limit: 2}
	wantIDs(t, walk(t, s, q), "ast_a", "ast_b", "ast_c", "ast_e", "ast_h")
}

func pageCursors(t *testing.T, s store.Store) {
	t.Helper()
	order := town(t, s, 40)
	q := store.Query{Kind: asset, Index: "by_name"}
	page := find(t, s, q)
	for i, c := range page.Cursors {
		q.After, q.Limit = c, i+1 // the size of a page is not the query's
		wantIDs(t, walk(t, s, q), order[i+1:]...)
	}
}

func foreignCursors(t *testing.T, s store.Store) {
	t.Helper()
	town(t, s, 10)
	base := store.Query{Kind: asset, Index: "by_kind", Where: store.Eq("kind", "TABLE"), Limit: 3}
	cursor := find(t, s, base).Cursors[2]
	for name, alter := range map[string]func(*store.Query){
		"other value":  func(q *store.Query) { q.Where = store.Eq("kind", "VIEW") },
		"more filters": func(q *store.Query) { q.Where = store.And(q.Where, store.Exists("name")) },
		"other order":  func(q *store.Query) { q.Desc = true },
		"other index":  func(q *store.Query) { q.Index, q.Where = "by_name", store.Filter{} },
		"other kind": func(q *store.Query) {
			q.Kind, q.Index, q.Where = run, "by_status", store.Eq("status", "TABLE")
		},
	} {
		q := base
		q.After = cursor
		alter(&q)
		_, err := s.Find(t.Context(), q)
		if !model.Is(err, model.KindBadCursor) {
			t.Errorf("%s: got %v, want a bad cursor", name, err)
			continue
		}
		wantWords(t, err, "another list", "first page")
	}
}

func garbageCursors(t *testing.T, s store.Store) {
	t.Helper()
	town(t, s, 10)
	q := store.Query{Kind: asset, Index: "by_name", Limit: 3}
	good := string(find(t, s, q).Cursors[2])
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, c := range []string{
		"x", "?", " ", good[:len(good)-4], good + "AAAA", good + "=", text("{}"), text("[]"), text("null"), text(`{"q":1,"k":[],"i":"a"}`),
		text(`{"q":1,"k":[{}],"i":"a"}`), text(`{"q":1,"k":[1.5],"i":"a"}`), text(`{"q":-1}`), text("\x00\xff"), "\xff",
	} {
		q.After = store.Cursor(c)
		_, err := s.Find(t.Context(), q)
		if !model.Is(err, model.KindBadCursor) {
			t.Errorf("cursor %q: got %v, want a bad cursor", c, err)
		}
	}
}

// forgedCursors moves the key of a good cursor out of the query's bounds.
func forgedCursors(t *testing.T, s store.Store) {
	t.Helper()
	for _, n := range []string{"", "a", "b", "c", "d", "e"} {
		apply(t, s, create(asset, "ast_"+n, keys("name", n)))
	}
	inside := []string{"ast_b", "ast_c", "ast_d"}
	for _, c := range []struct {
		key      string // as JSON
		up, down []string
	}{
		{"null", inside, nil}, {`"a"`, inside, nil}, {`"e"`, nil, reversed(inside)}, {`"\uffff"`, nil, reversed(inside)}, {"-7", inside, nil},
	} {
		for desc, want := range map[bool][]string{false: c.up, true: c.down} {
			q := store.Query{Kind: asset, Index: "by_name", Where: store.Between("name", "b", "e"), Desc: desc, Limit: 1}
			good, err := base64.RawURLEncoding.DecodeString(string(find(t, s, q).Cursors[0]))
			if err != nil {
				t.Fatal(err)
			}
			own := regexp.MustCompile(`"k":\[[^]]*\]`)
			forged := own.ReplaceAllLiteral(good, []byte(`"k":[`+c.key+`]`))
			q.After = store.Cursor(base64.RawURLEncoding.EncodeToString(forged))
			wantIDs(t, walk(t, s, q), want...)
		}
	}
	q := store.Query{Kind: asset, Index: "by_name", Where: store.Exists("name"), Limit: 2, Desc: true}
	good, err := base64.RawURLEncoding.DecodeString(string(find(t, s, q).Cursors[0]))
	if err != nil {
		t.Fatal(err)
	}
	q.After = store.Cursor(base64.RawURLEncoding.EncodeToString(bytes.Replace(good, []byte(`"e"`), []byte("null"), 1)))
	wantIDs(t, walk(t, s, q))
	apply(t, s, create(asset, "ast_z", nil)) // null, and its id is behind the forged one
	q.Desc, q.After = false, ""
	good, err = base64.RawURLEncoding.DecodeString(string(find(t, s, q).Cursors[0]))
	if err != nil {
		t.Fatal(err)
	}
	q.After = store.Cursor(base64.RawURLEncoding.EncodeToString(bytes.Replace(good, []byte(`"a"`), []byte("null"), 1)))
	wantIDs(t, walk(t, s, q), "ast_a", "ast_b", "ast_c", "ast_d", "ast_e")
}

func pageLimits(t *testing.T, s store.Store) {
	t.Helper()
	town(t, s, 60)
	q := store.Query{Kind: asset, Index: "by_name"}
	if page := find(t, s, q); len(page.Records) != store.DefaultPage || !page.More {
		t.Errorf("limit 0 gives %d records, more %v", len(page.Records), page.More)
	}
	for limit, more := range map[int]bool{59: true, 60: false, store.MaxPage: false} {
		q.Limit = limit
		if page := find(t, s, q); page.More != more {
			t.Errorf("limit %d of 60: more is %v", limit, page.More)
		}
	}
	for _, limit := range []int{-1, store.MaxPage + 1} {
		q.Limit = limit
		_, err := s.Find(t.Context(), q)
		wantKind(t, err, model.KindInternal)
		wantWords(t, err, "asset", "by_name", strconv.Itoa(store.MaxPage))
	}
}

func pageAll(t *testing.T, s store.Store) {
	t.Helper()
	for i := range 5 {
		d := model.Domain{Meta: model.Meta{ID: model.ID(fmt.Sprintf("dom_%d", i))}, Name: model.Slug(fmt.Sprintf("domain_%d", 9-i))}
		apply(t, s, store.Domains.Put(d))
	}
	var got []string
	for d, err := range store.Domains.All(t.Context(), s, store.Query{Index: "by_name", Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(d.ID))
	}
	wantIDs(t, got, "dom_4", "dom_3", "dom_2", "dom_1", "dom_0")
}

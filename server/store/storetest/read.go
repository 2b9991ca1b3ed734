package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var readCases = []testCase{
	{"get/in the order of the ids", getOrder},
	{"get/of nothing", getNothing},
	{"get/revisions alone", revisionsOf},
	{"get/size", sizeOf},
	{"get/typed", getTyped},
	{"revisions", revisions},
	{"all but some", allButSome},
	{"documents/come back as they were", documents},
	{"documents/large", largeDocuments},
	{"closed store", closedStore},
	{"ended context", endedContext},
}

func getOrder(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", nil), create(asset, "ast_2", nil), create(asset, "ast_3", nil))
	wantIDs(t, ids(get(t, s, asset, "ast_3", "ast_none", "ast_1", "ast_3")), "ast_3", "ast_1", "ast_3")
	for _, r := range get(t, s, asset, "ast_1") {
		if r.Kind != asset || r.Revision != 1 {
			t.Errorf("got kind %q at revision %d, want asset at 1", r.Kind, r.Revision)
		}
	}
	if other := get(t, s, principal, "ast_1"); len(other) != 0 {
		t.Errorf("another kind has the record: %v", other)
	}
}

func getNothing(t *testing.T, s store.Store) {
	t.Helper()
	if got := get(t, s, asset); len(got) != 0 {
		t.Errorf("got %v of no ids", got)
	}
	_, err := s.Get(t.Context(), "bazaar", "x")
	wantKind(t, err, model.KindInternal)
	wantWords(t, err, "bazaar")
	_, err = store.Assets.Get(t.Context(), s, "ast_none")
	wantKind(t, err, model.KindNotFound)
}

func revisionsOf(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", nil), create(asset, "ast_2", nil))
	apply(t, s, store.Write{Record: store.Record{Kind: asset, ID: "ast_2", Revision: 1, Doc: []byte(`{"id":"ast_2"}`)}})
	got, err := s.Revisions(t.Context(), asset, "ast_2", "ast_none", "ast_1", "ast_2")
	if diff := cmp.Diff(map[model.ID]model.Revision{"ast_1": 1, "ast_2": 2}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got, err = s.Revisions(t.Context(), asset); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v of no ids", got, err)
	}
	_, err = s.Revisions(t.Context(), "bazaar", "x")
	wantKind(t, err, model.KindInternal)
}

func sizeOf(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", nil), create(asset, "ast_2", nil))
	if got, err := s.Size(t.Context(), asset); got != 2 || err != nil {
		t.Errorf("got %d, %v, want 2", got, err)
	}
	_, err := s.Size(t.Context(), "bazaar")
	wantKind(t, err, model.KindInternal)
}

// allButSome walks an index of many values and one of single ones.
func allButSome(t *testing.T, s store.Store) {
	t.Helper()
	var writes []store.Write
	for i := range 7 {
		id := model.ID(fmt.Sprint("ast_", i))
		writes = append(writes, store.Assets.Put(model.Asset{
			Meta: model.Meta{ID: id}, Namespace: "file", Name: string(id), Status: model.AssetActive, Sightings: []model.Sighting{{SourceID: "src_1", Scope: "shop"}},
		}))
	}
	apply(t, s, writes...)
	for _, q := range []store.Query{
		{Index: "by_scope", Where: store.Eq("scope", store.ScopeKey("src_1", "shop")), Limit: 2},
		{Index: "by_status", Where: store.Eq("status", string(model.AssetActive)), Limit: 2},
	} {
		var asked, got []string
		for a, err := range store.Assets.AllBut(t.Context(), s, q, func(id model.ID) bool { asked = append(asked, string(id)); return id != "ast_3" && id != "ast_4" }) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, a.Name)
		}
		if len(asked) != 7 || strings.Join(got, " ") != "ast_3 ast_4" {
			t.Errorf("%s: asked of %v, got %v", q.Index, asked, got)
		}
	}
}

func getTyped(t *testing.T, s store.Store) {
	t.Helper()
	rows := int64(1) << 60
	a := model.Asset{
		Meta: model.Meta{ID: "ast_1"}, Namespace: "postgres://db:5432", Name: "shop.public.orders", Kind: model.KindTable, Rows: &rows,
		Tags: []string{"a", ""}, Properties: map[string]string{"with.dot": "1", "$dollar": "2", "": "3"}, Sightings: []model.Sighting{{SourceID: "src_1", Scope: "shop"}},
	}
	apply(t, s, store.Assets.Put(a))
	got, err := store.Assets.Get(t.Context(), s, "ast_1")
	if err != nil {
		t.Fatal(err)
	}
	if got.Revision != 1 || got.CreatedAt.IsZero() || got.UpdatedAt.IsZero() {
		t.Errorf("the store filled in %+v", got.Meta)
	}
	a.Meta = got.Meta
	if diff := cmp.Diff(a, got); diff != "" {
		t.Errorf("asset (-want +got):\n%s", diff)
	}
}

func documents(t *testing.T, s store.Store) {
	t.Helper()
	for i, doc := range []string{
		`{}`, `{"":""}`, `{"a":null,"b":[],"c":{},"d":[{}]}`, `{"n":9007199254740993,"m":-9223372036854775808,"f":1.5,"z":0}`,
		`{"a.b":1,"$c":2,"d":{"$oid":"x"},"_id":"y","id":"z"}`, `{"t":"2026-01-02T03:04:05.678Z","e":"e\u0301","n":"nul\u0000byte","q":"'\";--"}`,
		`{"deep":[[[[[[[[[[1]]]]]]]]]]}`, `{"b":true,"c":false,"list":[1,"a",null,true]}`,
	} {
		id := fmt.Sprintf("ast_%d", i)
		apply(t, s, store.Write{Record: store.Record{Kind: asset, ID: model.ID(id), Doc: []byte(doc)}})
		got := get(t, s, asset, model.ID(id))
		if diff := cmp.Diff(plain(t, []byte(doc)), plain(t, got[0].Doc)); diff != "" {
			t.Errorf("document %s (-want +got):\n%s", doc, diff)
		}
	}
}

// plain reads a document without losing digits.
func plain(t *testing.T, doc []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %.100s: %v", doc, err)
	}
	return v
}

func largeDocuments(t *testing.T, s store.Store) {
	t.Helper()
	big, long := strings.Repeat("ü", 1<<19), strings.Repeat("n", 100_000)
	doc, _ := json.Marshal(map[string]string{"text": big}) // plain data
	apply(t, s, store.Write{Record: store.Record{Kind: asset, ID: "ast_big", Doc: doc, Keys: keys("name", long)}})
	page := find(t, s, store.Query{Kind: asset, Index: "by_name", Where: store.Eq("name", long)})
	if len(page.Records) != 1 || !bytes.Contains(page.Records[0].Doc, []byte(big)) {
		t.Errorf("got %d records, want the large one whole", len(page.Records))
	}
	none := find(t, s, store.Query{Kind: asset, Index: "by_name", Where: store.Eq("name", strings.Repeat("x", 1<<20)), After: ""})
	wantIDs(t, ids(none.Records))
	apply(t, s, create(asset, "ast_next", keys("name", long+"o")))
	wantIDs(t, walk(t, s, store.Query{Kind: asset, Index: "by_name", Limit: 1}), "ast_big", "ast_next")
}

func closedStore(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", nil))
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	_, err := s.Get(t.Context(), asset, "ast_1")
	wantKind(t, err, model.KindUnavailable)
	_, err = s.Find(t.Context(), store.Query{Kind: asset, Index: "by_name"})
	wantKind(t, err, model.KindUnavailable)
	_ = refused(t, s, model.KindUnavailable, create(asset, "ast_2", nil))
	for _, err := range s.Events(t.Context(), 0) {
		wantKind(t, err, model.KindUnavailable)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

var writeCases = []testCase{
	{"write/revisions", revisions},
	{"write/delete", deletes},
	{"write/unique", unique},
	{"write/unique over two paths", uniquePair},
	{"write/null is free", uniqueNull},
	{"write/whole or not at all", whole},
	{"write/many at once", bulk},
	{"write/the answer is the caller's", answers},
}

func revisions(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", keys("name", "a")))
	apply(t, s, update(asset, "ast_1", 1, keys("name", "b")))
	wantRevision(t, s, asset, "ast_1", 2)
	err := refused(t, s, model.KindConflict, update(asset, "ast_1", 1, keys("name", "c")))
	wantWords(t, err, "expectedVersion", "asset", "ast_1", "read it again")
	wantCode(t, err, model.CodeStale)
	err = refused(t, s, model.KindConflict, create(asset, "ast_1", nil))
	wantWords(t, err, "asset", "ast_1", "exists already")
	wantCode(t, err, model.CodeExists)
	err = refused(t, s, model.KindConflict, update(asset, "ast_none", 1, nil))
	wantWords(t, err, "asset", "ast_none", "gone")
	wantCode(t, err, model.CodeStale)
	_ = refused(t, s, model.KindConflict, update(asset, "ast_1", 3, nil))
	wantRevision(t, s, asset, "ast_1", 2)
	wantIDs(t, walk(t, s, store.Query{Kind: asset, Index: "by_name", Where: store.Eq("name", "b")}), "ast_1")
	wantIDs(t, walk(t, s, store.Query{Kind: asset, Index: "by_name", Where: store.Eq("name", "a")}))
	if got := plain(t, get(t, s, asset, "ast_1")[0].Doc).(map[string]any)["was"]; fmt.Sprint(got) != "1" {
		t.Errorf("the document is of the write over revision %v, want 1", got)
	}
}

func deletes(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", keys("name", "a")))
	_ = refused(t, s, model.KindConflict, remove(asset, "ast_1", 2))
	_ = refused(t, s, model.KindConflict, remove(asset, "ast_none", 1))
	e := apply(t, s, remove(asset, "ast_1", 1))
	if len(e.Touched) != 1 || !e.Touched[0].Deleted {
		t.Errorf("the event touched %+v", e.Touched)
	}
	wantRevision(t, s, asset, "ast_1", 0)
	wantIDs(t, walk(t, s, store.Query{Kind: asset, Index: "by_name"}))
	_ = refused(t, s, model.KindConflict, remove(asset, "ast_1", 1))
	apply(t, s, create(asset, "ast_1", keys("name", "b")))
	wantRevision(t, s, asset, "ast_1", 1)
}

func unique(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(principal, "prn_1", keys("name", "ada")), create(principal, "prn_2", keys("name", "bob")))
	err := refused(t, s, model.KindConflict, create(principal, "prn_3", keys("name", "ada")))
	wantWords(t, err, "name", "another principal")
	wantCode(t, err, model.CodeExists)
	_ = refused(t, s, model.KindConflict, update(principal, "prn_2", 1, keys("name", "ada")))
	_ = refused(t, s, model.KindConflict, create(principal, "prn_3", keys("name", "cid")), create(principal, "prn_4", keys("name", "cid")))
	_ = refused(t, s, model.KindConflict, create(principal, "prn_3", keys("name", "ada")), remove(principal, "prn_1", 1))
	wantRevision(t, s, principal, "prn_3", 0)
	apply(t, s, update(principal, "prn_1", 1, keys("name", "ada")))                                                  // its own
	apply(t, s, remove(principal, "prn_1", 2), create(principal, "prn_3", keys("name", "ada")))                      // freed before
	apply(t, s, update(principal, "prn_2", 1, keys("name", "bea")), create(principal, "prn_5", keys("name", "bob"))) // renamed before
	apply(t, s, create(principal, "prn_6", keys("name", "Ada")))                                                     // letters differ
	wantIDs(t, walk(t, s, store.Query{Kind: principal, Index: "by_name"}), "prn_6", "prn_3", "prn_2", "prn_5")
}

func uniquePair(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(product, "dpr_1", keys("domain", "dom_1", "name", "orders")), create(product, "dpr_2", keys("domain", "dom_2", "name", "orders")))
	err := refused(t, s, model.KindConflict, create(product, "dpr_3", keys("domain", "dom_1", "name", "orders")))
	wantWords(t, err, "data product", "domain and name")
	if e := err.(*model.Error); e.Field != "name" { //nolint:errorlint // the error is made here, not wrapped
		t.Errorf("the conflict is at field %q, want name", e.Field)
	}
	apply(t, s, create(product, "dpr_3", keys("domain", "dom_1", "name", "returns")))
	_ = refused(t, s, model.KindConflict, update(product, "dpr_3", 1, keys("domain", "dom_2", "name", "orders")))
}

func uniqueNull(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(product, "dpr_1", keys("domain", "dom_1")), create(product, "dpr_2", keys("domain", "dom_1")), create(product, "dpr_3", nil), create(product, "dpr_4", nil),
		create(product, "dpr_5", keys("name", "n")), create(product, "dpr_6", keys("name", "n")))
	wantIDs(t, walk(t, s, store.Query{Kind: product, Index: "by_domain", Limit: 1}), "dpr_3", "dpr_4", "dpr_5", "dpr_6", "dpr_1", "dpr_2")
	apply(t, s, update(product, "dpr_1", 1, keys("domain", "dom_1", "name", "x")))
	_ = refused(t, s, model.KindConflict, update(product, "dpr_2", 1, keys("domain", "dom_1", "name", "x")))
}

func whole(t *testing.T, s store.Store) {
	t.Helper()
	apply(t, s, create(asset, "ast_1", keys("name", "a", "scope", "x")), create(asset, "ast_2", nil), create(principal, "prn_1", keys("name", "ada")))
	before := lastSeq(t, s)
	good := []store.Write{
		update(asset, "ast_1", 1, keys("name", "b", "scope", "y")), remove(asset, "ast_2", 1), create(asset, "ast_3", keys("name", "c", "scope", "x")),
	}
	for name, bad := range map[string]store.Write{
		"stale": update(principal, "prn_1", 7, nil), "taken": create(principal, "prn_2", keys("name", "ada")), "exists": create(principal, "prn_1", nil),
	} {
		_ = refused(t, s, model.KindConflict, append(slices.Clip(good), bad)...)
		if after := lastSeq(t, s); after != before {
			t.Errorf("%s: a refused change left an event", name)
		}
		wantRevision(t, s, asset, "ast_1", 1)
		wantRevision(t, s, asset, "ast_2", 1)
		wantRevision(t, s, asset, "ast_3", 0)
		wantIDs(t, walk(t, s, store.Query{Kind: asset, Index: "by_scope", Where: store.Eq("scope", "x")}), "ast_1")
		wantIDs(t, walk(t, s, store.Query{Kind: asset, Index: "by_name", Where: store.Exists("name")}), "ast_1")
	}
	if e := apply(t, s, good...); e.Seq != before+1 {
		t.Errorf("the next event is number %d, want %d", e.Seq, before+1)
	}
}

func bulk(t *testing.T, s store.Store) {
	t.Helper()
	order := town(t, s, 1500)
	wantIDs(t, walk(t, s, store.Query{Kind: asset, Index: "by_name", Limit: 1000}), order...)
	e, err := store.Events.First(t.Context(), s, store.Query{Index: "by_seq"})
	if err != nil || len(e.Touched) != 1500 {
		t.Errorf("the event touched %d records (%v)", len(e.Touched), err)
	}
}

// answers are what the change has stored, and stay so when somebody else writes next.
func answers(t *testing.T, s store.Store) {
	t.Helper()
	ada := model.Principal{Meta: model.Meta{ID: "prn_1"}, Name: "ada", Roles: []model.Role{model.RoleAdmin}}
	put := func(s store.Store) model.Principal {
		t.Helper()
		got, err := store.Principals.Apply(t.Context(), s, store.Change{Action: "test.put", Subject: ada.ID, Writes: []store.Write{store.Principals.Put(ada)}})
		if err != nil {
			t.Fatalf("put: %v", err)
		}
		return got
	}
	got := put(s)
	stored, err := store.Principals.Get(t.Context(), s, ada.ID)
	if diff := cmp.Diff(stored, got); err != nil || diff != "" {
		t.Errorf("the answer is not what is stored (-stored +answer): %s, %v", diff, err)
	}
	ada = got
	if ada = put(Rival{s}); ada.Revision != 2 || ada.UpdatedAt.Before(got.UpdatedAt) {
		t.Errorf("the answer has revision %d of %v, want 2", ada.Revision, ada.UpdatedAt)
	}
	_, err = store.Principals.Apply(t.Context(), s, store.Change{Action: "test.put", Subject: ada.ID, Writes: []store.Write{store.Principals.Put(ada)}})
	wantKind(t, err, model.KindConflict)
	_, err = store.Principals.Apply(t.Context(), s, store.Change{Action: "test.put", Subject: "prn_2"})
	wantKind(t, err, model.KindInternal)
}

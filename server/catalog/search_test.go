package catalog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// found searches one hit a page and gives the names of the hits.
func (w *world) found(t *testing.T, as, text string, f catalog.SearchFilter) []string {
	t.Helper()
	var names []string
	for _, h := range pageThrough(t, func(p model.Paging) (model.Page[catalog.Hit], error) {
		page, err := w.catalog.Search(w.as(as), text, f, p)
		return page.Page, err
	}) {
		names = append(names, w.nameOf(h))
	}
	return names
}

func (w *world) nameOf(h catalog.Hit) string {
	w.Helper()
	switch h.Kind {
	case catalog.HitAsset:
		a, err := store.Assets.Get(w.Context(), w.store, h.ID)
		if err != nil {
			w.Fatal(err)
		}
		return a.Name
	default:
		return string(h.Kind) + " " + string(h.ID)
	}
}

func TestSearchRanks(t *testing.T) {
	w := newWorld(t)
	describe := func(name, description, field string, tags ...string) catalog.Seen {
		s := table(server, name)
		s.Sighting.Description, s.Sighting.Tags = description, tags
		s.Sighting.Fields = append(s.Sighting.Fields, model.AssetField{Name: field, Position: 2})
		return s
	}
	w.shows(source("db", sales),
		describe("shop.public.orders", "", "x"),
		describe("shop.public.orders_archive", "", "x"),
		describe("shop.public.customer_orders", "", "x"),
		describe("shop.public.tagged", "", "x", "orders"),
		describe("shop.public.report", "Counts the orders of a day.", "x"),
		describe("shop.public.items", "", "OrdersID"),
		describe("shop.public.unrelated", "", "x"),
	)
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"orders", []string{"shop.public.orders", "shop.public.orders_archive", "shop.public.customer_orders", "shop.public.tagged", "shop.public.report", "shop.public.items"}},
		{"ORDERS", []string{"shop.public.orders", "shop.public.orders_archive", "shop.public.customer_orders", "shop.public.tagged", "shop.public.report", "shop.public.items"}},
		{"orders arch", []string{"shop.public.orders_archive"}},
		{"customerOrders", []string{"shop.public.customer_orders"}},
		{"cust", []string{"shop.public.customer_orders"}},
		{"shop.public.orders", []string{"shop.public.orders", "shop.public.orders_archive", "shop.public.customer_orders", "shop.public.tagged", "shop.public.report", "shop.public.items"}},
		{"ordersid", []string{"shop.public.items"}},
		{"order day", nil},
		{"counts day", []string{"shop.public.report"}},
		{"!!!", nil},
		{"nothing of the kind", nil},
	} {
		if diff := cmp.Diff(tc.want, w.found(t, "ana", tc.text, catalog.SearchFilter{Kinds: []catalog.SearchKind{catalog.HitAsset}})); diff != "" {
			t.Errorf("%q: %s", tc.text, diff)
		}
	}
}

func TestSearchFilters(t *testing.T) {
	w := newWorld(t)
	w.stock()
	for _, tc := range []struct {
		name, as, text string
		filter         catalog.SearchFilter
		want           []string
	}{
		{"all kinds", "root", "customers", catalog.SearchFilter{}, []string{"DATA_PRODUCT dpr_customers", "shop.public.customers"}},
		{"products", "root", "customers", catalog.SearchFilter{Kinds: []catalog.SearchKind{catalog.HitProduct}}, []string{"DATA_PRODUCT dpr_customers"}},
		{"domains", "bo", "sales", catalog.SearchFilter{}, []string{"DOMAIN dom_sales"}},
		{"of a domain", "root", "c", catalog.SearchFilter{DomainID: marketing}, []string{"Clicks"}},
		{"hidden from Bo", "bo", "orders", catalog.SearchFilter{Kinds: []catalog.SearchKind{catalog.HitAsset}}, nil},
		{"not from Ana", "ana", "orders", catalog.SearchFilter{Kinds: []catalog.SearchKind{catalog.HitAsset}}, []string{"shop.public.orders"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, w.found(t, tc.as, tc.text, tc.filter)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSearchRefuses(t *testing.T) {
	w, p := newWorld(t), model.Paging{First: 10}
	for name, search := range map[string]func() error{
		"nothing": func() error {
			_, err := w.catalog.Search(w.as("ana"), " ", catalog.SearchFilter{}, p)
			return err
		},
		"a megabyte": func() error {
			_, err := w.catalog.Search(w.as("ana"), strings.Repeat("x", 1<<20), catalog.SearchFilter{}, p)
			return err
		},
		"an unknown kind": func() error {
			_, err := w.catalog.Search(w.as("ana"), "x", catalog.SearchFilter{Kinds: []catalog.SearchKind{"TEAM"}}, p)
			return err
		},
	} {
		if err := search(); !model.Is(err, model.KindInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := w.catalog.Search(t.Context(), "x", catalog.SearchFilter{}, p); !model.Is(err, model.KindUnauthenticated) {
		t.Errorf("nobody: got %v", err)
	}
}

// TestSearchIsFresh finds every change at once, with and without the
// background upkeep.
func TestSearchIsFresh(t *testing.T) {
	for _, background := range []bool{false, true} {
		t.Run(fmt.Sprintf("background %v", background), func(t *testing.T) {
			w := newWorld(t)
			if background {
				ctx, cancel := context.WithCancel(w.as("root"))
				done := make(chan struct{})
				go func() { defer close(done); w.catalog.Run(ctx) }()
				defer func() { cancel(); <-done }()
			}
			db := source("db", sales)
			for i := range 20 {
				name := fmt.Sprintf("s.p.t%02d", i)
				w.shows(db, table(server, name))
				if got := w.found(t, "ana", fmt.Sprintf("t%02d", i), catalog.SearchFilter{}); len(got) != 1 || got[0] != name {
					t.Fatalf("after it was shown: got %v, want %s", got, name)
				}
			}
			changed := table(server, "s.p.t00")
			changed.Sighting.Description = "renovated"
			w.shows(db, changed)
			if got := w.found(t, "ana", "renovated", catalog.SearchFilter{}); len(got) != 1 {
				t.Errorf("after a change: got %v", got)
			}
			changed.Sighting.Description = ""
			w.shows(db, changed)
			if got := w.found(t, "ana", "renovated", catalog.SearchFilter{}); len(got) != 0 {
				t.Errorf("after the word was taken back: got %v", got)
			}
			d, err := store.Domains.Get(t.Context(), w.store, marketing)
			if err != nil {
				t.Fatal(err)
			}
			w.apply(store.Domains.Delete(d))
			if got := w.found(t, "ana", "marketing", catalog.SearchFilter{}); len(got) != 0 {
				t.Errorf("after a deletion: got %v", got)
			}
		})
	}
}

// TestSearchTellsNothingOfHiddenThings: the pages of a viewer are those of a
// world in which the hidden things do not exist.
func TestSearchTellsNothingOfHiddenThings(t *testing.T) {
	with, without := newWorld(t), newWorld(t)
	for i := range 300 {
		s := table(server, fmt.Sprintf("shop.public.thing%03d", i))
		if i%10 == 0 {
			with.shows(source("open", marketing), s)
			without.shows(source("open", marketing), s)
		} else {
			with.shows(source("closed", sales), s)
		}
	}
	for _, first := range []int{1, 7, 29, 30, 31, 200} {
		var got, want []bool
		for _, w := range []*world{with, without} {
			p, list := model.Paging{First: first}, &got
			if w == without {
				list = &want
			}
			for {
				page, err := w.catalog.Search(w.as("bo"), "thing", catalog.SearchFilter{}, p)
				if err != nil {
					t.Fatal(err)
				}
				for range page.Nodes {
					*list = append(*list, page.More)
				}
				if !page.More {
					break
				}
				p.After = page.Cursors[len(page.Cursors)-1]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) != 30 {
			t.Errorf("pages of %d: %s", first, diff)
		}
	}
}

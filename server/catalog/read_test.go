package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/store"
)

// stock harvests one table of sales, which nobody else may see, one that a
// published product offers, and one of marketing.
func (w *world) stock() (hidden, offered, other model.ID) {
	w.Helper()
	r := w.observe(catalog.Observation{
		Source: source("shop", sales), Assets: []catalog.Seen{table(server, "shop.public.orders"), table(server, "shop.public.customers")},
		Quality: []catalog.SeenQuality{{Asset: catalog.Ref{Namespace: server, Name: "shop.public.orders"}, Rule: model.QualityRule{Scope: "s", Key: "k", Name: "unique_id"}}},
	})
	hidden, offered = r.IDs[catalog.Ref{Namespace: server, Name: "shop.public.orders"}], r.IDs[catalog.Ref{Namespace: server, Name: "shop.public.customers"}]
	s := table("sqlite://campaigns", "Clicks")
	other = w.shows(source("campaigns", marketing), s).IDs[s.Ref]
	w.apply(store.Products.Put(model.DataProduct{
		Meta: model.Meta{ID: "dpr_customers"}, Name: "customers", DomainID: sales, DisplayName: "Customers", Description: "Who buys.",
		Classification: model.Internal, Visibility: model.VisibleToAll, Status: model.Published,
		Ports: []model.Port{{Name: "out", Direction: model.OutputPort, AssetIDs: []model.ID{offered}}, {Name: "in", Direction: model.InputPort, AssetIDs: []model.ID{hidden}}},
	}))
	return hidden, offered, other
}

// TestHiddenIsAbsent compares every read of a hidden asset with that of an absent one.
func TestHiddenIsAbsent(t *testing.T) {
	w := newWorld(t)
	hidden, offered, other := w.stock()
	bo := w.as("bo")
	for name, read := range map[string]func(model.ID) error{
		"Asset":        func(id model.ID) error { _, err := w.catalog.Asset(bo, id); return err },
		"Aliases":      func(id model.ID) error { _, err := w.catalog.Aliases(bo, id); return err },
		"QualityRules": func(id model.ID) error { _, err := w.catalog.QualityRules(bo, id); return err },
	} {
		if err := read(offered); err != nil {
			t.Errorf("%s of an offered asset: %v", name, err)
		}
		unseen, absent := read(hidden), read("ast_absent")
		if !model.Is(unseen, model.KindNotFound) || strings.ReplaceAll(fmt.Sprint(unseen), string(hidden), "ast_absent") != fmt.Sprint(absent) {
			t.Errorf("%s: hidden says %q, absent says %q", name, unseen, absent)
		}
	}
	_, unseen := w.catalog.AssetByName(bo, server, "shop.public.orders")
	_, absent := w.catalog.AssetByName(bo, server, "shop.public.absent")
	if !model.Is(unseen, model.KindNotFound) || unseen.Error() != absent.Error() {
		t.Errorf("by name: hidden says %q, absent says %q", unseen, absent)
	}
	got, err := w.catalog.AssetsByID(bo, other, hidden, "ast_absent", offered)
	if err != nil || len(got) != 2 || got[0].ID != other || got[1].ID != offered {
		t.Errorf("by id: got %+v, %v; want the visible ones in the order asked for", got, err)
	}
	rules, err := w.catalog.QualityRulesByAsset(bo, hidden, offered)
	if _, told := rules[hidden]; err != nil || told || len(rules) != 1 {
		t.Errorf("rules: got %v, %v; want an entry for the visible asset only", rules, err)
	}
}

func TestAssetByName(t *testing.T) {
	w, ana := newWorld(t), "ana"
	w.shows(source("db", sales), table(server, "shop.public.Orders"), table(server, "shop.public.items"), table(server, "shop.public.Items"))
	w.shows(source("tool", sales), dbtSource(server, "shop.public.Orders"))
	for _, tc := range []struct{ namespace, name, want string }{
		{server, "shop.public.Orders", "shop.public.Orders"},
		{"postgresql://ana:pw@DB.acme.example/", "shop.public.Orders", "shop.public.Orders"},
		{server, "SHOP.public.orders", "shop.public.Orders"},
		{"shop", "source.shop.raw.orders", "shop.public.Orders"},
		{server, "shop.public.ITEMS", ""},
		{server, "shop.public.absent", ""},
		{"postgres://None", "shop.public.Orders", ""},
		{server, `{"password": "x"}`, ""},
	} {
		a, err := w.catalog.AssetByName(w.as(ana), tc.namespace, tc.name)
		if a.Name != tc.want || (err != nil) != (tc.want == "") || err != nil && !model.Is(err, model.KindNotFound) {
			t.Errorf("%s %s: got %q, %v; want %q", tc.namespace, tc.name, a.Name, err, tc.want)
		}
	}
	if _, err := w.catalog.AssetByName(w.as(ana), "", "x"); !model.Is(err, model.KindInvalid) {
		t.Errorf("without a namespace: got %v", err)
	}
}

func TestAssetsFilters(t *testing.T) {
	w := newWorld(t)
	_, _, _ = w.stock()
	view := table(server, "shop.public.report")
	view.Sighting.Kind = model.KindView
	record := table(server, "shop.public.visits")
	record.Sighting.Kind = "RECORD"
	visits := w.shows(source("shop2", sales), view, record).IDs[record.Ref]
	w.apply(store.Products.Put(model.DataProduct{
		Meta: model.Meta{ID: "dpr_visits"}, Name: "visits", DomainID: sales, Status: model.Published,
		Ports: []model.Port{{Name: "out", Direction: model.OutputPort, AssetIDs: []model.ID{visits}}},
	}))
	for _, tc := range []struct {
		name   string
		as     string
		filter catalog.AssetFilter
		want   []string
	}{
		{"all", "root", catalog.AssetFilter{}, []string{"Clicks", "shop.public.customers", "shop.public.orders", "shop.public.report", "shop.public.visits"}},
		{"what Bo may see", "bo", catalog.AssetFilter{}, []string{"Clicks", "shop.public.customers"}},
		{"domain", "root", catalog.AssetFilter{DomainID: marketing}, []string{"Clicks"}},
		{"kind", "root", catalog.AssetFilter{Kind: model.KindView}, []string{"shop.public.report"}},
		{"a kind without a word", "root", catalog.AssetFilter{Kind: model.KindOther}, []string{"shop.public.visits"}},
		{"a kind of its own", "root", catalog.AssetFilter{Kind: "RECORD"}, []string{"shop.public.visits"}},
		{"status", "root", catalog.AssetFilter{Status: model.AssetRetired}, nil},
		{"namespace in another spelling", "root", catalog.AssetFilter{Namespace: "postgresql://DB.acme.example"}, []string{"shop.public.customers", "shop.public.orders", "shop.public.report", "shop.public.visits"}},
		{"platform", "root", catalog.AssetFilter{Platform: "sqlite"}, []string{"Clicks"}},
		{"prefix", "root", catalog.AssetFilter{NamePrefix: "shop.public.c"}, []string{"shop.public.customers"}},
		{"several", "root", catalog.AssetFilter{DomainID: sales, Kind: model.KindTable, Status: model.AssetActive, Platform: "postgres", NamePrefix: "shop.public.o"}, []string{"shop.public.orders"}},
		{"product", "root", catalog.AssetFilter{ProductID: "dpr_customers"}, []string{"shop.public.customers", "shop.public.orders"}},
		{"product, for Bo", "bo", catalog.AssetFilter{ProductID: "dpr_customers"}, []string{"shop.public.customers"}},
		{"product and kind", "root", catalog.AssetFilter{ProductID: "dpr_visits", Kind: model.KindOther}, []string{"shop.public.visits"}},
		{"product and prefix", "root", catalog.AssetFilter{ProductID: "dpr_customers", NamePrefix: "shop.public.o"}, []string{"shop.public.orders"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, a := range pageThrough(t, func(p model.Paging) (model.Page[model.Asset], error) {
				return w.catalog.Assets(w.as(tc.as), tc.filter, p)
			}) {
				got = append(got, a.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// pageThrough reads a list one row a page.
func pageThrough[T any](t *testing.T, list func(model.Paging) (model.Page[T], error)) []T {
	t.Helper()
	var all []T
	p := model.Paging{First: 1}
	for {
		page, err := list(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Nodes...)
		if !page.More || len(page.Cursors) == 0 {
			return all
		}
		p.After = page.Cursors[len(page.Cursors)-1]
	}
}

func TestBadPages(t *testing.T) {
	w := newWorld(t)
	w.stock()
	bySearch, err := w.catalog.Search(w.as("root"), "shop", catalog.SearchFilter{}, model.Paging{First: 1})
	if err != nil || len(bySearch.Cursors) != 1 {
		t.Fatal(bySearch, err)
	}
	foreign := bySearch.Cursors[0]
	lists := map[string]func(model.Paging) error{
		"assets": func(p model.Paging) error {
			_, err := w.catalog.Assets(w.as("root"), catalog.AssetFilter{}, p)
			return err
		},
		"assets of a product": func(p model.Paging) error {
			_, err := w.catalog.Assets(w.as("root"), catalog.AssetFilter{ProductID: "dpr_customers"}, p)
			return err
		},
		"search": func(p model.Paging) error {
			_, err := w.catalog.Search(w.as("root"), "orders", catalog.SearchFilter{}, p)
			return err
		},
	}
	for name, list := range lists {
		for _, tc := range []struct {
			paging model.Paging
			want   model.ErrorKind
		}{
			{model.Paging{First: 0}, model.KindInvalid},
			{model.Paging{First: 100000}, model.KindInvalid},
			{model.Paging{First: 1, After: "nonsense"}, model.KindBadCursor},
			{model.Paging{First: 1, After: foreign}, model.KindBadCursor},
		} {
			if err := list(tc.paging); !model.Is(err, tc.want) {
				t.Errorf("%s %+v: got %v, want %s", name, tc.paging, err, tc.want)
			}
		}
	}
	if _, err := w.catalog.Assets(w.as("bo"), catalog.AssetFilter{ProductID: "dpr_absent"}, model.Paging{First: 1}); !model.Is(err, model.KindNotFound) {
		t.Errorf("absent product: got %v", err)
	}
}

func TestAliasesOfSeveral(t *testing.T) {
	w := newWorld(t)
	w.shows(source("db", sales), table(server, "s.p.a"), table(server, "s.p.b"))
	w.shows(source("tool", sales), dbtSource(server, "s.p.a"))
	assets := w.assets()
	byAsset, err := w.catalog.AliasesByAsset(w.as("ana"), assets[0].ID, assets[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range slices.Concat(byAsset[assets[0].ID], byAsset[assets[1].ID]) {
		got = append(got, string(a.Scheme)+" "+a.Name)
	}
	if diff := cmp.Diff([]string{"openlineage s.p.a", "dbt source.shop.raw.a", "openlineage s.p.b"}, got); diff != "" {
		t.Error(diff)
	}
}

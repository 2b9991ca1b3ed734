package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// old puts an asset as a program of before has left it.
func (w *world) old(namespace, name string, domain model.ID) {
	w.apply(store.Assets.Put(model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: namespace, Name: name, ShortName: name, DomainID: domain, Status: model.AssetActive,
		Sightings: []model.Sighting{{SourceID: "src_x", Scope: "s", Rank: model.RankHolder, DomainID: domain}},
	}))
}

func TestOwnershipAsItStoodBecomesTheFirstNamespaces(t *testing.T) {
	w := unowned(t)
	for name, domain := range map[string]model.ID{
		"shop.public.orders": sales, "shop.public.items": sales, "shop.hr.people": marketing, "shop.hr.pay": marketing,
		`shop."a.b".t`: sales, `shop."a.c".t`: marketing, "shop.mixed.one": sales, "shop.mixed.two": marketing, "shop.mixed.free": "",
	} {
		w.old(server, name, domain)
	}
	w.old("sqlite://hr", "people", marketing)
	w.old("sqlite://hr", "pay", marketing)
	w.old("s3://lake", "sales/x", sales)
	w.old("s3://lake", "hr/x", marketing)
	before := map[string]model.ID{}
	for _, a := range w.assets() {
		before[a.Namespace+" "+a.Name] = a.DomainID
	}
	list, err := w.catalog.AdoptOwners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range list {
		got = append(got, w.catalog.Describe(t.Context(), n))
	}
	want := []string{
		server + `/shop."a.b" = sales`, server + `/shop."a.c" = marketing`, server + "/shop.hr = marketing",
		server + "/shop.mixed.one = sales", server + "/shop.mixed.two = marketing", server + "/shop.public = sales",
		"s3://lake/hr = marketing", "s3://lake/sales = sales", "sqlite://hr = marketing",
	}
	if d := cmp.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, n := range list { // the owners are as they were, and stay so
		w.assign(n.Namespace, n.Prefix, n.DomainID)
	}
	for _, a := range w.assets() {
		if a.DomainID != before[a.Namespace+" "+a.Name] {
			t.Errorf("%s belongs to %q and belonged to %q", a.Name, a.DomainID, before[a.Namespace+" "+a.Name])
		}
	}
	if again, err := w.catalog.AdoptOwners(t.Context()); err != nil || again != nil {
		t.Errorf("the second time: %v %v", again, err)
	}
}

func TestANewStoreAdoptsNothing(t *testing.T) {
	w := unowned(t)
	if list, err := w.catalog.AdoptOwners(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("%v %v", list, err)
	}
	w.old(server, "shop.public.orders", sales)
	if list, err := w.catalog.AdoptOwners(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("after the first start: %v %v", list, err)
	}
}

package authzen_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestTheStrictestProductDecides over an asset that several offer, and so does
// one that offers it without the consent of its owner when there is no other.
func TestTheStrictestProductDecides(t *testing.T) {
	w := newWorld(t)
	table := w.hiddenTable()
	asks := strings.NewReplacer(`"data_product"`, `"asset"`, "sales/orders", "shop.public.salaries").Replace(anaReads)
	reads := func(want bool, code string) {
		t.Helper()
		got := w.post("gateway", "/access/v1/evaluation", asks, "X-Souk-Obligations", "understood")
		if *got.body.Decision != want || len(codes(got)) == 0 || codes(got)[0] != code {
			t.Errorf("got %s, want %v for %s", got.text, want, code)
		}
	}
	offer := func(name model.Slug, domain model.ID, c model.Classification) {
		t.Helper()
		p := model.DataProduct{
			Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: name, DomainID: domain, Classification: c, Visibility: model.VisibleToAll,
			Status: model.Published, Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{table}}},
		}
		_, err := w.Store.Apply(t.Context(), store.Change{Action: "test.offer", Subject: p.ID, Writes: []store.Write{store.Products.Put(p)}})
		must(t, err)
	}
	reads(true, "read.member") // a member of the domain that owns it
	offer("aaa", "dom_marketing", model.Public)
	reads(false, "product.unconsented")
	offer("open", w.orders.DomainID, model.Internal)
	reads(true, "read.member")
	offer("closed", w.orders.DomainID, model.Restricted)
	reads(false, "subject.clearance")
}

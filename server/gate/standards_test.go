package gate_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// mirror is a standard that answers back what it was told of a product, so
// that a test can look at it.
const mirror = `package souk.standards

import rego.v2

findings contains {"code": code, "severity": "warning", "message": message, "remedy": "None.", "field": port.name} if {
	some port in input.product.ports
	some asset in port.assets
	code := sprintf("%s.%s", [asset.name, asset.status])
	message := sprintf("%s, %d of %d fields, harvested %d h ago, %d rules, %d failing, %d h ago", [
		asset.domain, asset.fields_described, asset.field_count, asset.harvest_age_h,
		asset.quality.rules, asset.quality.failing, asset.quality.age_h,
	])
}

findings contains {"code": "owner", "severity": "error", "message": message, "remedy": "None."} if {
	message := sprintf("%s %v %s of %s", [
		input.product.owner, input.product.owner_suspended, input.product.owner_team, input.product.domain,
	])
}

findings contains {"code": field.name, "severity": "warning", "message": message, "remedy": "None."} if {
	field := input.asset.fields[0]
	message := sprintf("%s %s %v", [field.type, field.meta.classification, field.tags])
}

findings contains {"code": "domain", "severity": "warning", "message": message, "remedy": "None."} if {
	message := sprintf("%s below %q with %d stewards", [input.domain.name, input.domain.parent, input.domain.stewards])
}
`

func newStandardsWorld(t *testing.T) (*world, model.DataProduct) {
	t.Helper()
	w := newWorld(t)
	engine, err := policy.New(policy.Config{Files: fstest.MapFS{"standards/mirror.rego": {Data: []byte(mirror)}}, Known: servertest.Shipped(t)})
	if err != nil {
		t.Fatal(err)
	}
	w.Gate = gate.New(w.store, engine, func() time.Time { return now }, nil)
	boss := principal("prn_boss", "boss@sales")
	boss.Suspended = true
	team := model.Team{Meta: model.Meta{ID: "tea_shop"}, Name: "shop", DomainID: "dom_sales"}
	seen := func(source model.ID) []model.Sighting { return []model.Sighting{{SourceID: source}} }
	tables := []model.Asset{
		{
			Meta: model.Meta{ID: "ast_a"}, Name: "a", Status: model.AssetActive, DomainID: "dom_sales", Sightings: append(seen("src_good"), seen("src_bad")...),
			Fields: []model.AssetField{{Name: "id", NativeType: "INT", Description: "The key.", Tags: []string{"pii"}, Meta: map[string]string{"classification": "secret"}}, {Name: "sum"}},
		},
		{Meta: model.Meta{ID: "ast_b"}, Name: "b", Status: model.AssetRetired, Sightings: seen("src_bad")},
		{Meta: model.Meta{ID: "ast_c"}, Name: "c", Status: model.AssetActive, Sightings: seen("src_never")},
	}
	ended := func(hours int) *time.Time { at := now.Add(-time.Duration(hours) * time.Hour); return &at }
	orders := model.DataProduct{Meta: model.Meta{ID: "dpr_orders"}, Name: "orders", DomainID: "dom_sales", OwnerID: boss.ID, OwnerTeamID: team.ID, Ports: []model.Port{
		{Name: "out", Direction: model.OutputPort, AssetIDs: []model.ID{"ast_a", "ast_b"}},
		{Name: "in", Direction: model.InputPort, AssetIDs: []model.ID{"ast_c"}},
	}}
	failing := &model.QualityResult{Status: "fail", At: *ended(2)}
	w.put(
		store.Domains.Put(domain("sales", "prn_ana")), store.Principals.Put(boss), store.Teams.Put(team), store.Products.Put(orders),
		store.Assets.Put(tables[0]), store.Assets.Put(tables[1]), store.Assets.Put(tables[2]),
		store.Sources.Put(model.Source{Meta: model.Meta{ID: "src_good"}, Name: "good", LastRunID: "run_1"}),
		store.Sources.Put(model.Source{Meta: model.Meta{ID: "src_bad"}, Name: "bad", LastRunID: "run_3"}),
		store.Sources.Put(model.Source{Meta: model.Meta{ID: "src_never"}, Name: "never", LastRunID: "run_4"}),
		store.Runs.Put(model.Run{Meta: model.Meta{ID: "run_1"}, SourceID: "src_good", Status: model.RunSucceeded, EndedAt: ended(5)}),
		store.Runs.Put(model.Run{Meta: model.Meta{ID: "run_2"}, SourceID: "src_bad", Status: model.RunSucceeded, EndedAt: ended(50), StartedAt: *ended(51)}),
		store.Runs.Put(model.Run{Meta: model.Meta{ID: "run_3"}, SourceID: "src_bad", Status: model.RunFailed, EndedAt: ended(1), StartedAt: *ended(2)}),
		store.Runs.Put(model.Run{Meta: model.Meta{ID: "run_4"}, SourceID: "src_never", Status: model.RunFailed, EndedAt: ended(1)}),
		store.QualityRules.Put(model.QualityRule{Meta: model.Meta{ID: "qua_1"}, AssetID: "ast_a", SourceID: "src_good", Key: "1", Last: failing}),
		store.QualityRules.Put(model.QualityRule{Meta: model.Meta{ID: "qua_2"}, AssetID: "ast_a", SourceID: "src_good", Key: "2", Last: &model.QualityResult{Status: "pass", At: *ended(30)}}),
		store.QualityRules.Put(model.QualityRule{Meta: model.Meta{ID: "qua_3"}, AssetID: "ast_a", SourceID: "src_good", Key: "3"}),
	)
	return w, orders
}

func lines(found []model.Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.Code+" "+f.Field+": "+f.Message)
	}
	return all
}

// TestStandardsAreToldTheWholeStory assembles what standards know of each noun.
func TestStandardsAreToldTheWholeStory(t *testing.T) {
	w, orders := newStandardsWorld(t)
	found, err := w.Session().ProductFindings(t.Context(), []model.DataProduct{orders})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"owner : boss@sales true sales/shop of sales",
		"a.ACTIVE out: sales, 1 of 2 fields, harvested 5 h ago, 3 rules, 1 failing, 2 h ago",
		"b.RETIRED out: , 0 of 0 fields, harvested 50 h ago, 0 rules, 0 failing, -1 h ago",
		"c.ACTIVE in: , 0 of 0 fields, harvested -1 h ago, 0 rules, 0 failing, -1 h ago",
	}
	if diff := cmp.Diff(want, lines(found[orders.ID])); diff != "" {
		t.Error(diff)
	}
	a, err := store.Assets.Get(t.Context(), w.store, "ast_a")
	if err != nil {
		t.Fatal(err)
	}
	if found, err = w.Session().AssetFindings(t.Context(), []model.Asset{a}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`id : INT secret ["pii"]`}, lines(found["ast_a"])); diff != "" {
		t.Error(diff)
	}
	below := domain("shops")
	below.ParentID = "dom_sales"
	if found, err = w.Session().DomainFindings(t.Context(), []model.Domain{below}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`domain : shops below "sales" with 0 stewards`}, lines(found["dom_shops"])); diff != "" {
		t.Error(diff)
	}
}

// TestPublishingIsToldOfFindings puts them into that question and into no other.
func TestPublishingIsToldOfFindings(t *testing.T) {
	w, orders := newStandardsWorld(t)
	res, err := w.Product(t.Context(), orders)
	if err != nil {
		t.Fatal(err)
	}
	ctx := w.as(w.ana)
	for action, want := range map[model.Action]*policy.FindingsFact{
		model.ActProductPublish: {Errors: 1, Warnings: 3, Codes: []string{"owner"}}, model.ActProductUpdate: nil, model.ActMetadataView: nil,
	} {
		q, err := w.Session().Question(ctx, action, res, gate.Extra{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, q.Resource.Findings); diff != "" {
			t.Errorf("%s: %s", action, diff)
		}
	}
	answer, err := w.Session().AskFor(ctx, w.ana, model.ActProductPublish, res, gate.Extra{})
	if err != nil || answer.Outcome != model.Deny || codes(answer.Decision)[0] != "publish.description" {
		t.Errorf("got %v %v, %v", answer.Outcome, codes(answer.Decision), err)
	}
	if all := codes(answer.Decision); all[len(all)-1] != "publish.standards" {
		t.Errorf("got %v, want publish.standards among them", all)
	}
}

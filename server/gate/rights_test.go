package gate_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestRightsOfAPage holds the rights over a page of products, on both engines and
// under made-up rules, against one decision of the rules for each.
func TestRightsOfAPage(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		c := newCrowd(t, db)
		c.fill(200)
		service := mesh.New(db, c.Gate, func() time.Time { return policytest.Noon }, slog.New(slog.DiscardHandler))
		seen := map[model.Outcome]int{}
		for round := range 10 {
			for _, domain := range []model.Slug{"sales", "marketing"} {
				if _, err := c.engine.Activate(t.Context(), policy.Draft{Domain: domain, Modules: policytest.Rights(c.random, domain, round%2 == 0)}); err != nil {
					t.Fatal(err)
				}
			}
			who := c.principal([]model.ID{"prn_ana", "prn_bo", "prn_cy"}[round%3])
			who.Suspended = false
			c.holdRights(service, who, seen)
		}
		if seen[model.Allow] < 20 || seen[model.Deny] < 20 || seen[model.NeedsApproval] == 0 {
			t.Errorf("%v: the test hardly tests anything", seen)
		}
	})
}

// holdRights compares for all products and one asker.
func (c *crowd) holdRights(service *mesh.Service, who model.Principal, seen map[model.Outcome]int) {
	c.tb.Helper()
	ctx := model.WithPrincipal(c.tb.Context(), who)
	page, err := store.Products.Find(ctx, c.store, store.Query{Index: "by_name", Limit: store.MaxPage})
	if err != nil {
		c.tb.Fatal(err)
	}
	ids := make([]model.ID, len(page.Nodes))
	for i, p := range page.Nodes {
		ids[i] = p.ID
	}
	can, err := service.CanEach(ctx, ids, policytest.RightActions...)
	if err != nil {
		c.tb.Fatal(err)
	}
	for _, p := range page.Nodes {
		in := c.Session()
		visible, err := in.Filter(ctx, model.ActMetadataView, []policy.Resource{c.product(ctx, p)})
		if _, told := can[p.ID]; err != nil || told != visible[0] {
			c.tb.Fatalf("%s is visible: %v, its rights are told: %t, %v", p.ID, visible, told, err)
		}
		for action, got := range can[p.ID] {
			if want, known := c.ruled(ctx, in, who, action, p); known && got != want {
				c.tb.Fatalf("%s of %+v: the page says %s, the rules %s", action, p, got, want)
			}
			seen[got]++
		}
	}
}

func (c *crowd) product(ctx context.Context, p model.DataProduct) policy.Resource {
	c.tb.Helper()
	res, err := c.Product(ctx, p)
	if err != nil {
		c.tb.Fatal(err)
	}
	return res
}

// ruled is what the rules say to one right over one product. What owners of other
// domains' assets would say to a publication is not known here.
func (c *crowd) ruled(ctx context.Context, in *gate.Session, who model.Principal, action model.Action, p model.DataProduct) (model.Outcome, bool) {
	c.tb.Helper()
	res, extra, known := c.product(ctx, p), gate.Extra{Purpose: "what the viewer can do"}, true
	if action == model.ActProductRetire {
		extra = gate.Extra{Purpose: "the end of a product", Ending: c.ending(ctx, p)}
	}
	if moved := p; action == model.ActProductPublish && moved.Move(model.Published, policytest.Noon) == nil {
		res = c.product(ctx, moved)
		res.Status, extra = string(p.Status), gate.Extra{Wanted: &moved}
		known = len(p.Assets(model.OutputPort)) == 0
	}
	d, err := in.Would(ctx, who, action, res, extra)
	if err != nil {
		c.tb.Fatal(err)
	}
	return d.Outcome, known || d.Outcome == model.Deny
}

func (c *crowd) ending(ctx context.Context, p model.DataProduct) *policy.EndingFact {
	c.tb.Helper()
	fact := &policy.EndingFact{NoticeHours: -1, Successor: p.SuccessorID != ""}
	for g, err := range store.Grants.All(ctx, c.store, store.Query{Index: "by_product", Where: store.Eq("product", string(p.ID)), Limit: store.MaxPage}) {
		if err != nil {
			c.tb.Fatal(err)
		}
		if g.Live(policytest.Noon) {
			fact.Consumers++
		}
	}
	return fact
}

// TestRightsUnderSlowRules refuses a page of rights, and says whose rules it is
// that take too long for it; one row is answered.
func TestRightsUnderSlowRules(t *testing.T) {
	c := newCrowd(t, enginetest.SQLite(t))
	slow := `package souk.domains.sales

import rego.v2

_some := [` + strings.Repeat("1, ", 99) + `1]

allow contains {"code": "c", "message": "m"} if {
	count([1 | some a in _some; some b in _some; a + b > 2; input.resource.name != ""]) == 0
}
`
	if _, err := c.engine.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/access.rego", Text: slow}}}); err != nil {
		t.Fatal(err)
	}
	resources := make([]policy.Resource, 200)
	for i := range resources {
		resources[i] = policy.Resource{Type: "data_product", ID: model.ID(fmt.Sprintf("dpr_%d", i)), Domain: "sales", Name: "orders", Product: model.ID(fmt.Sprintf("dpr_%d", i))}
	}
	who := c.principal("prn_ana")
	who.Suspended, who.Clearance = false, model.Restricted
	ctx := model.WithPrincipal(t.Context(), who)
	actions := []model.Action{model.ActDataRead, model.ActProductUpdate, model.ActProductRetire}
	if can, err := c.Session().Rights(ctx, resources[:1], actions...); err != nil || can[0][model.ActProductUpdate] != model.Allow {
		t.Errorf("one row: %v, %v", can, err)
	}
	begun := time.Now()
	_, err := c.Session().Rights(ctx, resources, actions...)
	if !model.Is(err, model.KindUnavailable) || !strings.Contains(err.Error(), `"sales"`) {
		t.Errorf("200 rows after %v: %v", time.Since(begun), err)
	}
}

// TestRightsOfAHolderOfThousands looks at a page for somebody with 5,000 grants.
func TestRightsOfAHolderOfThousands(t *testing.T) {
	c := newCrowd(t, enginetest.SQLite(t))
	var writes []store.Write
	for i := range 5000 {
		writes = append(writes, store.Grants.Put(model.Grant{
			Meta: model.Meta{ID: model.ID(fmt.Sprintf("grt_many_%d", i))}, PrincipalID: "prn_bo", ProductID: model.ID(fmt.Sprintf("dpr_%d", i)), Purpose: "billing",
			Status: model.GrantActive, StartsAt: policytest.Noon.Add(-time.Hour), EndsAt: policytest.Noon.Add(time.Hour),
		}))
	}
	for i := range 200 {
		writes = append(writes, store.Products.Put(model.DataProduct{
			Meta: model.Meta{ID: model.ID(fmt.Sprintf("dpr_%d", i*50))}, DomainID: "dom_operations", Name: model.Slug(fmt.Sprintf("p%d", i)), Status: model.Published,
			Visibility: model.VisibleToDomain, Classification: model.Internal,
		}))
	}
	c.apply(writes)
	who := c.principal("prn_bo")
	who.Suspended, who.DomainID, who.TeamIDs, who.Roles, who.Clearance = false, "dom_marketing", nil, []model.Role{model.RoleEmployee}, model.Internal
	ctx := model.WithPrincipal(t.Context(), who)
	page, err := gate.List(ctx, c.Gate, store.Products, store.Query{Index: "by_name"}, model.Paging{First: 200}, gate.Each(c.Product))
	if err != nil || len(page.Nodes) != 100 { // half of the products are among those that the grants open
		t.Fatalf("%d products, %v", len(page.Nodes), err)
	}
	resources, err := gate.Each(c.Product)(ctx, page.Nodes)
	if err != nil {
		t.Fatal(err)
	}
	can, err := c.Session().Rights(ctx, resources, model.ActDataRead)
	for i := range can {
		if can[i][model.ActDataRead] != model.Allow {
			t.Errorf("%s may not be read: %v", resources[i].ID, err)
		}
	}
}

// TestForeseeLeavesFindingsOpen does not tell a steward that a product may be
// published before the standards have looked at it, and tells everybody else.
func TestForeseeLeavesFindingsOpen(t *testing.T) {
	c := newCrowd(t, enginetest.SQLite(t))
	res := policy.Resource{Type: "data_product", ID: "dpr_1", Product: "dpr_1", Domain: "marketing", Status: "DRAFT", Described: true, HasOwner: true, Ports: 1}
	for id, knows := range map[model.ID]bool{"prn_cy": false, "prn_bo": true} {
		who := model.Principal{Meta: model.Meta{ID: id}, Kind: model.Person, Name: "x", Roles: []model.Role{model.RoleEmployee}}
		outcome, sure, err := c.Session().Foresee(model.WithPrincipal(t.Context(), who), model.ActProductPublish, res, gate.Extra{})
		if err != nil || sure != knows || sure && outcome != model.Deny {
			t.Errorf("%s: %s, %t, %v", id, outcome, sure, err)
		}
	}
}

package gate_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
	"github.com/souk-mesh/souk/server/store/mongo"
)

// replicas are two servers on the same records, of which nobody follows the feed:
// on MongoDB two stores, and on SQLite, which has one server, the same twice.
func replicas(t *testing.T, test func(t *testing.T, here, there *crowd)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		here := newCrowd(t, enginetest.SQLite(t))
		test(t, here, here)
	})
	t.Run("mongodb", func(t *testing.T) {
		uri, _ := mongodbtest.Database(t)
		var stores [2]store.Store
		for i := range stores {
			db, err := mongo.Open(t.Context(), uri)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			stores[i] = db
		}
		here := newCrowd(t, stores[0])
		there := *here
		there.store, there.Gate = stores[1], gate.New(stores[1], servertest.Shipped(t), func() time.Time { return policytest.Noon }, nil)
		test(t, here, &there)
	})
}

// TestExposedIsNeverBehind changes products on one server, at random, and asks the
// other which assets are exposed: each answer is that of a server which has kept nothing.
func TestExposedIsNeverBehind(t *testing.T) {
	replicas(t, func(t *testing.T, here, there *crowd) {
		t.Helper()
		here.fill(200)
		wide := model.DataProduct{Meta: model.Meta{ID: "dpr_wide"}, DomainID: "dom_operations", Name: "wide", Status: model.Published, Visibility: model.VisibleToAll}
		for i := range 30 { // as many as are worth keeping
			wide.Ports = append(wide.Ports, model.Port{Direction: model.OutputPort, AssetIDs: []model.ID{model.ID(fmt.Sprintf("ast_wide_%d", i))}})
		}
		here.apply([]store.Write{store.Products.Put(wide)})
		kept := 0
		for range 25 {
			here.changeProduct()
			for range 2 { // the second time nothing was written in between
				got, err := there.Exposed(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				fresh := gate.New(there.store, there.engine, time.Now, nil)
				if want, err := fresh.Exposed(t.Context()); err != nil || !maps.Equal(got, want) {
					t.Fatalf("%d assets are exposed, and %d in truth: %v", len(got), len(want), err)
				}
				if len(got) > 16 {
					kept++
				}
			}
		}
		if kept < 20 {
			t.Errorf("only %d answers were worth keeping: the test hardly tests anything", kept)
		}
	})
}

// changeProduct gives one product another status, sight or list of assets.
func (c *crowd) changeProduct() {
	c.tb.Helper()
	p, err := store.Products.Get(c.tb.Context(), c.store, model.ID(fmt.Sprintf("dpr_%d", c.random.IntN(40))))
	if err != nil {
		c.tb.Fatal(err)
	}
	switch c.random.IntN(3) {
	case 0:
		p.Status = []model.ProductStatus{model.Draft, model.Published, model.Retired}[c.random.IntN(3)]
	case 1:
		p.Status, p.Visibility = model.Published, []model.Visibility{model.VisibleToAll, model.VisibleToDomain}[c.random.IntN(2)]
	case 2:
		p.Ports, p.Unconsented = nil, nil
		for range 4 {
			p.Ports = append(p.Ports, model.Port{Direction: model.OutputPort, AssetIDs: []model.ID{model.ID(fmt.Sprintf("ast_%d", c.random.IntN(100)))}})
		}
	}
	c.apply([]store.Write{store.Products.Put(p)})
}

// TestARevokedGrantOpensNothing revokes one of many grants on one server, and lets
// another expire: the next question on the other server is refused.
func TestARevokedGrantOpensNothing(t *testing.T) {
	replicas(t, func(t *testing.T, here, there *crowd) {
		t.Helper()
		var writes []store.Write
		for i := range 40 {
			writes = append(writes, store.Grants.Put(model.Grant{
				Meta: model.Meta{ID: model.ID(fmt.Sprintf("grt_%d", i))}, PrincipalID: "prn_bo", ProductID: model.ID(fmt.Sprintf("dpr_%d", i)), DomainID: "dom_operations", Purpose: "billing",
				Status: model.GrantActive, StartsAt: policytest.Noon.Add(-time.Hour), EndsAt: policytest.Noon.Add(time.Duration(i) * time.Hour),
			}))
		}
		here.apply(writes)
		there.reads(t, 0, false) // it ends at noon
		there.reads(t, 7, true)
		g, err := store.Grants.Get(t.Context(), here.store, "grt_7")
		if err != nil {
			t.Fatal(err)
		}
		if err := g.End(model.GrantRevoked, policytest.Noon); err != nil {
			t.Fatal(err)
		}
		here.apply([]store.Write{store.Grants.Put(g)})
		there.reads(t, 7, false)
		there.reads(t, 8, true)
	})
}

// reads asks whether the holder of grants may read a product.
func (c *crowd) reads(t *testing.T, product int, want bool) {
	t.Helper()
	id := model.ID(fmt.Sprintf("dpr_%d", product))
	who := model.Principal{Meta: model.Meta{ID: "prn_bo"}, Kind: model.Person, Name: "bo", Roles: []model.Role{model.RoleEmployee}, Clearance: model.Internal}
	res := policy.Resource{Type: "data_product", ID: id, Product: id, Domain: "operations", Status: "PUBLISHED", Classification: model.Internal}
	d, err := c.Session().Would(context.WithoutCancel(t.Context()), who, model.ActDataRead, res, gate.Extra{})
	if err != nil || d.Allowed() != want {
		t.Errorf("%s: %s %v, %v", id, d.Outcome, d.Reasons, err)
	}
}

package gate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// stranger belongs to a domain that owns nothing.
var stranger = model.Principal{Meta: model.Meta{ID: "prn_bo"}, Kind: model.Person, Name: "bo", DomainID: "dom_marketing", Roles: []model.Role{model.RoleEmployee}}

func hidden(b *testing.B, assets int) (*crowd, context.Context) {
	b.Helper()
	c := newCrowd(b, enginetest.SQLite(b))
	var writes []store.Write
	for i := range assets {
		writes = append(writes, store.Assets.Put(model.Asset{Meta: model.Meta{ID: model.ID(fmt.Sprintf("ast_%d", i))}, DomainID: "dom_operations", Name: fmt.Sprintf("table_%06d", i), Status: model.AssetActive}))
	}
	for i := range 60 { // a few of the last ones are offered
		writes = append(writes, store.Products.Put(model.DataProduct{
			Meta: model.Meta{ID: model.ID(fmt.Sprintf("dpr_%d", i))}, DomainID: "dom_operations", Name: model.Slug(fmt.Sprintf("p%d", i)), Status: model.Published, Visibility: model.VisibleToAll,
			Ports: []model.Port{{Direction: model.OutputPort, AssetIDs: []model.ID{model.ID(fmt.Sprintf("ast_%d", assets-1-i))}}},
		}))
	}
	c.apply(writes)
	return c, model.WithPrincipal(b.Context(), stranger)
}

// BenchmarkHiddenList lists fifty assets that follow after all the hidden ones.
func BenchmarkHiddenList(b *testing.B) {
	c, ctx := hidden(b, 100_000)
	for b.Loop() {
		page, err := gate.List(ctx, c.Gate, store.Assets, store.Query{Index: "by_name"}, model.Paging{First: 50}, c.Assets)
		if err != nil || len(page.Nodes) != 50 || !page.More {
			b.Fatal(len(page.Nodes), err)
		}
	}
}

// BenchmarkWalk walks three levels of five hundred assets.
func BenchmarkWalk(b *testing.B) {
	c, _ := hidden(b, 500)
	var writes []store.Write
	for i := 1; i < 500; i++ {
		writes = append(writes, store.Edges.Put(model.Edge{
			Meta: model.Meta{ID: model.ID(fmt.Sprintf("edg_%d", i))}, FromID: model.ID(fmt.Sprintf("ast_%d", (i-1)/8)), ToID: model.ID(fmt.Sprintf("ast_%d", i)), Kind: model.EdgeDerives,
		}))
	}
	c.apply(writes)
	member := stranger
	member.DomainID = "dom_operations"
	ctx := model.WithPrincipal(b.Context(), member)
	s := lineage.New(c.store, c.Gate)
	for b.Loop() {
		graph, err := s.Walk(ctx, lineage.WalkQuery{RootID: "ast_0", Direction: model.Downstream, Depth: 3, MaxNodes: 500})
		if err != nil || len(graph.Nodes) < 500 {
			b.Fatal(len(graph.Nodes), err)
		}
	}
}

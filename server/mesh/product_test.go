package mesh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

func TestProductLife(t *testing.T) {
	w := newWorld(t)
	orders := w.asset(w.sales, "orders")
	p, err := w.CreateProduct(w.As("ana"), mesh.NewProduct{Name: "order_lines", DomainID: w.sales.ID})
	if err != nil {
		t.Fatal(err)
	}
	want := model.DataProduct{
		Meta: p.Meta, Name: "order_lines", DomainID: w.sales.ID, DisplayName: "Order lines", OwnerID: w.People["ana"].ID,
		Classification: model.Internal, Visibility: model.VisibleToAll, Status: model.Draft,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("the defaults (-want +got):\n%s", diff)
	}
	_, err = w.PublishProduct(w.As("ana"), p.ID)
	wantReason(t, err, "publish.description")
	text, ports := "Every line of every order.", []model.Port{output("tables", orders)}
	if _, err = w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Description: &text}); err != nil {
		t.Fatal(err)
	}
	_, err = w.PublishProduct(w.As("ana"), p.ID)
	wantReason(t, err, "publish.port")
	if e := w.Last(); e.Action != "product.publish.refused" || e.SubjectID != p.ID || e.DecisionID == "" {
		t.Errorf("got event %+v, want the refusal", e)
	}
	if _, err = w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Ports: &ports}); err != nil {
		t.Fatal(err)
	}
	for _, move := range []struct {
		name string
		act  func() (model.DataProduct, error)
		want model.ProductStatus
	}{
		{"product.publish", func() (model.DataProduct, error) { return w.PublishProduct(w.As("ana"), p.ID) }, model.Published},
		{"product.deprecate", func() (model.DataProduct, error) { return w.DeprecateProduct(w.As("ana"), p.ID) }, model.Deprecated},
		{"product.publish", func() (model.DataProduct, error) { return w.PublishProduct(w.As("ana"), p.ID) }, model.Published},
		{"product.retire", func() (model.DataProduct, error) { return w.RetireProduct(w.As("ana"), p.ID) }, model.Retired},
	} {
		got, err := move.act()
		if err != nil || got.Status != move.want || got.PublishedAt == nil {
			t.Fatalf("%s: got %s, %v, want %s", move.name, got.Status, err, move.want)
		}
		if e := w.Last(); e.Action != move.name || e.DecisionID == "" {
			t.Errorf("got event %+v, want %s", e, move.name)
		}
	}
	_, err = w.PublishProduct(w.As("ana"), p.ID)
	servertest.WantField(t, err, model.KindConflict, "id")
	_, err = w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Description: &text})
	servertest.WantField(t, err, model.KindConflict, "id")
}

func TestWhoMayWhat(t *testing.T) {
	w := newWorld(t)
	p := w.product("orders", output("tables", w.asset(w.sales, "orders")))
	_, err := w.Product(w.As("bo"), p.ID) // a draft of another domain
	servertest.WantField(t, err, model.KindNotFound, "")
	_, err = w.PublishProduct(w.As("bo"), p.ID)
	servertest.WantField(t, err, model.KindNotFound, "")
	_, err = w.PublishProduct(w.As("eve"), p.ID) // a member sees it and may not
	servertest.WantField(t, err, model.KindDenied, "")
	if _, err := w.PublishProduct(w.As("ana"), p.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Product(w.As("bo"), p.ID); err != nil {
		t.Errorf("bo does not find the published product: %v", err)
	}
	_, err = w.RetireProduct(w.As("bo"), p.ID)
	servertest.WantField(t, err, model.KindDenied, "")

	can, err := w.Can(w.As("eve"), p.ID, model.ActDataRead, model.ActProductRetire)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[model.Action]model.Outcome{model.ActDataRead: model.Allow, model.ActProductRetire: model.Deny}, can); diff != "" {
		t.Errorf("what eve can do (-want +got):\n%s", diff)
	}
	can, err = w.CanDomain(w.As("ana"), w.sales.ID, model.ActDomainAdmin, model.ActProductCreate)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[model.Action]model.Outcome{model.ActDomainAdmin: model.Allow, model.ActProductCreate: model.Allow}, can); diff != "" {
		t.Errorf("what ana can do in sales (-want +got):\n%s", diff)
	}
}

// Naming oneself the owner of a new product opens nothing, not even where
// owners may do everything.
func TestOwningWhatIsNotThere(t *testing.T) {
	w := under(t, servertest.Under(t, map[string]string{"domains/sales/product.rego": `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.owner", "message": "It is your own."} if input.resource.owner == input.subject.id
`}))
	_, err := w.CreateProduct(w.As("bo"), mesh.NewProduct{Name: "mine", DomainID: w.sales.ID, OwnerID: w.People["bo"].ID})
	servertest.WantField(t, err, model.KindDenied, "")
}

// The team that owns a product is told apart from one of the same name elsewhere.
func TestOwningTeam(t *testing.T) {
	w := newWorld(t)
	var teams []model.Team
	for person, d := range map[string]model.Domain{"ana": w.sales, "bo": w.marketing} {
		team, err := w.CreateTeam(w.As(person), mesh.NewTeam{Name: "growth", DomainID: d.ID})
		if err != nil {
			t.Fatal(err)
		}
		member := map[string]string{"ana": "eve", "bo": "bo"}[person]
		if w.People[member], err = w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People[member].ID, TeamIDs: &[]model.ID{team.ID}}); err != nil {
			t.Fatal(err)
		}
		teams = append(teams, team)
	}
	owner := teams[0]
	if owner.DomainID != w.sales.ID {
		owner = teams[1]
	}
	p := w.product("orders", output("tables", w.asset(w.sales, "orders")))
	p, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, OwnerTeamID: &owner.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.PublishProduct(w.As("ana"), p.ID); err != nil {
		t.Fatal(err)
	}
	text := "Better words."
	if _, err := w.UpdateProduct(w.As("eve"), mesh.ProductEdit{ID: p.ID, Description: &text}); err != nil {
		t.Errorf("the owning team may not edit: %v", err)
	}
	_, err = w.UpdateProduct(w.As("bo"), mesh.ProductEdit{ID: p.ID, Description: &text})
	servertest.WantField(t, err, model.KindDenied, "")
}

func TestProductEdits(t *testing.T) {
	w := newWorld(t)
	p := w.product("orders")
	title, public, home, tags, eve := "Orders", model.Public, model.VisibleToDomain, []string{"revenue"}, w.People["eve"].ID
	words := "Counts once placed."
	got, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{
		ID: p.ID, DisplayName: &title, BusinessContext: &words, OwnerID: &eve,
		Classification: &public, Visibility: &home, Tags: &tags, ExpectedRevision: &p.Revision,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := p
	want.Meta, want.DisplayName, want.BusinessContext, want.OwnerID = got.Meta, title, words, eve
	want.Classification, want.Visibility, want.Tags = public, home, tags
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the edit (-want +got):\n%s", diff)
	}
	_, err = w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, DisplayName: &title, ExpectedRevision: &p.Revision})
	servertest.WantField(t, err, model.KindConflict, "expectedVersion")
}

// Whoever may edit a product cannot find out by it which assets exist.
func TestPortsOverHiddenAssets(t *testing.T) {
	w := newWorld(t)
	hidden := w.asset(w.marketing, "campaigns")
	_, err := w.CreateProduct(w.As("ana"), mesh.NewProduct{Name: "orders", DomainID: w.sales.ID, Ports: []model.Port{output("tables", hidden)}})
	servertest.WantField(t, err, model.KindInvalid, "ports.assetIds")
	absent := strings.ReplaceAll(err.Error(), string(hidden), "ID")
	_, err = w.CreateProduct(w.As("ana"), mesh.NewProduct{Name: "orders", DomainID: w.sales.ID, Ports: []model.Port{output("tables", "ast_1")}})
	if got := strings.ReplaceAll(err.Error(), "ast_1", "ID"); got != absent {
		t.Errorf("a hidden asset is told apart from an absent one: %q and %q", absent, got)
	}
	// What stands in the product already may stay when it gets hidden.
	orders := w.asset(w.sales, "orders")
	p := w.product("orders", output("tables", orders))
	a, err := store.Assets.Get(t.Context(), w.Store, orders)
	if err != nil {
		t.Fatal(err)
	}
	a.DomainID = w.marketing.ID
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test.move", Writes: []store.Write{store.Assets.Put(a)}}); err != nil {
		t.Fatal(err)
	}
	ports := []model.Port{output("renamed", orders)}
	if _, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Ports: &ports}); err != nil {
		t.Errorf("renaming the port: %v", err)
	}
}

func TestLargestProduct(t *testing.T) {
	w := newWorld(t)
	var writes []store.Write
	ports := make([]model.Port, mesh.MaxPorts)
	for i := range mesh.MaxAssets {
		a := model.Asset{Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db", Name: fmt.Sprint("t", i), DomainID: w.sales.ID, Status: model.AssetActive}
		writes = append(writes, store.Assets.Put(a))
		port := &ports[i%mesh.MaxPorts]
		port.Name, port.Direction, port.AssetIDs = model.Slug(fmt.Sprint("port_", i%mesh.MaxPorts)), model.OutputPort, append(port.AssetIDs, a.ID)
	}
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test.assets", Writes: writes}); err != nil {
		t.Fatal(err)
	}
	p := w.product("everything", ports...)
	if got := len(p.Assets(model.OutputPort)); got != mesh.MaxAssets {
		t.Errorf("got %d assets, want %d", got, mesh.MaxAssets)
	}
}

func TestProductLists(t *testing.T) {
	w := newWorld(t)
	asset := w.asset(w.sales, "orders")
	orders, plans := w.product("orders", output("tables", asset)), w.product("plans")
	if _, err := w.PublishProduct(w.As("ana"), orders.ID); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		person string
		f      mesh.ProductFilter
		want   []model.Slug
	}{
		"all":            {"ana", mesh.ProductFilter{}, []model.Slug{"orders", "plans"}},
		"of others":      {"bo", mesh.ProductFilter{}, []model.Slug{"orders"}},
		"domain":         {"ana", mesh.ProductFilter{DomainID: w.sales.ID}, []model.Slug{"orders", "plans"}},
		"other domain":   {"ana", mesh.ProductFilter{DomainID: w.marketing.ID}, nil},
		"status":         {"ana", mesh.ProductFilter{Status: model.Draft}, []model.Slug{"plans"}},
		"domain, status": {"ana", mesh.ProductFilter{DomainID: w.sales.ID, Status: model.Published}, []model.Slug{"orders"}},
		"asset":          {"bo", mesh.ProductFilter{AssetID: asset}, []model.Slug{"orders"}},
		"all three":      {"bo", mesh.ProductFilter{AssetID: asset, DomainID: w.sales.ID, Status: model.Published}, []model.Slug{"orders"}},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := w.Products(w.As(c.person), c.f, model.Paging{First: 10})
			if err != nil {
				t.Fatal(err)
			}
			var got []model.Slug
			for _, p := range page.Nodes {
				got = append(got, p.Name)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if p, err := w.ProductByName(w.As("bo"), "sales", "orders"); err != nil || p.ID != orders.ID {
		t.Errorf("got %v, %v by name", p, err)
	}
	_, err := w.ProductByName(w.As("bo"), "sales", "plans")
	servertest.WantField(t, err, model.KindNotFound, "")
	_, err = w.ProductByName(w.As("bo"), "nowhere", "orders")
	servertest.WantField(t, err, model.KindNotFound, "")
	some, err := w.ProductsByID(w.As("bo"), plans.ID, orders.ID)
	if err != nil || len(some) != 1 || some[0].ID != orders.ID {
		t.Errorf("got %v, %v by id, want what bo may see", some, err)
	}
}

func TestBadProducts(t *testing.T) {
	w := newWorld(t)
	w.product("taken")
	asset := w.asset(w.sales, "orders")
	huge := strings.Repeat("x", 1<<20)
	many := func(n int) []model.ID {
		ids := make([]model.ID, n)
		for i := range ids {
			ids[i] = model.ID(fmt.Sprint("ast_", i))
		}
		return ids
	}
	before := w.Last()
	for name, c := range map[string]struct {
		edit  func(*mesh.NewProduct)
		kind  model.ErrorKind
		field string
	}{
		"no name":           {func(n *mesh.NewProduct) { n.Name = "" }, model.KindInvalid, "name"},
		"huge name":         {func(n *mesh.NewProduct) { n.Name = model.Slug(huge) }, model.KindInvalid, "name"},
		"taken name":        {func(n *mesh.NewProduct) { n.Name = "taken" }, model.KindConflict, "name"},
		"no domain":         {func(n *mesh.NewProduct) { n.DomainID = "" }, model.KindInvalid, "domainId"},
		"unknown domain":    {func(n *mesh.NewProduct) { n.DomainID = "dom_1" }, model.KindInvalid, "domainId"},
		"huge title":        {func(n *mesh.NewProduct) { n.DisplayName = huge }, model.KindInvalid, "displayName"},
		"huge text":         {func(n *mesh.NewProduct) { n.Description = huge }, model.KindInvalid, "description"},
		"huge context":      {func(n *mesh.NewProduct) { n.BusinessContext = huge }, model.KindInvalid, "businessContext"},
		"unknown owner":     {func(n *mesh.NewProduct) { n.OwnerID = "prn_1" }, model.KindInvalid, "ownerId"},
		"unknown team":      {func(n *mesh.NewProduct) { n.OwnerTeamID = "tea_1" }, model.KindInvalid, "ownerTeamId"},
		"unknown class":     {func(n *mesh.NewProduct) { n.Classification = "SECRET" }, model.KindInvalid, "classification"},
		"unknown sight":     {func(n *mesh.NewProduct) { n.Visibility = "MOON" }, model.KindInvalid, "visibility"},
		"empty tag":         {func(n *mesh.NewProduct) { n.Tags = []string{""} }, model.KindInvalid, "tags"},
		"huge tag":          {func(n *mesh.NewProduct) { n.Tags = []string{huge} }, model.KindInvalid, "tags"},
		"tag twice":         {func(n *mesh.NewProduct) { n.Tags = []string{"a", "a"} }, model.KindInvalid, "tags"},
		"many tags":         {func(n *mesh.NewProduct) { n.Tags = make([]string, 51) }, model.KindInvalid, "tags"},
		"nameless port":     {func(n *mesh.NewProduct) { n.Ports = []model.Port{output("")} }, model.KindInvalid, "ports.name"},
		"port nowhere":      {func(n *mesh.NewProduct) { n.Ports = []model.Port{{Name: "tables"}} }, model.KindInvalid, "ports.direction"},
		"two ports, a name": {func(n *mesh.NewProduct) { n.Ports = []model.Port{output("tables"), output("tables")} }, model.KindInvalid, "ports"},
		"many ports":        {func(n *mesh.NewProduct) { n.Ports = make([]model.Port, 101) }, model.KindInvalid, "ports"},
		"asset twice":       {func(n *mesh.NewProduct) { n.Ports = []model.Port{output("tables", asset, asset)} }, model.KindInvalid, "ports.assetIds"},
		"unknown asset":     {func(n *mesh.NewProduct) { n.Ports = []model.Port{output("tables", asset, "ast_1")} }, model.KindInvalid, "ports.assetIds"},
		"many assets":       {func(n *mesh.NewProduct) { n.Ports = []model.Port{output("tables", many(1001)...)} }, model.KindInvalid, "ports"},
		"huge port text": {func(n *mesh.NewProduct) {
			n.Ports = []model.Port{{Name: "tables", Direction: model.OutputPort, Description: huge}}
		}, model.KindInvalid, "ports.description"},
	} {
		t.Run(name, func(t *testing.T) {
			n := mesh.NewProduct{Name: "orders", DomainID: w.sales.ID}
			c.edit(&n)
			_, err := w.CreateProduct(w.As("ana"), n)
			servertest.WantField(t, err, c.kind, c.field)
		})
	}
	_, err := w.PublishProduct(w.As("ana"), "dpr_1")
	servertest.WantField(t, err, model.KindNotFound, "")
	empty := model.ID("")
	p := w.product("orders")
	_, err = w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, OwnerID: &empty})
	servertest.WantField(t, err, model.KindInvalid, "ownerId")
	if after := w.Last(); after.Seq != before.Seq+1 { // the last product alone was made
		t.Errorf("bad input left %d events behind", after.Seq-before.Seq-1)
	}
}

package mesh_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// governed is the world with rules of marketing, which speak of a team and a product of sales.
func governed(t *testing.T) *world {
	t.Helper()
	return under(t, servertest.Under(t, map[string]string{"domains/marketing/friends.rego": `package souk.domains.marketing

import rego.v2

# The desk of support is in nobody's rules, whatever a comment says.
allow contains {"code": "marketing.friends", "message": "Friends read."} if {
	input.action.name == "data.read"
	"sales/desk" in input.subject.teams
}

deny contains {"code": "marketing.legal", "message": "Not for them."} if input.subject.domain == "legal"
`}))
}

func (w *world) team(d model.Domain, name model.Slug) model.Team {
	w.Helper()
	made, err := w.CreateTeam(w.System(), mesh.NewTeam{Name: name, DomainID: d.ID})
	if err != nil {
		w.Fatal(err)
	}
	return made
}

func (w *world) draft(d model.Domain) model.DataProduct {
	w.Helper()
	made, err := w.CreateProduct(w.As(map[model.ID]string{w.sales.ID: "ana", w.marketing.ID: "bo"}[d.ID]), mesh.NewProduct{Name: "orders", DomainID: d.ID})
	if err != nil {
		w.Fatal(err)
	}
	return made
}

func TestRenameDomain(t *testing.T) {
	w := governed(t)
	for who, name := range map[string]model.Slug{"ana": "shop", "eve": "shop"} {
		_, err := w.RenameDomain(w.As(who), mesh.Renaming{ID: w.sales.ID, Name: name})
		if !model.Is(err, model.KindDenied) {
			t.Errorf("%s renames a domain: %v", who, err)
		}
	}
	support := w.domain("support", "")
	w.draft(w.sales)
	renamed, err := w.RenameDomain(w.As("root"), mesh.Renaming{ID: support.ID, Name: "help", ExpectedRevision: &support.Revision})
	if err != nil || renamed.Name != "help" || renamed.ID != support.ID {
		t.Fatalf("got %+v, %v", renamed, err)
	}
	if name, _ := w.Gate.DomainName(t.Context(), support.ID); name != "help" {
		t.Errorf("the policies still know it as %q", name)
	}
	led, err := w.DomainByName(w.As("eve"), "support")
	if err != nil || led.Name != "help" {
		t.Errorf("the old name leads to %+v, %v", led, err)
	}
	_, err = w.CreateDomain(w.As("root"), mesh.NewDomain{Name: "support"})
	servertest.WantField(t, err, model.KindConflict, "name")
	back, err := w.RenameDomain(w.As("root"), mesh.Renaming{ID: support.ID, Name: "support"})
	if err != nil || back.Name != "support" {
		t.Errorf("back again: %+v, %v", back, err)
	}
	legal := w.domain("legal", "")
	for name, c := range map[string]struct {
		r    mesh.Renaming
		want string
	}{
		"rules in force":       {mesh.Renaming{ID: w.marketing.ID, Name: "ads"}, "souk policy rollback --domain marketing"},
		"rules that speak":     {mesh.Renaming{ID: legal.ID, Name: "law"}, "domains/marketing/friends.rego"},
		"to one with rules":    {mesh.Renaming{ID: support.ID, Name: "marketing"}, "has rules in force"},
		"a name that is taken": {mesh.Renaming{ID: support.ID, Name: "sales"}, "another domain"},
	} {
		_, err := w.RenameDomain(w.As("root"), c.r)
		if !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = w.RenameDomain(w.As("root"), mesh.Renaming{ID: support.ID, Name: "Bad Name"})
	servertest.WantField(t, err, model.KindInvalid, "name")
	_, err = w.RenameDomain(w.As("root"), mesh.Renaming{ID: support.ID, Name: "fine", ExpectedRevision: &support.Revision})
	servertest.WantField(t, err, model.KindConflict, "expectedVersion")
}

// TestRenameWithProposal: proposed rules name their domain as those in force do.
func TestRenameWithProposal(t *testing.T) {
	w := newWorld(t)
	p := model.PolicyProposal{Meta: model.Meta{ID: model.NewID(model.PrefixProposal)}, Domain: "sales", Status: model.ProposalAssessed}
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyProposals.Put(p)}}); err != nil {
		t.Fatal(err)
	}
	_, err := w.RenameDomain(w.As("root"), mesh.Renaming{ID: w.sales.ID, Name: "shop"})
	if !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), string(p.ID)) {
		t.Errorf("got %v", err)
	}
}

func TestTeamsElsewhere(t *testing.T) {
	w := governed(t)
	desk, night := w.team(w.sales, "desk"), w.team(w.sales, "night")
	title := "Day desk"
	got, err := w.UpdateTeam(w.As("ana"), mesh.TeamEdit{ID: desk.ID, DisplayName: &title})
	if err != nil || got.DisplayName != title || got.Name != "desk" {
		t.Errorf("corrected: %+v, %v", got, err)
	}
	if _, err := w.UpdateTeam(w.As("bo"), mesh.TeamEdit{ID: desk.ID, DisplayName: &title}); !model.Is(err, model.KindDenied) {
		t.Errorf("of another domain: %v", err)
	}
	for name, try := range map[string]func() error{
		"rename": func() error {
			_, err := w.RenameTeam(w.As("ana"), mesh.Renaming{ID: desk.ID, Name: "till"})
			return err
		},
		"move": func() error {
			_, err := w.UpdateTeam(w.As("root"), mesh.TeamEdit{ID: desk.ID, DomainID: &w.marketing.ID})
			return err
		},
		"remove": func() error { _, err := w.Remove(w.As("ana"), desk.ID, ""); return err },
	} {
		if err := try(); !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), "domains/marketing/friends.rego") {
			t.Errorf("%s of a team that rules speak of: %v", name, err)
		}
	}
	got, err = w.RenameTeam(w.As("ana"), mesh.Renaming{ID: night.ID, Name: "late"})
	if err != nil || got.Name != "late" {
		t.Fatalf("got %+v, %v", got, err)
	}
	_, err = w.CreateTeam(w.As("ana"), mesh.NewTeam{Name: "night", DomainID: w.sales.ID})
	servertest.WantField(t, err, model.KindConflict, "name")
	if _, err := w.UpdateTeam(w.As("ana"), mesh.TeamEdit{ID: night.ID, DomainID: &w.marketing.ID}); !model.Is(err, model.KindDenied) {
		t.Errorf("moved by who runs one side alone: %v", err)
	}
	got, err = w.UpdateTeam(w.As("root"), mesh.TeamEdit{ID: night.ID, DomainID: &w.marketing.ID})
	if err != nil || got.DomainID != w.marketing.ID {
		t.Errorf("moved: %+v, %v", got, err)
	}
}

func TestProductsElsewhere(t *testing.T) {
	w := newWorld(t)
	p := w.draft(w.sales)
	renamed, err := w.RenameProduct(w.As("ana"), mesh.Renaming{ID: p.ID, Name: "sales_orders"})
	if err != nil || renamed.Name != "sales_orders" {
		t.Fatalf("got %+v, %v", renamed, err)
	}
	led, err := w.ProductByName(w.As("ana"), "sales", "orders")
	if err != nil || led.ID != p.ID || led.Name != "sales_orders" {
		t.Errorf("the old name leads to %+v, %v", led, err)
	}
	_, err = w.CreateProduct(w.As("ana"), mesh.NewProduct{Name: "orders", DomainID: w.sales.ID})
	servertest.WantField(t, err, model.KindConflict, "name")
	if _, err := w.MoveProduct(w.As("ana"), p.ID, w.marketing.ID, nil); !model.Is(err, model.KindDenied) {
		t.Errorf("moved by who may make none there: %v", err)
	}
	both := w.steward(w.marketing, "ana")
	moved, err := w.MoveProduct(w.As("ana"), p.ID, both.ID, &renamed.Revision)
	if err != nil || moved.DomainID != both.ID {
		t.Fatalf("got %+v, %v", moved, err)
	}
	text := "All orders."
	if moved, err = w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Description: &text, Ports: &[]model.Port{{Name: "out", Direction: model.OutputPort, AssetIDs: []model.ID{w.asset(w.marketing, "t")}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PublishProduct(w.As("ana"), p.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.MoveProduct(w.As("ana"), p.ID, w.sales.ID, nil)
	servertest.WantField(t, err, model.KindConflict, "id")
}

// A draft that goes to another domain offers what that one may, and the votes
// that it waits for keep it where it is.
func TestMovingDrafts(t *testing.T) {
	w := newWorld(t)
	p := w.draft(w.sales)
	own := w.asset(w.sales, "orders")
	p, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Description: new("All orders."), Ports: &[]model.Port{output("tables", own)}})
	if err != nil || len(p.Unconsented) != 0 {
		t.Fatalf("got %v without consent, %v", p.Unconsented, err)
	}
	w.steward(w.marketing, "ana")
	if p, err = w.MoveProduct(w.As("ana"), p.ID, w.marketing.ID, nil); err != nil || !slices.Equal(p.Unconsented, []model.ID{own}) {
		t.Fatalf("got %v without consent, %v, want the table of sales", p.Unconsented, err)
	}
	w.steward(w.sales, "eve")
	if p, err = w.PublishProduct(w.As("ana"), p.ID); err != nil || p.Status != model.Draft {
		t.Fatalf("got %s, %v, want a DRAFT until sales agrees", p.Status, err)
	}
	_, err = w.MoveProduct(w.As("ana"), p.ID, w.sales.ID, nil)
	servertest.WantField(t, err, model.KindConflict, "id")
}

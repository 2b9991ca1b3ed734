package mesh_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

func kinds(deps []model.Dependency) map[string]int {
	found := map[string]int{}
	for _, d := range deps {
		found[d.Kind] = d.Count
	}
	return found
}

// TestRemoveDomain takes one away that is used, step by step, and brings it back.
func TestRemoveDomain(t *testing.T) {
	w := newWorld(t)
	support := w.domain("support", "")
	child := w.domain("night_shift", support.ID)
	team := w.team(support, "desk")
	w.Person(servertest.Person{Name: "sam", Domain: string(support.Name)})
	w.asset(support, "tickets")
	_, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{
		store.Namespaces.Put(model.Namespace{Meta: model.Meta{ID: "nsp_desk"}, Namespace: "postgres://desk:5432", DomainID: support.ID}),
		store.Namespaces.Put(model.Namespace{Meta: model.Meta{ID: "nsp_old"}, Namespace: "postgres://old:5432", DomainID: support.ID, Released: true}),
		store.Changes.Put(model.ProposedChange{Meta: model.Meta{ID: "chg_now"}, SubjectID: support.ID, DomainID: support.ID, Status: model.ChangePending}),
		store.Changes.Put(model.ProposedChange{Meta: model.Meta{ID: "chg_old"}, SubjectID: support.ID, DomainID: support.ID, Status: model.ChangeApplied}),
		store.PolicyProposals.Put(model.PolicyProposal{Meta: model.Meta{ID: "ppr_now"}, Domain: "support", Title: "Rules", Status: model.ProposalDraft}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	deps, err := w.Dependencies(w.As("root"), support.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"domains below it": 1, "teams": 1, "principals": 1, "assets": 1, "namespaces": 1, "waiting changes": 1, "open policy proposals": 1}
	if diff := cmp.Diff(want, kinds(deps)); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	rules, err := store.PolicyProposals.Get(t.Context(), w.Store, "ppr_now")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyProposals.Delete(rules)}}); err != nil {
		t.Fatal(err)
	}
	_, err = w.Remove(w.As("root"), support.ID, "")
	if !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), "domains below it (1), teams (1), principals (1), assets (1), namespaces (1), waiting changes (1)") {
		t.Errorf("in use: %v", err)
	}
	if _, err := w.Remove(w.As("ana"), support.ID, ""); !model.Is(err, model.KindDenied) {
		t.Errorf("by a steward: %v", err)
	}
	empty := w.domain("empty", "")
	kept, err := w.Remove(w.As("root"), empty.ID, "a typing error")
	if err != nil || kept.Kind != "domain" || kept.Name != "empty" || kept.Reason != "a typing error" {
		t.Fatalf("got %+v, %v", kept, err)
	}
	if _, err := w.Service.Domain(w.As("root"), empty.ID); !model.Is(err, model.KindNotFound) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := w.DomainByName(w.As("root"), "empty"); !model.Is(err, model.KindNotFound) {
		t.Errorf("its name still leads somewhere: %v", err)
	}
	_, err = w.CreateDomain(w.As("root"), mesh.NewDomain{Name: "empty"})
	servertest.WantField(t, err, model.KindConflict, "name")
	w.restored("root", empty.ID)
	if d, err := w.DomainByName(w.As("eve"), "empty"); err != nil || d.ID != empty.ID {
		t.Errorf("restored: %+v, %v", d, err)
	}
	_, _ = child, team
}

// restored brings a record back.
func (w *world) restored(who string, id model.ID) model.Noun {
	w.Helper()
	kept, err := w.Removal(w.As(who), id)
	if err != nil {
		w.Fatal(err)
	}
	n, err := w.Restore(w.As(who), kept)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func TestRemoveTeam(t *testing.T) {
	w := newWorld(t)
	desk := w.team(w.sales, "desk")
	eve := w.People["eve"].ID
	members := func(ids ...model.ID) {
		t.Helper()
		if _, err := w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: eve, TeamIDs: &ids}); err != nil {
			t.Fatal(err)
		}
	}
	members(desk.ID)
	p, err := w.CreateProduct(w.As("ana"), mesh.NewProduct{Name: "orders", DomainID: w.sales.ID, OwnerTeamID: desk.ID})
	if err != nil {
		t.Fatal(err)
	}
	deps, err := w.Dependencies(w.As("ana"), desk.ID)
	if diff := cmp.Diff(map[string]int{"members": 1, "data products that it looks after": 1}, kinds(deps)); diff != "" || err != nil {
		t.Errorf("dependencies (-want +got):\n%s%v", diff, err)
	}
	if len(deps) == 2 && (len(deps[0].Samples) != 1 || deps[0].Samples[0].Name != "eve" || deps[0].Hint == "") {
		t.Errorf("got %+v", deps[0])
	}
	_, err = w.Remove(w.As("ana"), desk.ID, "")
	servertest.WantField(t, err, model.KindConflict, "id")
	members()
	none := model.ID("")
	if _, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, OwnerTeamID: &none}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Remove(w.As("bo"), desk.ID, ""); !model.Is(err, model.KindDenied) {
		t.Errorf("by another domain's steward: %v", err)
	}
	if _, err := w.Remove(w.As("ana"), desk.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Removal(w.As("bo"), desk.ID); !model.Is(err, model.KindNotFound) {
		t.Errorf("another domain's steward learns of it: %v", err)
	}
	page, err := w.Removals(w.As("ana"), model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 1 || page.Nodes[0].RecordID != desk.ID {
		t.Errorf("removed: %+v, %v", page, err)
	}
	again := w.team(w.sales, "desk") // the name is free again
	kept, err := w.Removal(w.As("ana"), desk.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Restore(w.As("ana"), kept); !model.Is(err, model.KindConflict) {
		t.Errorf("over another's name: %v", err)
	}
	if _, err := w.Remove(w.As("ana"), again.ID, ""); err != nil {
		t.Fatal(err)
	}
	back, ok := w.restored("ana", desk.ID).(*model.Team)
	if !ok || back.ID != desk.ID || back.Name != "desk" || !back.CreatedAt.Equal(desk.CreatedAt) {
		t.Errorf("restored: %+v", back)
	}
}

func TestRemoveProduct(t *testing.T) {
	w := newWorld(t)
	p := w.draft(w.sales)
	if _, err := w.Remove(w.As("bo"), p.ID, ""); !model.Is(err, model.KindNotFound) {
		t.Errorf("by somebody who may not know of it: %v", err)
	}
	if _, err := w.Remove(w.As("ana"), p.ID, strings.Repeat("x", 1001)); !model.Is(err, model.KindInvalid) {
		t.Errorf("a novel for a reason: %v", err)
	}
	if _, err := w.Remove(w.As("ana"), p.ID, ""); err != nil {
		t.Fatal(err)
	}
	second := w.draft(w.sales) // a name that was never on offer is free again
	if _, err := w.Remove(w.As("ana"), second.ID, ""); err != nil {
		t.Fatal(err)
	}
	if back, ok := w.restored("ana", p.ID).(*model.DataProduct); !ok || back.Status != model.Draft || back.OwnerID != w.People["ana"].ID {
		t.Errorf("restored: %+v", back)
	}
	text := "All orders."
	if _, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Description: &text, Ports: &[]model.Port{{Name: "out", Direction: model.OutputPort, AssetIDs: []model.ID{w.asset(w.sales, "t")}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PublishProduct(w.As("ana"), p.ID); err != nil {
		t.Fatal(err)
	}
	_, err := w.Remove(w.As("ana"), p.ID, "")
	if !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), "retire it first") {
		t.Errorf("on offer: %v", err)
	}
}

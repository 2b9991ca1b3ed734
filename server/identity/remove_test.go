package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/store"
)

func TestRenamePrincipal(t *testing.T) {
	w := newWorld(t)
	root, ana := w.person("root", model.RoleAdmin), w.person("ana")
	if _, err := w.RenamePrincipal(w.as(ana), ana.ID, "anna", nil); !model.Is(err, model.KindDenied) {
		t.Errorf("by herself: %v", err)
	}
	got, err := w.RenamePrincipal(w.as(root), ana.ID, "anna", &ana.Revision)
	if err != nil || got.Name != "anna" || got.ID != ana.ID {
		t.Fatalf("got %+v, %v", got, err)
	}
	if led, err := w.PrincipalByName(w.as(root), "ana"); err != nil || led.ID != ana.ID || led.Name != "anna" {
		t.Errorf("the old name leads to %+v, %v", led, err)
	}
	if _, err := w.CreatePrincipal(w.as(root), identity.NewPrincipal{Kind: model.Person, Name: "ana"}); !model.Is(err, model.KindConflict) {
		t.Errorf("somebody else takes the old name: %v", err)
	}
	if _, err := w.RenamePrincipal(w.as(root), ana.ID, "root", nil); !model.Is(err, model.KindConflict) {
		t.Errorf("a name that is taken: %v", err)
	}
	if _, err := w.RenamePrincipal(w.as(root), ana.ID, "no name", nil); !model.Is(err, model.KindInvalid) {
		t.Errorf("no name: %v", err)
	}
	if _, err := w.RenamePrincipal(w.as(root), ana.ID, "annie", &ana.Revision); !model.Is(err, model.KindConflict) {
		t.Errorf("of an old version: %v", err)
	}
	if back, err := w.RenamePrincipal(w.as(root), ana.ID, "ana", nil); err != nil || back.Name != "ana" {
		t.Errorf("back: %+v, %v", back, err)
	}
}

// TestRemovePrincipal takes somebody away who has left, once nothing depends on them.
func TestRemovePrincipal(t *testing.T) {
	w := newWorld(t)
	root, ana := w.person("root", model.RoleAdmin), w.person("ana")
	token, secret := w.token(ana, time.Hour)
	d := model.Domain{Meta: model.Meta{ID: model.NewID(model.PrefixDomain)}, Name: "sales", StewardIDs: []model.ID{ana.ID}}
	p := model.DataProduct{Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: "orders", DomainID: d.ID, OwnerID: ana.ID, Status: model.Published}
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Domains.Put(d), store.Products.Put(p)}}); err != nil {
		t.Fatal(err)
	}
	deps, err := w.Dependencies(w.as(root), ana.ID)
	found := map[string]int{}
	for _, d := range deps {
		found[d.Kind] = d.Count
	}
	want := map[string]int{"domains to speak for": 1, "data products to answer for": 1, "open tokens": 1}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("dependencies (-want +got):\n%s%v", diff, err)
	}
	if _, err := w.Remove(w.as(root), ana.ID, ""); !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), "domains to speak for (1)") {
		t.Errorf("in use: %v", err)
	}
	if _, err := w.Remove(w.as(ana), ana.ID, ""); !model.Is(err, model.KindDenied) {
		t.Errorf("by herself: %v", err)
	}
	d.Revision, p.Revision, d.StewardIDs, p.OwnerID = 1, 1, nil, root.ID
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Domains.Put(d), store.Products.Put(p)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Remove(w.as(root), token.ID, ""); !model.Is(err, model.KindConflict) {
		t.Errorf("a token that opens: %v", err)
	}
	if _, err := w.RevokeToken(w.as(root), token.ID); err != nil {
		t.Fatal(err)
	}
	kept, err := w.Remove(w.as(root), ana.ID, "left the company")
	if err != nil || kept.Name != "ana" {
		t.Fatalf("got %+v, %v", kept, err)
	}
	if _, err := w.Authenticate(t.Context(), secret); !model.Is(err, model.KindUnauthenticated) {
		t.Errorf("her token: %v", err)
	}
	if _, err := w.CreatePrincipal(w.as(root), identity.NewPrincipal{Kind: model.Person, Name: "ana"}); !model.Is(err, model.KindConflict) {
		t.Errorf("somebody else takes her name: %v", err)
	}
	if _, err := w.Restore(w.as(ana), kept); !model.Is(err, model.KindDenied) {
		t.Errorf("she brings herself back: %v", err)
	}
	back, err := w.Restore(w.as(root), kept)
	if p, ok := back.(*model.Principal); err != nil || !ok || p.ID != ana.ID || p.Name != "ana" {
		t.Errorf("restored: %+v, %v", back, err)
	}
	if _, err := w.Authenticate(t.Context(), secret); !model.Is(err, model.KindUnauthenticated) {
		t.Errorf("a closed token opens again: %v", err)
	}
}

func TestLastAdministratorStays(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", model.RoleAdmin)
	if _, err := w.Remove(w.as(root), root.ID, ""); !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), "last administrator") {
		t.Errorf("got %v", err)
	}
}

// TestTokenRecords corrects a token's name, takes a closed one away and brings it back closed.
func TestTokenRecords(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", model.RoleAdmin)
	token, secret := w.token(root, time.Hour)
	got, err := w.RenameToken(w.as(root), token.ID, "laptop", &token.Revision)
	if err != nil || got.Name != "laptop" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := w.RenameToken(w.as(root), token.ID, "", nil); !model.Is(err, model.KindInvalid) {
		t.Errorf("no name: %v", err)
	}
	if _, err := w.Authenticate(t.Context(), secret); err != nil {
		t.Errorf("the renamed token: %v", err)
	}
	if _, err := w.RevokeToken(w.as(root), token.ID); err != nil {
		t.Fatal(err)
	}
	kept, err := w.Remove(w.as(root), token.ID, "")
	if err != nil || kept.Name != "laptop" {
		t.Fatalf("got %+v, %v", kept, err)
	}
	if _, err := w.Restore(w.as(root), kept); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), secret); !model.Is(err, model.KindUnauthenticated) {
		t.Errorf("it opens again: %v", err)
	}
}

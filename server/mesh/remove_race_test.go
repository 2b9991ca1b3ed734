package mesh_test

import (
	"context"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// before is a store in which something happens just before a change is made:
// after whoever makes it has looked around.
type before struct {
	store.Store

	action string
	do     func()
}

// Apply implements store.Store.
func (b *before) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if do := b.do; c.Action == b.action && do != nil {
		b.do = nil
		do()
	}
	return b.Store.Apply(ctx, c)
}

// TestNothingHangsOnWhatHasGone removes a record while something comes to hang on
// it, in both orders: whoever is first is the only one.
func TestNothingHangsOnWhatHasGone(t *testing.T) {
	var w *world
	var home model.Domain
	var team model.Team
	var person model.Principal
	var product model.DataProduct
	for name, c := range map[string]struct {
		goes   string
		action string // of the change that makes the other hang on it
		hangs  func() error
	}{
		"a team": {"domain", "team.create", func() error {
			_, err := w.CreateTeam(w.System(), mesh.NewTeam{Name: "desk", DomainID: home.ID})
			return err
		}},
		"a team that moves": {"domain", "team.move", func() error {
			_, err := w.UpdateTeam(w.System(), mesh.TeamEdit{ID: team.ID, DomainID: &home.ID})
			return err
		}},
		"a product": {"domain", "product.create", func() error {
			_, err := w.CreateProduct(w.As("ana"), mesh.NewProduct{Name: "trips", DomainID: home.ID, OwnerID: person.ID})
			return err
		}},
		"a product that moves": {"domain", "product.move", func() error {
			_, err := w.MoveProduct(w.As("ana"), product.ID, home.ID, nil)
			return err
		}},
		"a domain below": {"domain", "domain.create", func() error {
			_, err := w.CreateDomain(w.System(), mesh.NewDomain{Name: "below", ParentID: home.ID})
			return err
		}},
		"a person": {"domain", "principal.create", func() error {
			_, err := w.Identity.CreatePrincipal(w.System(), identity.NewPrincipal{Kind: model.Person, Name: "cleo", DomainID: home.ID})
			return err
		}},
		"a member": {"team", "principal.update", func() error {
			_, err := w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: person.ID, TeamIDs: &[]model.ID{team.ID}})
			return err
		}},
		"a product of the team": {"team", "product.update", func() error {
			_, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: product.ID, OwnerTeamID: &team.ID})
			return err
		}},
		"a product of the person": {"principal", "product.update", func() error {
			_, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: product.ID, OwnerID: &person.ID})
			return err
		}},
		"a token": {"principal", "token.issue", func() error {
			_, _, err := w.Identity.IssueToken(w.System(), identity.NewToken{PrincipalID: person.ID, Name: "x", Lifetime: identity.MaxLifetime})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, removedFirst := range []bool{true, false} {
				w = newWorld(t)
				home = w.steward(w.domain("freight", ""), "ana")
				person = w.Person(servertest.Person{Name: "carl"})
				var err error
				team, err = w.CreateTeam(w.System(), mesh.NewTeam{Name: "crew", DomainID: w.sales.ID})
				w.Must(err)
				product = w.product("orders")
				remove := func() error {
					if c.goes == "principal" {
						_, err := w.Identity.Remove(w.System(), person.ID, "")
						return err
					}
					_, err := w.Remove(w.System(), map[string]model.ID{"domain": home.ID, "team": team.ID}[c.goes], "")
					return err
				}
				action, first, second := c.action, remove, c.hangs
				if !removedFirst {
					action, first, second = c.goes+".remove", c.hangs, remove
				}
				db := &before{Store: w.Store.Store, action: action}
				db.do = func() { w.Must(first()) }
				w.Store.Store = db
				err = second()
				servertest.WantKind(t, err, model.KindConflict)
				if db.do != nil {
					t.Errorf("nothing was made by %s", action)
				}
			}
		})
	}
}

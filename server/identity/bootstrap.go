package identity

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// The first administrator's token outlasts the days that it takes to set up.
const (
	firstName     = "admin"
	firstLifetime = 90 * 24 * time.Hour
)

// Bootstrap makes the first administrator in an empty store and returns the
// secret of their token. Where there are principals already it does nothing
// and returns "". Of two servers that start at once one makes the principal.
func (s *Service) Bootstrap(ctx context.Context) (string, error) {
	ctx = model.WithPrincipal(ctx, model.System())
	page, err := store.Principals.Find(ctx, s.store, store.Query{Index: "by_name", Limit: 1})
	if err != nil || len(page.Nodes) > 0 {
		return "", err
	}
	p := model.Principal{
		Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: model.Person, Name: firstName, DisplayName: "Administrator",
		Roles: []model.Role{model.RoleAdmin}, Clearance: model.Internal,
	}
	in := s.gate.Session()
	answer, err := s.requireAdmin(ctx, in, p)
	if err != nil {
		return "", err
	}
	t, secret := s.mint(p.ID, "first start", firstLifetime)
	_, err = s.store.Apply(ctx, in.Change(ctx, "principal.bootstrap", p.ID, "first start", answer, store.Principals.Put(p), store.Tokens.Put(t)))
	if model.LostRace(err) { // another server took the name first
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

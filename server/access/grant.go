package access

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Revoke ends a grant at once. A grant that has ended is an error of kind Conflict.
func (s *Service) Revoke(ctx context.Context, grantID model.ID, reason string) (model.Grant, error) {
	if err := (model.Text{Field: "reason", Most: maxComment, Prose: true}).Check(reason); err != nil {
		return model.Grant{}, err
	}
	in := s.gate.Session()
	g, res, err := gate.See(ctx, in, store.Grants, grantID, s.gate.Grant)
	if err != nil {
		return model.Grant{}, err
	}
	answer, err := in.Require(ctx, model.ActGrantRevoke, res)
	if err != nil {
		return model.Grant{}, err
	}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return model.Grant{}, err
	}
	if err := g.End(model.GrantRevoked, model.Instant(s.now())); err != nil {
		return model.Grant{}, err
	}
	g.RevokedBy, g.RevokeReason = actor.ID, reason
	return store.Grants.Apply(ctx, s.store, in.Change(ctx, "grant.revoke", g.ID, reason, answer, store.Grants.Put(g)))
}

// Grant returns one grant, or an error of kind NotFound.
func (s *Service) Grant(ctx context.Context, id model.ID) (model.Grant, error) {
	g, _, err := gate.See(ctx, s.gate, store.Grants, id, s.gate.Grant)
	return g, err
}

// GrantsByID returns those among the ids that the actor may know of, in order.
func (s *Service) GrantsByID(ctx context.Context, ids ...model.ID) ([]model.Grant, error) {
	return gate.SeeMany(ctx, s.gate, store.Grants, s.gate.Grants, ids...)
}

// Grants lists the grants that the actor may see, those that end last first.
func (s *Service) Grants(ctx context.Context, f GrantFilter, p model.Paging) (model.Page[model.Grant], error) {
	q := store.Query{Index: "by_status", Desc: true, Budget: wide}.Narrowed(
		store.Condition{Index: "by_status", Path: "status", Value: string(f.Status)},
		store.Condition{Index: "by_domain", Path: "domain", Value: string(f.DomainID)},
		store.Condition{Index: "by_product", Path: "product", Value: string(f.ProductID)},
		store.Condition{Index: "by_principal", Path: "principal", Value: string(f.PrincipalID)})
	return gate.List(ctx, s.gate, store.Grants, q, p, s.gate.Grants)
}

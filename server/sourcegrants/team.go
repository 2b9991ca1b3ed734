package sourcegrants

import (
	"context"
	"errors"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// settleTeams looks at everything that the teams have in sources, or could have.
func (v *view) settleTeams(ctx context.Context, teams []model.ID) error {
	var trouble error
	for _, team := range teams {
		products, err := v.productsOf(ctx, team)
		for _, product := range products {
			err = errors.Join(err, v.settleTeam(ctx, pair{team, product}))
		}
		trouble = errors.Join(trouble, err)
	}
	return trouble
}

// productsOf are those of the team's rows, and those that its first member was
// granted: what all of them were granted is among these.
func (v *view) productsOf(ctx context.Context, team model.ID) (ids []model.ID, err error) {
	q := store.Query{Index: "by_team", Where: store.Eq("team", string(team)), Limit: store.MaxPage}
	for row, err := range store.SourceGrants.All(ctx, v.service.store, q) {
		if err != nil {
			return nil, err
		}
		if !row.Stray() {
			ids = append(ids, row.ProductID)
		}
	}
	if members := v.teams[team]; len(members) > 0 {
		q := store.Query{
			Index: "by_principal", Limit: store.MaxPage, Budget: wide,
			Where: store.And(store.Eq("principal", string(members[0].ID)), store.Eq("status", string(model.GrantActive))),
		}
		for g, err := range store.Grants.All(ctx, v.service.store, q) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, g.ProductID)
		}
	}
	return unique(ids), nil
}

// settleTeam turns what has changed about a team and a product into work, once in
// a look.
func (v *view) settleTeam(ctx context.Context, p pair) error {
	if v.pairs[p] {
		return nil
	}
	v.pairs[p] = true
	var rows []model.SourceGrant
	q := store.Query{Index: "by_team", Where: store.And(store.Eq("team", string(p.team)), store.Eq("product", string(p.product))), Limit: store.MaxPage}
	for row, err := range store.SourceGrants.All(ctx, v.service.store, q) {
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	wishes, answers, err := v.teamWishes(ctx, p)
	if err != nil {
		return err
	}
	return v.bring(ctx, claim{team: p.team, product: p.product}, rows, wishes, answers)
}

// teamWishes are what all members together may read: nothing, where one of them
// has no grant on the product or the rules do not allow it to one of them, and
// else what is left under the duties of every one. Whoever reads by the team's
// role so never reads more than they would by a role of their own.
func (v *view) teamWishes(ctx context.Context, p pair) (found []wish, answers []gate.Answer, err error) {
	members := v.teams[p.team]
	if len(members) == 0 || len(members) > mostMembers {
		return nil, nil, nil
	}
	grants := make([]model.Grant, 0, len(members))
	for _, m := range members { // all of them before any question: mostly one has none
		g, err := v.grantOn(ctx, m.ID, p.product)
		if err != nil || g == nil {
			return nil, nil, err
		}
		grants = append(grants, *g)
	}
	var duties []model.Obligation
	var o *offer
	for _, g := range grants {
		if o, err = v.offered(ctx, g); err != nil || len(o.places) == 0 {
			return nil, nil, err
		}
		answer, err := v.ask(ctx, g, o)
		if err != nil || !answer.Allowed() {
			return nil, nil, err
		}
		answers, duties = append(answers, answer), append(duties, answer.Obligations...)
	}
	for _, w := range o.places {
		if v.reads(w.source.ID, p.team) != "" { // a team has no role by nature
			found = append(found, v.fill(w, p.team, o.assets, duties))
		}
	}
	return found, answers, nil
}

// grantOn is the member's live grant on the product, or nil.
func (v *view) grantOn(ctx context.Context, member, product model.ID) (*model.Grant, error) {
	q := store.Query{Index: "by_principal", Where: store.And(store.Eq("principal", string(member)), store.Eq("product", string(product))), Limit: store.MaxPage}
	for g, err := range store.Grants.All(ctx, v.service.store, q) {
		if err != nil {
			return nil, err
		}
		if g.Live(v.service.now()) {
			return &g, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

package pdp

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// offering is what is offered of assets: the products that decide over them, and
// whether others offer them that must not.
type offering struct {
	products []model.DataProduct
	barred   bool // a product offers one of them without the consent of its owner
}

func (o offering) any() bool { return len(o.products) > 0 || o.barred }

// offerOf finds every published product of which one of the assets is an
// output. A product of another domain decides nothing before the owner has
// consented, but what it offers is no longer what nobody offers.
func (r *batch) offerOf(ctx context.Context, assets ...model.Asset) (offering, error) {
	var o offering
	for _, a := range assets {
		q := store.Query{Index: "by_asset", Where: store.Eq("asset", string(a.ID)), Limit: store.MaxPage}
		for p, err := range store.Products.All(ctx, r.store, q) {
			if err != nil {
				return o, err
			}
			switch {
			case !p.OnOffer() || !slices.Contains(p.Assets(model.OutputPort), a.ID):
			case !p.MayOffer(a):
				o.barred = true
			case !slices.ContainsFunc(o.products, func(q model.DataProduct) bool { return q.ID == p.ID }):
				o.products = append(o.products, p)
			}
		}
	}
	return o, nil
}

// How far views are followed down to the tables that they show.
const (
	maxDepth   = 8
	maxBeneath = 200
)

// beneath finds what is offered of the same rows under other names: of the
// tables that views show, and of the table that a partition is a part of. A view
// or a partition that nobody offers is decided as they are. What lineage does
// not tell stays unknown.
func (r *batch) beneath(ctx context.Context, assets []model.Asset) (offering, error) {
	seen := map[model.ID]bool{}
	for range maxDepth {
		var below []model.ID
		for _, a := range assets {
			if seen[a.ID] {
				continue
			}
			seen[a.ID] = true
			others, err := r.sameRows(ctx, a)
			if err != nil {
				return offering{}, err
			}
			below = append(below, others...)
		}
		slices.Sort(below)
		below = slices.Compact(below)
		if len(below) == 0 {
			return offering{}, nil
		}
		if len(below) > maxBeneath {
			return offering{barred: true}, nil // too many to look at: nobody can say that it is open
		}
		var err error
		if assets, err = store.Assets.GetMany(ctx, r.store, below...); err != nil {
			return offering{}, err
		}
		if o, err := r.offerOf(ctx, assets...); err != nil || o.any() {
			return o, err
		}
	}
	return offering{barred: true}, nil
}

// sameRows lists the assets whose rows the asset shows. What a source says of a
// view's table adds to what lineage says of the view, and never stands for it.
func (r *batch) sameRows(ctx context.Context, a model.Asset) ([]model.ID, error) {
	var ids []model.ID
	if whole := a.Properties[model.PropertyPartitionOf]; whole != "" {
		var err error
		if ids, err = r.named(ctx, a.Namespace, whole); err != nil {
			return nil, err
		}
	}
	if a.Kind != model.KindView && a.Kind != model.KindMaterializedView {
		return ids, nil
	}
	q := store.Query{Index: "by_to", Where: store.Eq("to", string(a.ID)), Limit: store.MaxPage}
	for e, err := range store.Edges.All(ctx, r.store, q) {
		if err != nil {
			return nil, err
		}
		if e.Kind == model.EdgeDerives {
			ids = append(ids, e.FromID)
		}
	}
	return ids, nil
}

func (r *batch) named(ctx context.Context, namespace, name string) ([]model.ID, error) {
	var ids []model.ID
	q := store.Query{Index: "by_namespace", Where: store.And(store.Eq("namespace", namespace), store.Eq("name", name)), Limit: store.MaxPage}
	for a, err := range store.Assets.All(ctx, r.store, q) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, a.ID)
	}
	return ids, nil
}

// strictest asks about the products of the offer, one after the other: the first
// that refuses decides, so that a table which several hide costs what one does
// that nobody offers. Otherwise the duties of all stand together.
func (r *batch) strictest(ctx context.Context, who *model.Principal, o offering, q Question, ask asker) (model.Decision, error) {
	if who == nil {
		return unknown("subject.unknown", "There is no such subject here."), nil
	}
	if len(o.products) == 0 {
		return unknown("product.unconsented", "The product offers data of another domain, which has not consented."), nil
	}
	decisions := make([]model.Decision, len(o.products))
	for i, p := range o.products {
		res, err := r.gate.Product(ctx, p)
		if err != nil {
			return model.Decision{}, err
		}
		about, err := r.withPurpose(ctx, *who, res, q)
		if err != nil {
			return model.Decision{}, err
		}
		if decisions[i], err = ask(ctx, *who, target{res: res}, about); err != nil || !decisions[i].Allowed() {
			return decisions[i], err
		}
	}
	return policy.Strictest(decisions...), nil
}

// withPurpose states, where the question does not, what the subject's grant on
// the product was given for.
func (r *batch) withPurpose(ctx context.Context, who model.Principal, res policy.Resource, q Question) (Question, error) {
	if said, _ := q.Context["purpose"].(string); said != "" {
		return q, nil
	}
	purpose, err := r.session.Purpose(ctx, who, res)
	if err != nil {
		return q, err
	}
	stated := map[string]any{"purpose": purpose}
	for key, value := range q.Context {
		if key != "purpose" {
			stated[key] = value
		}
	}
	q.Context = stated
	return q, nil
}

// altersRows reports a duty about columns or rows, which a view may have renamed.
func altersRows(d model.Decision) bool {
	return slices.ContainsFunc(d.Obligations, func(o model.Obligation) bool {
		return o.Type == model.ObligeMask || o.Type == model.ObligeRowFilter
	})
}

package pdp

import (
	"context"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Column gives the column of the table that a duty is about. Its field is the
// name of the column, dots included, or the same behind the name of the table,
// with its schema or without. It is false where the duty is about no column of
// this table; of a table whose columns nobody knows, every plain name is one.
func (a Answer) Column(o model.Obligation) (string, bool) {
	return model.ColumnIn(a.table.Schema, a.table.Table, a.Fields, o.Params["field"])
}

// fitted refuses what is allowed only with a duty on a column that the product
// does not have: a duty that nobody can carry out is not carried out.
func (r *batch) fitted(ctx context.Context, p model.DataProduct, a Answer) (model.Decision, error) {
	for _, o := range a.Obligations {
		if o.Type != model.ObligeMask && o.Type != model.ObligeRowFilter || !o.Mandatory || !a.Allowed() {
			continue
		}
		if _, ok := a.Column(o); ok {
			continue
		}
		elsewhere, err := r.elsewhere(ctx, p, o)
		if err != nil {
			return a.Decision, err
		}
		if !elsewhere {
			a.Outcome, a.Reasons = model.Deny, []model.Reason{unfit(o)}
		}
	}
	return a.Decision, nil
}

func unfit(o model.Obligation) model.Reason {
	return model.Reason{
		Code: "obligation.no_column", Origin: "engine",
		Message: "It is allowed only with the duty " + o.ID + " (" + string(o.Type) + ") on the field " + o.Params["field"] +
			", and there is no such column: correct the field in the rule, or harvest the table again.",
	}
}

// elsewhere reports whether a duty is about another table of the product. A
// mask may name its column alone; a filter names its table too, since the rows
// of this one would else be shown without it.
func (r *batch) elsewhere(ctx context.Context, p model.DataProduct, o model.Obligation) (bool, error) {
	assets, err := store.Assets.GetMany(ctx, r.store, p.Assets(model.OutputPort)...)
	return slices.ContainsFunc(assets, func(a model.Asset) bool {
		name, ok := a.Column(o.Params["field"])
		return ok && (o.Type == model.ObligeMask || name != o.Params["field"] && !strings.EqualFold(name, o.Params["field"]))
	}), err
}

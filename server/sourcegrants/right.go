package sourcegrants

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
)

// cannot is why a right is not given until somebody has acted.
func cannot(code, message, fix string) *model.Failure {
	return &model.Failure{Fault: model.FaultConfig, Code: "source_grant." + code, Message: message, Fix: fix}
}

// fill says which right the source shall have for the holder, a principal or a
// team, or why none can be given.
func (v *view) fill(w wish, holder model.ID, assets []model.Asset, duties []model.Obligation) wish {
	role := v.reads(w.source.ID, holder)
	if role == "" {
		w.failure = cannot("no_role", "nobody has named the role by which the holder reads in the source "+string(w.source.Name), "name it with setSourceRole")
		return w
	}
	i := slices.IndexFunc(assets, func(a model.Asset) bool { return a.ID == w.asset })
	a := assets[i]
	if len(a.Fields) == 0 {
		w.failure = cannot("no_fields", "nobody knows the fields of "+a.Name, "harvest the source")
		return w
	}
	right := &model.SourceRight{Role: role, Namespace: a.Namespace, Name: a.Name, StableID: stableID(a, w.source.ID)}
	for _, o := range duties {
		if w.failure = oblige(right, a, assets, o); w.failure != nil {
			return w
		}
	}
	for _, f := range a.Fields {
		if _, masked := right.Masks[f.Name]; !masked {
			right.Fields = append(right.Fields, f.Name)
		}
	}
	w.right = right
	return w
}

func stableID(a model.Asset, source model.ID) string {
	for _, s := range a.Sightings {
		if s.SourceID == source {
			return s.StableID
		}
	}
	return ""
}

// strength orders masks: of two on one field the one that shows less counts.
func strength(with string) int {
	return slices.Index([]string{"none", "partial", "hash", "null"}, with)
}

// oblige puts a duty into the right, or says why it cannot be kept. A duty that
// no source carries out refuses the right if it is mandatory.
func oblige(r *model.SourceRight, a model.Asset, assets []model.Asset, o model.Obligation) *model.Failure {
	switch o.Type {
	case model.ObligeMask, model.ObligeRowFilter:
	case model.ObligeTTLMax: // the grant's end has seen to it
		return nil
	default:
		if !o.Mandatory {
			return nil
		}
		return cannot("duty", "the rules allow it only with the duty "+o.ID+" ("+string(o.Type)+"), which no source carries out", "let the holder read through a door that does")
	}
	field := o.Params["field"]
	column, here := a.Column(field)
	switch {
	case !here && (!o.Mandatory || elsewhere(assets, o)):
		return nil
	case !here:
		return cannot("no_field", "the rules allow it only with the duty "+o.ID+" on the field "+field+", and there is no such field", "correct the field in the rule, or harvest the source again")
	case o.Type == model.ObligeRowFilter:
		f := model.SourceFilter{Field: column, Op: o.Params["op"], Value: o.Params["value"]}
		if !slices.Contains(r.Filters, f) { // the members of a team mostly have the same
			r.Filters = append(r.Filters, f)
		}
		return nil
	}
	with := o.Params["with"]
	if before, masked := r.Masks[column]; with == "none" || masked && strength(before) >= strength(with) {
		return nil
	}
	if r.Masks == nil {
		r.Masks = map[string]string{}
	}
	r.Masks[column] = with
	return nil
}

// elsewhere reports whether the duty is about another asset of the product. A
// filter names its table, since the rows of this one would else be shown without it.
func elsewhere(assets []model.Asset, o model.Obligation) bool {
	field := o.Params["field"]
	return slices.ContainsFunc(assets, func(a model.Asset) bool {
		name, ok := a.Column(field)
		return ok && (o.Type == model.ObligeMask || !strings.EqualFold(name, field))
	})
}

// grantOf is the right of a row as the plugin is told of it.
func grantOf(row model.SourceGrant, r *model.SourceRight) sdk.Grant {
	g := sdk.Grant{ID: cmp.Or(r.ID, string(row.ID)), TakeOver: row.TakesOver, Asset: sdk.NativeID{Namespace: r.Namespace, Name: r.Name}, StableID: r.StableID, Role: r.Role, Fields: r.Fields}
	for _, field := range slices.Sorted(maps.Keys(r.Masks)) {
		g.Masks = append(g.Masks, sdk.Mask{Field: field, With: r.Masks[field]})
	}
	for _, f := range r.Filters {
		g.Filters = append(g.Filters, sdk.RowFilter{Field: f.Field, Op: f.Op, Value: f.Value})
	}
	return g
}

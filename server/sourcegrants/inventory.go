package sourcegrants

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server/store"
)

// plannedEach is how many rights a check has planned anew though the source lists
// them, others each time: a list does not tell of everything.
const plannedEach = 200

// inventory is what the source may have from Souk by the records, and what it says
// that it has.
type inventory struct {
	rows    []model.SourceGrant // that may be in the source
	holders map[string]model.SourceRole
	named   map[string]bool          // what has a name of its own in the source, by the records
	direct  map[spot]map[string]bool // fields by the records, "" for all of them

	held   []sdk.HeldGrant // from Souk, by the source
	names  map[string]bool
	fields map[spot]map[string]bool
}

// spot is a role on an asset.
type spot struct{ role, namespace, name string }

func spotOf(r *model.SourceRight) spot { return spot{r.Role, r.Namespace, r.Name} }

// shaped tells whether the right is read through something of its own.
func shaped(r *model.SourceRight) bool { return len(r.Masks)+len(r.Filters) > 0 }

// note adds the fields; none are all of them.
func note(to map[spot]map[string]bool, at spot, fields []string) {
	if to[at] == nil {
		to[at] = map[string]bool{}
	}
	for _, field := range fields {
		to[at][field] = true
	}
	if len(fields) == 0 {
		to[at][""] = true
	}
}

func (h *holding) inventory(ctx context.Context) (*inventory, error) {
	in := &inventory{
		holders: map[string]model.SourceRole{}, named: map[string]bool{}, direct: map[spot]map[string]bool{},
		names: map[string]bool{}, fields: map[spot]map[string]bool{},
	}
	q := store.Query{Index: "by_role", Where: store.Eq("source", string(h.source.ID)), Limit: store.MaxPage}
	for role, err := range store.SourceRoles.All(ctx, h.service.store, q) {
		if err != nil {
			return nil, err
		}
		in.holders[role.Role] = role
	}
	q = store.Query{Index: "by_held", Where: store.And(store.Eq("source", string(h.source.ID)), store.Exists("held")), Limit: store.MaxPage}
	for row, err := range store.SourceGrants.All(ctx, h.service.store, q) {
		if err != nil {
			return nil, err
		}
		in.rows = append(in.rows, row)
		if row.Stray() {
			continue
		}
		if in.named[grantOf(row, row.Given).ID] = true; !shaped(row.Given) {
			note(in.direct, spotOf(row.Given), row.Given.Fields)
		}
	}
	return in, nil
}

// applied are the rows that the source shall have as they are.
func (in *inventory) applied() (rows []model.SourceGrant) {
	for _, row := range in.rows {
		if row.State == model.SourceGrantApplied && row.Wanted.Same(row.Given) {
			rows = append(rows, row)
		}
	}
	return rows
}

// roles are all that anything is or may be given to.
func (in *inventory) roles() []string {
	roles := maps.Clone(in.holders)
	for _, row := range in.rows {
		roles[row.Given.Role] = model.SourceRole{}
	}
	return slices.Sorted(maps.Keys(roles))
}

// found takes down what the source has from Souk.
func (in *inventory) found(h sdk.HeldGrant) error {
	if !h.Ours {
		return nil
	}
	in.held = append(in.held, h)
	if h.GrantID != "" {
		in.names[h.GrantID] = true
		return nil
	}
	note(in.fields, spot{h.Role, h.Asset.Namespace, h.Asset.Name}, h.Fields)
	return nil
}

// has tells whether the source lists the right of the row, whole.
func (in *inventory) has(r *model.SourceRight, row model.SourceGrant) bool {
	if named := in.names[grantOf(row, r).ID]; named || shaped(r) {
		return named
	}
	have := in.fields[spotOf(r)]
	return have[""] || len(r.Fields) > 0 && !slices.ContainsFunc(r.Fields, func(field string) bool { return !have[field] })
}

// turnOf tells whether it is the row's turn to be planned, though it is listed.
func (in *inventory) turnOf(row model.SourceGrant, turn int64) bool {
	turns := int64((len(in.rows) + plannedEach - 1) / plannedEach)
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(row.ID)) // a hash takes everything
	return turns <= 1 || int64(sum.Sum32())%turns == turn%turns
}

// unaccounted are the rights from Souk that no record tells of. A right on an asset
// that no record of its role names may be one that was renamed since it was
// harvested, where the role has such a record.
func (in *inventory) unaccounted() (strays []model.SourceRight) {
	renamed := map[string]bool{}
	for _, row := range in.rows {
		if !row.Stray() && !shaped(row.Given) && row.Given.StableID != "" && in.fields[spotOf(row.Given)] == nil && !in.names[grantOf(row, row.Given).ID] {
			renamed[row.Given.Role] = true
		}
	}
	for _, h := range in.held {
		r := model.SourceRight{Role: h.Role, Namespace: h.Asset.Namespace, Name: h.Asset.Name}
		known := in.direct[spotOf(&r)]
		switch {
		case h.GrantID != "":
			if !in.named[h.GrantID] {
				r.ID, r.Masks = h.GrantID, map[string]string{}
				for _, field := range h.Fields { // of a view; which of them are masked nobody knows
					r.Masks[field] = "null"
				}
				strays = append(strays, r)
			}
		case known[""] || known == nil && renamed[h.Role]:
		case len(h.Fields) == 0:
			strays = append(strays, r)
		default:
			r.Fields = slices.DeleteFunc(slices.Clone(h.Fields), func(field string) bool { return known[field] })
			if len(r.Fields) > 0 {
				strays = append(strays, r)
			}
		}
	}
	return strays
}

// Package sqlgrant plans the right to read a table of an SQL database, as far as
// that is the same in all of them: what a grant names, masks and shows, and what
// other grants keep. It owns no statement and quotes nothing: each database does that
// in words of its own.
package sqlgrant

import (
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

// SayMasks tells people what to expect of the masks of a view.
func SayMasks(p *granting.Plan, masks []sdk.Mask) {
	words := map[string]string{
		"null":    "null: the column is empty in every row.",
		"hash":    "hash: SHA-256 of the text, so equal values stay equal; a value that can be guessed can be found by trying. A column that is no text is empty.",
		"partial": "partial: the last four characters of what is longer than eight. A column that is no text is empty.",
	}
	for _, with := range []string{"null", "hash", "partial"} {
		if slices.ContainsFunc(masks, func(m sdk.Mask) bool { return m.With == with }) {
			p.Remark("Mask %s", words[with])
		}
	}
}

// Shaped tells whether the grant is read through a view.
func Shaped(g sdk.Grant) bool { return len(g.Masks)+len(g.Filters) > 0 }

// Named are the columns that the grant names.
func Named(g sdk.Grant) []string {
	names := slices.Clone(g.Fields)
	for _, m := range g.Masks {
		names = append(names, m.Field)
	}
	for _, f := range g.Filters {
		names = append(names, f.Field)
	}
	return names
}

// Kept are the columns that other grants need, and "" for the whole table.
func Kept(others []sdk.Grant) map[string]bool {
	kept := map[string]bool{}
	for _, other := range others {
		if Shaped(other) {
			continue
		}
		kept[""] = kept[""] || len(other.Fields) == 0
		for _, field := range other.Fields {
			kept[field] = true
		}
	}
	return kept
}

// Shown are the columns of a view, in the order of the table. The mask is given
// the number of its column.
func Shown(g sdk.Grant, columns []string, quote func(string) string, mask func(column int, with string) string) (list []string, err error) {
	for n, name := range columns {
		i := slices.IndexFunc(g.Masks, func(m sdk.Mask) bool { return m.Field == name })
		switch {
		case i >= 0:
			list = append(list, mask(n, g.Masks[i].With))
		case len(g.Fields) == 0 || slices.Contains(g.Fields, name):
			list = append(list, quote(name))
		}
	}
	if len(list) == 0 {
		return nil, sdk.Config("grant.fields", "leaves nothing to read", "name a column that may be read")
	}
	return list, nil
}

// Where is the condition of all filters with its word, or "". A comparison is
// given the sign and the values, of which only IN has more than one.
func Where(filters []sdk.RowFilter, compare func(field, sign string, values []string) (string, error)) (string, error) {
	signs := map[string]string{"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "in": "IN"}
	var all []string
	for _, f := range filters {
		values := []string{f.Value}
		if f.Op == "in" {
			values = strings.Split(f.Value, ",")
			for i := range values {
				values[i] = strings.TrimSpace(values[i])
			}
		}
		one, err := compare(f.Field, signs[f.Op], values)
		if err != nil {
			return "", err
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(all, " AND "), nil
}

// Comparison writes one with values that are literals already.
func Comparison(left, sign string, literals []string) string {
	if sign == "IN" {
		return left + " IN (" + strings.Join(literals, ", ") + ")"
	}
	return left + " " + sign + " " + literals[0]
}

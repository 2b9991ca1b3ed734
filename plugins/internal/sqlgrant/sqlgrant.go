// Package sqlgrant plans the right to read a table of an SQL database, as far as
// that is the same in all of them: what a grant names and shows, what other grants
// keep, how a plan is settled and how ways to read are told. It owns no statement
// and quotes nothing: each database does that in words of its own.
package sqlgrant

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// Plan is one that is being made.
type Plan struct{ sdk.GrantPlan }

// Do adds a statement.
func (p *Plan) Do(format string, args ...any) {
	p.Statements = append(p.Statements, fmt.Sprintf(format, args...))
}

// Remark adds a sentence for people.
func (p *Plan) Remark(format string, args ...any) {
	p.Remarks = append(p.Remarks, fmt.Sprintf(format, args...))
}

// SayMasks tells people what to expect of the masks of a view.
func (p *Plan) SayMasks(masks []sdk.Mask) {
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

// Stand seals the plan with what it was made on.
func (p *Plan) Stand(state any) (sdk.GrantPlan, error) {
	text, err := json.Marshal(state)
	if err != nil {
		return sdk.GrantPlan{}, errors.Join(errors.New("write the state down"), err)
	}
	sum := sha256.Sum256(text)
	p.Precondition = hex.EncodeToString(sum[:])
	return p.GrantPlan, nil
}

// Settle does what was asked if that is what is planned now, and looks whether
// the server has done all of it: some only warn where a right is missing.
func Settle(asked sdk.GrantPlan, plan func() (sdk.GrantPlan, error), do func(statements []string) error) (sdk.GrantOutcome, error) {
	now, err := plan()
	switch {
	case err != nil:
		return "", err
	case len(now.Statements) == 0:
		return sdk.GrantAlready, nil
	case now.Precondition != asked.Precondition || !slices.Equal(now.Statements, asked.Statements):
		return sdk.GrantChanged, nil
	}
	if err := do(now.Statements); err != nil {
		return "", err
	}
	left, err := plan()
	if err != nil {
		return "", err
	}
	if len(left.Statements) > 0 {
		return "", sdk.Denied("the server did not do all of it: "+left.Statements[0], "look into the log of the server")
	}
	return sdk.GrantDone, nil
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

// AddWay adds a way to those of its kind, so that each is told once with all its
// columns. One without a column is about all of them.
func AddWay(ways []sdk.Way, way sdk.Way) []sdk.Way {
	same := func(w sdk.Way) bool { return w.Kind == way.Kind && w.Through == way.Through && w.Ours == way.Ours }
	i := slices.IndexFunc(ways, same)
	switch {
	case i < 0:
		return append(ways, way)
	case len(ways[i].Fields) == 0 || len(way.Fields) == 0:
		ways[i].Fields = nil
	default:
		ways[i].Fields = append(ways[i].Fields, way.Fields...)
	}
	return ways
}

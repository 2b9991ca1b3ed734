package dbt

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// semantic reports what has a meaning and no table: it lives in the project alone.
func semantic(n *node) bool {
	return n.Type == "metric" || n.Type == "semantic_model" || n.Type == "saved_query"
}

// element is an entity, a dimension or a measure of a semantic model.
type element struct {
	Name        text `json:"name"`
	Type        text `json:"type"`
	Agg         text `json:"agg"`
	Description text `json:"description"`
	Expr        text `json:"expr"`
}

type elements []element

// UnmarshalJSON takes anything that is no list of objects for none.
func (e *elements) UnmarshalJSON(b []byte) error {
	var list []element
	if json.Unmarshal(b, &list) != nil {
		list = nil
	}
	*e = list
	return nil
}

// meanings are the fields of a semantic model: what it counts by, and what it counts.
func meanings(n *node) []sdk.Field {
	var fields []sdk.Field
	for _, part := range []struct {
		what string
		of   elements
	}{{"entity", n.Entities}, {"dimension", n.Dimensions}, {"measure", n.Measures}} {
		for _, e := range part.of {
			if e.Name == "" {
				continue
			}
			f := sdk.Field{
				Name: string(e.Name), Position: len(fields) + 1, Description: string(e.Description), Nullable: true,
				NativeType: strings.TrimSpace(part.what + " " + string(cmp.Or(e.Type, e.Agg))),
			}
			if e.Expr != "" {
				f.Meta = map[string]string{"expr": clip(string(e.Expr))}
			}
			fields = append(fields, f)
		}
	}
	return fields
}

// definition is what a metric or a saved query computes, without what is not said.
func definition(n *node) (text, language string) {
	all := map[string]any{}
	for _, part := range []struct {
		name string
		raw  json.RawMessage
	}{{"type_params", n.TypeParams}, {"filter", n.Filter}, {"query_params", n.QueryParams}} {
		var value any
		if json.Unmarshal(part.raw, &value) == nil && said(value) {
			all[part.name] = pruned(value)
		}
	}
	if len(all) == 0 {
		return "", ""
	}
	out, err := json.Marshal(all)
	if err != nil {
		return "", ""
	}
	return string(out), "json"
}

// said reports whether the value says anything.
func said(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return slices.ContainsFunc(v, said)
	case map[string]any:
		for _, inner := range v {
			if said(inner) {
				return true
			}
		}
		return false
	}
	return true
}

// pruned leaves out of objects what says nothing.
func pruned(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	case map[string]any:
		for key, inner := range v {
			if v[key] = pruned(inner); !said(inner) {
				delete(v, key)
			}
		}
	}
	return value
}

// freshnessOf is the limit that a source sets for its age, or nil.
func freshnessOf(n *node) *sdk.Freshness {
	if n.Type != "source" {
		return nil
	}
	f := sdk.Freshness{Field: cmp.Or(string(n.LoadedAt), string(n.Config.LoadedAtField))}
	for _, limits := range []dict{n.Config.Freshness, n.Freshness} {
		f.WarnAfter = cmp.Or(f.WarnAfter, ageOf(limits["warn_after"]))
		f.ErrorAfter = cmp.Or(f.ErrorAfter, ageOf(limits["error_after"]))
	}
	if f.WarnAfter == 0 && f.ErrorAfter == 0 {
		return nil
	}
	return &f
}

// ageOf reads a count of periods; 0 is no limit.
func ageOf(limit json.RawMessage) time.Duration {
	var count, period text
	_ = count.UnmarshalJSON(keyOf(limit, "count"))
	_ = period.UnmarshalJSON(keyOf(limit, "period"))
	unit := map[text]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[period]
	n, err := strconv.ParseFloat(string(count), 64)
	if err != nil || n <= 0 || unit == 0 || n > float64(math.MaxInt64)/float64(unit) {
		return 0
	}
	return time.Duration(n * float64(unit))
}

// enforced are the constraints of a contract, beside keys and what may not be
// empty, which have places of their own. Without a contract dbt enforces none.
func (p *project) enforced(n *node, fields []sdk.Field) []sdk.Constraint {
	if !n.Contract.Enforced && !n.Config.Contract.Enforced {
		return nil
	}
	all := slices.Clone(n.Constraints)
	for _, c := range n.Columns {
		for _, k := range c.Constraints {
			k.Columns = texts{string(c.Name)}
			all = append(all, k)
		}
	}
	var found []sdk.Constraint
	for _, k := range all {
		kind := strings.ToUpper(string(k.Type))
		if kind != sdk.Unique && kind != sdk.Check {
			continue
		}
		c := sdk.Constraint{Name: string(k.Name), Kind: kind, Expression: string(k.Expression)}
		for _, name := range k.Columns {
			if i := find(fields, name, n.Columns); i >= 0 {
				name = fields[i].Name
			}
			c.Fields = append(c.Fields, name)
		}
		found = append(found, c)
	}
	return found
}

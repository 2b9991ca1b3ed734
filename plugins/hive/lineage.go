package hive

import (
	"cmp"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// view is one whose SQL names tables, which may be listed after it.
type view struct {
	id    sdk.NativeID
	scope string
	names []named
}

// named is a table that a view names. Where it is not sure, it counts if a table
// of the name is known.
type named struct {
	id         sdk.NativeID
	sure       bool
	confidence float64
}

// remember keeps what a view is made of, as far as it is of this Metastore.
func (h *harvest) remember(p place, a *sdk.Asset, t table) {
	v := view{id: a.ID, scope: a.Scope}
	add := func(n named, ok bool) {
		if ok && !slices.ContainsFunc(v.names, func(o named) bool { return o.id == n.id }) {
			v.names = append(v.names, n)
		}
	}
	wrapped, byTrino := metastore.Unwrap(t.original)
	switch expanded := !byTrino && t.expanded != "" && !metastore.Wrapped(t.expanded); {
	case len(t.uses) > 0:
		for _, used := range t.uses {
			add(h.qualified(p, strings.Split(clean(used), "."), true))
		}
	case byTrino:
		for _, name := range metastore.Dialect(t.original).Tables(wrapped.SQL) {
			add(h.trinos(p, wrapped, name))
		}
	case a.Kind != "TABLE":
		text := a.Definition
		if expanded {
			text = t.expanded
		}
		for _, name := range metastore.Dialect(t.original).Tables(text) {
			add(h.qualified(p, name, expanded && len(name) > 1))
		}
	}
	if len(v.names) > 0 {
		slices.SortFunc(v.names, func(a, b named) int { return cmp.Compare(a.id.Name, b.id.Name) })
		h.views = append(h.views, v)
	}
}

// qualified gives the table that a name of Hive or Spark means in the view of a
// database. Names that Hive has qualified itself are sure, also where the table is
// not harvested.
func (h *harvest) qualified(p place, name []string, sure bool) (named, bool) {
	if len(name) == 3 {
		catalog := strings.ToLower(name[0])
		if catalog != "spark_catalog" && catalog != cmp.Or(p.catalog, standard) {
			return named{}, false
		}
		name = name[1:]
	}
	n := named{sure: sure, confidence: map[bool]float64{true: 1, false: 0.9}[sure]}
	switch len(name) {
	case 1:
		n.id = h.id(p, strings.ToLower(name[0]))
	case 2:
		n.id = h.id(place{p.catalog, strings.ToLower(name[0])}, strings.ToLower(name[1]))
	}
	return n, n.id.Name != ""
}

// trinos gives the table that a name means in a view of Presto or Trino, whose
// catalogs are Trino's own.
func (h *harvest) trinos(p place, v metastore.View, name []string) (named, bool) {
	catalog, schema, table := v.Catalog, cmp.Or(v.Schema, p.database), name[len(name)-1]
	switch len(name) {
	case 2:
		schema = name[0]
	case 3:
		catalog, schema = name[0], name[1]
	}
	ours := len(h.Trino) > 0 && slices.ContainsFunc(h.Trino, func(c string) bool { return strings.EqualFold(c, catalog) })
	if len(name) > 3 || len(h.Trino) > 0 && catalog != "" && !ours {
		return named{}, false
	}
	n := named{id: h.id(place{p.catalog, strings.ToLower(schema)}, strings.ToLower(table)), confidence: 0.7}
	if ours || catalog == "" {
		n.confidence = 0.9
	}
	return n, true
}

// viewEdges emits what views are made of, now that all tables are known. How a
// column comes about is not read.
func (h *harvest) viewEdges() error {
	for _, v := range h.views {
		for _, n := range v.names {
			if !n.sure && !h.known[n.id] {
				continue
			}
			if err := h.derives(n.id, v.id, v.scope, "hive.view", n.confidence); err != nil {
				return err
			}
		}
	}
	return nil
}

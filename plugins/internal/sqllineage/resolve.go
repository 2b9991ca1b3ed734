package sqllineage

import (
	"cmp"
	"slices"
	"strings"
)

// relation is what a name of a FROM stands for, or what a query gives.
type relation struct {
	alias   string
	name    []string // of a table, in its parts
	columns []Column // all of them, where whole
	whole   bool
	table   string   // the table whose columns are not known
	loose   bool     // a function that gives rows: whatever column is asked for is made of origins
	origins []Origin // those of a loose one
	direct  bool     // a loose one that gives the values of one column as they stand
	unknown string
	using   []string
}

// open tells that it is not known which columns there are.
func (r relation) open() bool { return !r.whole }

func (r relation) why() string {
	if r.unknown != "" {
		return r.unknown
	}
	if r.loose {
		return "all columns of a function"
	}
	return "all columns of " + strings.Join(r.name, ".") + ", of which it is not known which it has"
}

// scope is what names mean in one SELECT.
type scope struct {
	outer   *scope
	with    *common
	from    []relation
	windows map[string]span
	items   []Column // those before the one that is read: some dialects let it name them
}

// common is a part of WITH, with those that can be seen from it.
type common struct {
	part  *part
	outer *common
	rel   *relation // once it is known
	busy  bool      // it is being read, and so names itself
	first *relation // what its first arm gave
}

type resolver struct {
	Reader
	*parser
	ops int
}

func (w *resolver) query(q *query, outer *scope) relation {
	if w.depth++; w.depth > deepest {
		w.depth--
		w.ops = mostOps + 1
		return relation{unknown: "queries lie too deep in one another"}
	}
	defer func() { w.depth-- }()
	s := &scope{outer: outer}
	if outer != nil {
		s.with = outer.with
	}
	for _, p := range q.with {
		s.with = &common{part: p, outer: s.with}
	}
	var all relation
	for i, a := range q.arms {
		rel := w.arm(a, s)
		if i == 0 {
			all = rel
			w.remember(q, s, rel)
			continue
		}
		all = w.combine(all, rel, a)
	}
	return all
}

// remember keeps what the first arm of a recursive query gives.
func (w *resolver) remember(q *query, s *scope, rel relation) {
	for c := s.with; c != nil; c = c.outer {
		if c.busy && c.part.body == q {
			rel.columns = renamed(rel.columns, c.part.columns)
			c.first = &rel
		}
	}
}

func (w *resolver) arm(a arm, s *scope) relation {
	switch {
	case a.sub != nil:
		return w.query(a.sub, s)
	case a.values != nil:
		rel := relation{whole: true}
		for _, at := range a.values {
			rel.columns = append(rel.columns, w.made(item{span: at}, s))
		}
		return rel
	case a.sel == nil:
		return relation{unknown: "an empty query"}
	}
	return w.selection(a.sel, s)
}

// combine puts the columns of two arms together: by their place, or by name.
func (w *resolver) combine(a, b relation, how arm) relation {
	if how.op == "except" || how.op == "minus" {
		return a
	}
	if a.open() || b.open() {
		return relation{unknown: cmp.Or(a.unknown, b.unknown, "a set operation over columns of which it is not known which there are")}
	}
	if !how.byName && len(a.columns) != len(b.columns) {
		return relation{unknown: "the sides of a set operation have not as many columns"}
	}
	out := relation{whole: true, columns: slices.Clone(a.columns)}
	for i, c := range b.columns {
		at := i
		if how.byName {
			at = slices.IndexFunc(out.columns, func(o Column) bool { return same(o.Name, c.Name) })
		}
		if at < 0 {
			out.columns = append(out.columns, c)
			continue
		}
		o := &out.columns[at]
		o.From, o.Unknown = w.union(o.From, c.From, Identity), cmp.Or(o.Unknown, c.Unknown)
	}
	return out
}

// union adds origins to others, each once: the way that changes least counts.
func (w *resolver) union(to, from []Origin, how How) []Origin {
	w.ops += len(from) + 1
	if w.ops > mostOps {
		return nil
	}
	out := slices.Clone(to)
	place := make(map[[2]string]int, len(to))
	for i, o := range out {
		place[[2]string{o.Table, o.Column}] = i
	}
	for _, o := range from {
		o.How = max(o.How, how)
		key := [2]string{o.Table, o.Column}
		if i, there := place[key]; there {
			out[i].How = min(out[i].How, o.How)
			continue
		}
		place[key] = len(out)
		out = append(out, o)
	}
	return out
}

// selection gives the columns of one SELECT.
func (w *resolver) selection(sel *selection, outer *scope) relation {
	s := &scope{outer: outer.outer, with: outer.with, windows: sel.windows}
	for _, r := range sel.from {
		s.from = append(s.from, w.ref(r, s))
	}
	out := relation{whole: true}
	for _, it := range sel.items {
		if w.ops += 1; w.ops > mostOps {
			return relation{unknown: "the columns are too many to follow"}
		}
		if !it.star {
			c := w.made(it, s)
			out.columns = append(out.columns, c)
			s.items = append(s.items, c)
			continue
		}
		all, rest, why := w.star(it, s)
		if why != "" {
			return relation{unknown: why}
		}
		if rest != nil && out.open() {
			return relation{unknown: "two stars over tables of which it is not known which columns they have"}
		}
		if rest != nil {
			out.whole, out.table, out.name = false, rest.table, rest.name
		}
		out.columns = append(out.columns, all...)
	}
	return out
}

// star gives the columns that a star stands for, and the one table of which it is
// not known which columns it has, if any: by their names they can still be told.
func (w *resolver) star(it item, s *scope) (all []Column, rest *relation, why string) {
	found := false
	for i, r := range s.from {
		if len(it.of) > 0 && !r.goesBy(it.of) {
			continue
		}
		found = true
		if r.open() && (r.table == "" || r.unknown != "" || rest != nil || it.rename != nil) {
			return nil, nil, r.why()
		}
		if r.open() {
			rest = &s.from[i]
		}
		w.ops += len(r.columns)
		for _, c := range r.columns {
			if len(it.of) == 0 && has(r.using, c.Name) && slices.ContainsFunc(all, func(o Column) bool { return same(o.Name, c.Name) }) {
				continue // USING shows it once
			}
			all = append(all, c)
		}
	}
	if !found {
		return nil, nil, "a star of what is not in the FROM"
	}
	if rest != nil {
		for _, other := range it.swap {
			all = append(all, w.made(other, s))
		}
		return all, rest, ""
	}
	return w.changed(it, s, all), nil, ""
}

// changed applies what stands behind a star.
func (w *resolver) changed(it item, s *scope, all []Column) []Column {
	var out []Column
	for _, c := range all {
		if has(it.except, c.Name) {
			continue
		}
		for _, other := range it.swap {
			if same(other.name, c.Name) {
				c = w.made(other, s)
			}
		}
		if to, is := it.rename[strings.ToLower(c.Name)]; is {
			c.Name = to
		}
		out = append(out, c)
	}
	return out
}

// goesBy tells whether a name of a FROM is meant: its alias, or the last parts of its own.
func (r relation) goesBy(name []string) bool {
	if r.alias != "" {
		return len(name) == 1 && same(r.alias, name[0])
	}
	if len(name) == 0 || len(name) > len(r.name) {
		return false
	}
	return slices.EqualFunc(r.name[len(r.name)-len(name):], name, same)
}

// ref gives what one of a FROM stands for.
func (w *resolver) ref(r ref, s *scope) relation {
	if r.why != "" {
		return relation{alias: r.alias, name: r.name, unknown: r.why}
	}
	rel := w.source(r, s)
	rel.alias, rel.using = r.alias, r.using
	if rel.alias == "" {
		rel.name = r.name
	}
	switch {
	case len(r.columns) > 0 && rel.whole:
		rel.columns = renamed(rel.columns, r.columns)
	case len(r.columns) > 0 && rel.loose && !w.Paths:
		// The columns of unnest(..) as t (a, b). In BigQuery the one name is that of the place.
		rel.loose, rel.whole = false, true
		for _, name := range r.columns {
			rel.columns = append(rel.columns, Column{Name: name, From: rel.origins})
		}
	}
	return rel
}

func (w *resolver) source(r ref, s *scope) relation {
	switch {
	case r.sub != nil:
		return w.query(r.sub, &scope{outer: s, with: s.with})
	case r.call != "":
		c := w.made(item{span: r.args}, s)
		if c.Unknown != "" || len(c.From) == 0 && !has(harmless, r.call) {
			return relation{unknown: cmp.Or(c.Unknown, "the function "+r.call+" gives rows")}
		}
		return relation{loose: true, direct: asIs(c) && r.call == "unnest", origins: w.union(nil, c.From, Transformation), name: r.name}
	case len(r.name) == 1:
		if t, is := w.inlined(r.name[0]); is {
			return ofTable(t, r.name)
		}
		for c := s.with; c != nil; c = c.outer {
			if same(c.part.name, r.name[0]) {
				return w.common(c)
			}
		}
	}
	if rel, is := w.correlated(r.name, s); is && w.Paths {
		return rel
	}
	if t, ok := w.Find(r.name); ok {
		return ofTable(t, r.name)
	}
	return relation{name: r.name, unknown: "the table " + strings.Join(r.name, ".") + " is not known"}
}

// asIs tells whether a column is another one without a change.
func asIs(c Column) bool { return len(c.From) == 1 && c.From[0].How == Identity }

// correlated gives what a path into a table before it stands for, as in BigQuery's
// "orders o, o.lines": the rows of an array.
func (w *resolver) correlated(name []string, s *scope) (relation, bool) {
	if len(name) < 2 {
		return relation{}, false
	}
	for _, r := range s.from {
		if r.goesBy(name[:1]) {
			c, _ := w.look(s, name, false)
			return relation{loose: c.Unknown == "", direct: asIs(c), unknown: c.Unknown, origins: w.union(nil, c.From, Transformation), name: name}, true
		}
	}
	return relation{}, false
}

// harmless are functions whose rows are made of their arguments alone.
var harmless = []string{"unnest", "generate_series", "range", "sequence", "generate_date_array", "generate_array", "generate_timestamp_array", "explode", "posexplode", "flatten", "numbers", "json_each", "generator", "split_to_table"}

func (w *resolver) inlined(name string) (Table, bool) {
	if w.Inlined == nil {
		return Table{}, false
	}
	return w.Inlined(name)
}

func ofTable(t Table, name []string) relation {
	rel := relation{name: name, table: t.ID, whole: t.Columns != nil}
	for _, c := range t.Columns {
		rel.columns = append(rel.columns, Column{Name: c, From: []Origin{{Table: t.ID, Column: c}}})
	}
	return rel
}

// common gives what a part of WITH stands for. One that names itself is what its
// first arm gives.
func (w *resolver) common(c *common) relation {
	if c.rel != nil {
		return *c.rel
	}
	if c.busy {
		if c.first == nil {
			return relation{unknown: "a query that names itself before it has begun"}
		}
		return *c.first
	}
	c.busy = true
	rel := w.query(c.part.body, &scope{with: c})
	c.busy = false
	if len(c.part.columns) > 0 && rel.whole {
		rel.columns = renamed(rel.columns, c.part.columns)
	}
	c.rel = &rel
	return rel
}

package sqllineage

import (
	"slices"
	"strings"
)

// look finds what a name means in one SELECT: a column of one of its tables, a
// part of a column, a whole row, or a column of the same SELECT.
func (w *resolver) look(s *scope, parts []string, all bool) (Column, bool) {
	for n := min(len(parts), 4); n > 0; n-- {
		for _, r := range s.from {
			if !r.goesBy(parts[:n]) {
				continue
			}
			switch {
			case n < len(parts):
				c, ok := r.column(parts[n])
				if r.direct {
					return w.inner(c, parts[n:], Transformation), ok
				}
				return w.inner(c, parts[n+1:], Identity), ok
			case all:
				return w.row(r), true
			}
		}
	}
	if c, ok := s.column(parts[0]); ok {
		return w.inner(c, parts[1:], Identity), true
	}
	if len(parts) == 1 {
		for _, r := range s.from {
			if r.goesBy(parts) {
				return w.row(r), true
			}
		}
	}
	return Column{}, false
}

// inner follows a path into a column as far as its table is known to have parts of
// that name. A column that is not one as it stands may be anything.
func (w *resolver) inner(c Column, path []string, most How) Column {
	if w.Inner == nil || len(c.From) != 1 || c.From[0].How > most {
		return c
	}
	o := c.From[0]
	for _, part := range path {
		if !w.Inner(o.Table, o.Column+"."+part) {
			break
		}
		o.Column += "." + part
	}
	return Column{Name: c.Name, From: []Origin{o}, Unknown: c.Unknown}
}

// row is all of a row.
func (w *resolver) row(r relation) Column {
	if r.loose {
		return Column{From: r.origins}
	}
	if r.open() {
		return Column{Unknown: r.why()}
	}
	var c Column
	for _, one := range r.columns {
		c.From = w.union(c.From, one.From, Transformation)
		if c.Unknown == "" {
			c.Unknown = one.Unknown
		}
	}
	return c
}

// column gives the one of a name.
func (r relation) column(name string) (Column, bool) {
	for _, c := range r.columns {
		if same(c.Name, name) {
			return c, true
		}
	}
	switch {
	case r.whole:
		return Column{Unknown: strings.Join(append(slices.Clone(r.name), name), ".") + " is not among the columns that are known"}, true
	case r.loose:
		return Column{From: r.origins}, true
	case r.unknown != "":
		return Column{Unknown: r.unknown}, true
	}
	return Column{From: []Origin{{Table: r.table, Column: name}}}, true
}

// column finds one that is named without its table. A name means one column in
// SQL that runs, so that one which is known to have it is the one.
func (s *scope) column(name string) (Column, bool) {
	var found []Column
	var open []relation
	for _, r := range s.from {
		i := slices.IndexFunc(r.columns, func(c Column) bool { return same(c.Name, name) })
		switch {
		case i >= 0 && len(found) > 0 && has(r.using, name): // the first one stands for both
		case i >= 0:
			found = append(found, r.columns[i])
		case r.loose && same(r.alias, name):
			return Column{From: r.origins}, true
		case r.open():
			open = append(open, r)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], true
	case len(found) > 1:
		return Column{Unknown: name + " may be of several tables"}, true
	}
	before := slices.IndexFunc(s.items, func(c Column) bool { return same(c.Name, name) })
	switch {
	case before >= 0 && len(open) == 0:
		return s.items[before], true
	case len(open) == 1 && before < 0:
		return open[0].column(name)
	case len(open) > 0:
		return Column{Unknown: "it is not known of which table " + name + " is"}, true
	}
	return Column{}, false
}

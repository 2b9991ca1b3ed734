package hive

import (
	"cmp"
	"context"
	"slices"

	"github.com/apache/thrift/lib/go/thrift"
)

// constraint is one column of a constraint, of whatever kind.
type constraint struct {
	name, column, text string // text: the default, or the expression of a check
	order              int64
	toDatabase, to     string // of a foreign key
	toColumn           string
}

// constraints are those of a table.
type constraints struct{ primary, foreign, unique, notNull, defaults, checks []constraint }

// form says where a kind of constraint keeps its parts: the numbers of fields.
type form struct{ column, name, order, text, toDatabase, to, toColumn int16 }

var (
	primaryForm = form{column: 3, order: 4, name: 5}
	foreignForm = form{toDatabase: 1, to: 2, toColumn: 3, column: 6, order: 7, name: 10}
	uniqueForm  = form{column: 4, order: 5, name: 6}
	notNullForm = form{column: 4, name: 5}
	textForm    = form{column: 4, text: 5, name: 6} // defaults and checks
)

func (r *reader) constraints(kind thrift.TType, f form) []constraint {
	var all []constraint
	r.items(kind, func(kind thrift.TType) {
		c := constraint{}
		r.within(kind, func(id int16, kind thrift.TType) {
			into := map[int16]*string{f.column: &c.column, f.name: &c.name, f.text: &c.text, f.toDatabase: &c.toDatabase, f.to: &c.to, f.toColumn: &c.toColumn}[id]
			switch {
			case id == f.order && id > 0:
				c.order = r.number(kind)
			case into != nil && id > 0:
				*into = clean(r.text(kind))
			default:
				r.skip(kind)
			}
		})
		all = append(all, c)
	})
	slices.SortStableFunc(all, func(a, b constraint) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.order, b.order)) })
	return all
}

// part is a kind of constraint: the number under which all of them come at once,
// and the method that asks for it alone, which is all that Hive 3 knows.
type part struct {
	id     int16
	form   form
	into   func(*constraints) *[]constraint
	method string
	write  func(w *writer, p place, table string)
}

func parts() []part {
	named := func(w *writer, p place, table string) { // since Hive 3
		w.text(1, cmp.Or(p.catalog, "hive"))
		w.text(2, p.database)
		w.text(3, table)
	}
	primary := func(w *writer, p place, table string) {
		w.text(1, p.database)
		w.text(2, table)
		p.tell(w, 3)
	}
	foreign := func(w *writer, p place, table string) {
		w.text(3, p.database)
		w.text(4, table)
		p.tell(w, 5)
	}
	return []part{
		{1, primaryForm, func(c *constraints) *[]constraint { return &c.primary }, "get_primary_keys", primary},
		{2, foreignForm, func(c *constraints) *[]constraint { return &c.foreign }, "get_foreign_keys", foreign},
		{3, uniqueForm, func(c *constraints) *[]constraint { return &c.unique }, "get_unique_constraints", named},
		{4, notNullForm, func(c *constraints) *[]constraint { return &c.notNull }, "get_not_null_constraints", named},
		{5, textForm, func(c *constraints) *[]constraint { return &c.defaults }, "get_default_constraints", named},
		{6, textForm, func(c *constraints) *[]constraint { return &c.checks }, "get_check_constraints", named},
	}
}

// tell names the catalog, where there is one.
func (p place) tell(w *writer, id int16) {
	if p.catalog != "" {
		w.text(id, p.catalog)
	}
}

// constraints asks for all constraints of a table, as Hive 4 answers them.
func (s *session) constraints(ctx context.Context, p place, name string) (constraints, error) {
	var all constraints
	err := s.ask(ctx, request{
		method: "get_all_table_constraints", errors: []string{badMeta, noObject},
		write: func(w *writer) {
			w.within(1, func(w *writer) {
				w.text(1, p.database)
				w.text(2, name)
				w.text(3, cmp.Or(p.catalog, "hive"))
			})
		},
		read: func(r *reader, kind thrift.TType) {
			r.within(kind, func(id int16, kind thrift.TType) {
				if id != 1 {
					r.skip(kind)
					return
				}
				r.within(kind, func(id int16, kind thrift.TType) { r.part(&all, id, kind) })
			})
		},
	})
	return all, err
}

func (r *reader) part(all *constraints, id int16, kind thrift.TType) {
	for _, p := range parts() {
		if p.id == id {
			*p.into(all) = r.constraints(kind, p.form)
			return
		}
	}
	r.skip(kind)
}

// constraintsOneByOne asks for each kind, as Hive 3 answers them. A kind that the
// Metastore does not know, no table has.
func (s *session) constraintsOneByOne(ctx context.Context, at place, name string) (constraints, error) {
	var all constraints
	for _, p := range parts() {
		err := s.ask(ctx, request{
			method: p.method, errors: []string{badMeta, noObject},
			write: func(w *writer) { w.within(1, func(w *writer) { p.write(w, at, name) }) },
			read: func(r *reader, kind thrift.TType) {
				r.within(kind, func(id int16, kind thrift.TType) {
					if id != 1 {
						r.skip(kind)
						return
					}
					*p.into(&all) = r.constraints(kind, p.form)
				})
			},
		})
		if err != nil && !refused(err, unknown) {
			return all, err
		}
	}
	return all, nil
}

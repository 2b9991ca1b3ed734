package store

import (
	"cmp"

	"github.com/souk-mesh/souk/graph/model"
)

// Query asks one table for one page.
type Query struct {
	Kind   Kind
	Index  string // a declared index: it gives the order, and the equalities of Where must fill its first paths
	Where  Filter
	Only   Filter // narrows the page and is no part of the query: cursors outlive its changes. It may speak of PathID too
	Desc   bool   // the index's order, backwards
	Limit  int    // 1 to MaxPage; 0 means DefaultPage
	After  Cursor // "" begins at the first record
	Budget int    // rows the residual filter may look at; 0 means DefaultBudget

	bare bool // the records have their ids alone
	walk bool // whoever reads the page goes on from its end or not at all: no other row gets a cursor
}

// Condition is an equality that narrows a list where it has a value. Index
// begins with its path, and is "" where none does.
type Condition struct {
	Index string
	Path  Path
	Value string
}

// Narrowed is the query with the conditions that have a value. They come from
// the widest to the narrowest: the last of them that has an index names it.
func (q Query) Narrowed(conditions ...Condition) Query {
	all := conjuncts(q.Where)
	for _, c := range conditions {
		if c.Value != "" {
			all, q.Index = append(all, Eq(c.Path, c.Value)), cmp.Or(c.Index, q.Index)
		}
	}
	if len(all) > 0 {
		q.Where = And(all...)
	}
	return q
}

// The bounds of a query.
const (
	DefaultPage   = 50
	MaxPage       = 1000
	DefaultBudget = 5000
	MaxIn         = 500 // values of one In
	MaxOr         = 8   // branches of one Or
)

// PathID is the record's own id, which every table has. Only an Only may name it.
const PathID Path = "id"

// Cursor is an opaque place in the order of one query.
type Cursor string

// Page is one page of records. Cursors[i] is the place just after Records[i].
type Page struct {
	Records []Record
	Cursors []Cursor
	More    bool
}

// Op is the operator of a filter.
type Op string

// The operators. On a Multi path a comparison holds when any value meets it.
const (
	OpEq     Op = "eq"
	OpIn     Op = "in"
	OpRange  Op = "range"  // From <= value < To; a nil bound is open, and null is outside
	OpPrefix Op = "prefix" // of a string
	OpExists Op = "exists" // not null
	OpAnd    Op = "and"
	OpOr     Op = "or"
	OpNot    Op = "not"
)

// Filter is a condition over declared paths. The zero Filter holds always.
type Filter struct {
	Op       Op
	Path     Path
	Value    Value   // eq, prefix
	Values   []Value // in
	From, To Value   // range
	Filters  []Filter
}

// Eq holds when the path has the value.
func Eq(p Path, v Value) Filter { return Filter{Op: OpEq, Path: p, Value: v} }

// In holds when the path has one of the values.
func In(p Path, vs ...Value) Filter { return Filter{Op: OpIn, Path: p, Values: vs} }

// InIDs is In for ids.
func InIDs(p Path, ids ...model.ID) Filter {
	vs := make([]Value, len(ids))
	for i, id := range ids {
		vs[i] = string(id)
	}
	return In(p, vs...)
}

// Between holds when from <= value < to; nil leaves a side open. Null is never between.
func Between(p Path, from, to Value) Filter { return Filter{Op: OpRange, Path: p, From: from, To: to} }

// HasPrefix holds when the path is a string that begins with the prefix.
func HasPrefix(p Path, prefix string) Filter { return Filter{Op: OpPrefix, Path: p, Value: prefix} }

// Exists holds when the path is not null.
func Exists(p Path) Filter { return Filter{Op: OpExists, Path: p} }

// And holds when all hold.
func And(fs ...Filter) Filter { return Filter{Op: OpAnd, Filters: fs} }

// Or holds when any holds.
func Or(fs ...Filter) Filter { return Filter{Op: OpOr, Filters: fs} }

// Not holds when f does not.
func Not(f Filter) Filter { return Filter{Op: OpNot, Filters: []Filter{f}} }

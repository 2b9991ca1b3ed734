package store

import (
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// Plan is a query in the terms that both engines run: some scans of one
// index, and what is left to check of every row.
type Plan struct {
	Schema   Schema
	Index    Index
	Desc     bool
	Scans    []Scan // one after another, they give the rows in order
	Residual Filter // canonical; the zero Filter when the scans say it all
	Only     Filter // the part of Residual that an engine may as well judge by itself
	Limit    int
	Budget   int

	fixed int // the first paths of the index that have one value in the whole query
	query Query
	where Filter // canonical
	print uint64 // see fingerprint; 0 until it is asked for
}

// fingerprint tells the query from others whose cursors must not be mixed with
// its own. It is made when a cursor is: most queries need none.
func (p *Plan) fingerprint() uint64 {
	if p.print == 0 {
		p.print = fingerprint(p.query, p.where)
	}
	return p.print
}

// Scan is one stretch of an index. Equal are the values of its first paths.
// The path after those may be bounded: From <= value < To, where nil is open,
// and NotNull when null is outside. AfterID, when it is set, is the row just
// passed: the scan goes on behind the key (After..., AfterID) of the paths
// that follow Equal. After lies within the bounds, so that in ascending order
// it replaces From and NotNull, and in descending order To.
type Scan struct {
	Equal    []Value
	From, To Value
	NotNull  bool
	After    []Value
	AfterID  model.ID
}

// Order gives the paths of the scan's rows that vary, in the order of the index.
func (p *Plan) Order(s Scan) []Path { return p.Index.Paths[len(s.Equal):] }

// Passed reports a row that the cursor of the query stands on or behind, for
// engines whose bounds may let one such row through.
func (p *Plan) Passed(s Scan, row func(Path) []Value, id model.ID) bool {
	if s.AfterID == "" {
		return false
	}
	for i, path := range p.Order(s) {
		if Compare(First(row(path)), s.After[i]) != 0 {
			return false
		}
	}
	if p.Desc {
		return id >= s.AfterID
	}
	return id <= s.AfterID
}

// Plan finds how the query's index serves it. A query that it does not serve
// is an error of kind Internal, and a foreign cursor one of kind BadCursor.
func (q Query) Plan() (*Plan, error) {
	p, err := q.begin()
	if err != nil {
		return nil, err
	}
	where, err := p.Schema.canonical(q.Where)
	if err != nil {
		return nil, q.unserved(err.Error(), "")
	}
	rest := conjuncts(where)
	var equal []Value
	equal, rest = p.equalities(rest)
	next, rest := p.bound(len(equal), rest)
	if err := p.check(q, equal, next, rest); err != nil {
		return nil, err
	}
	p.fixed, p.query, p.where = len(equal), q, where
	only, err := p.Schema.withID().canonical(q.Only)
	if err != nil {
		return nil, q.unserved(err.Error(), "")
	}
	p.Only = only
	if rest = append(rest, conjuncts(only)...); len(rest) > 0 {
		p.Residual = And(rest...)
	}
	var after *place
	if q.After != "" {
		at, err := q.After.decode(p.fingerprint(), len(p.Index.Paths)-p.fixed)
		if err != nil {
			return nil, err
		}
		after = &at
	}
	if never(only) {
		return p, nil // there is nothing to look for
	}
	p.Scans = p.scans(equal, next, after)
	return p, nil
}

// never recognises the filter that holds for nothing.
func never(f Filter) bool { return f.Op == OpOr && len(f.Filters) == 0 }

// begin looks up the schema and the index and sets the limits.
func (q Query) begin() (*Plan, error) {
	schema, ok := SchemaOf(q.Kind)
	if !ok {
		return nil, q.unserved("no such kind", "declare its table")
	}
	declared, ok := schema.Index(q.Index)
	if !ok {
		return nil, q.unserved("no such index", "name one of "+schema.indexNames())
	}
	if q.Limit < 0 || q.Limit > MaxPage {
		return nil, q.unserved(fmt.Sprintf("a page of %d", q.Limit), fmt.Sprintf("ask for 1 to %d records", MaxPage))
	}
	p := &Plan{Schema: schema, Index: declared, Desc: q.Desc, Limit: q.Limit, Budget: q.Budget}
	if p.Limit == 0 {
		p.Limit = DefaultPage
	}
	if p.Budget <= 0 {
		p.Budget = DefaultBudget
	}
	return p, nil
}

// conjuncts takes nested Ands apart.
func conjuncts(f Filter) []Filter {
	switch f.Op {
	case "":
		return nil
	case OpAnd:
		var all []Filter
		for _, g := range f.Filters {
			all = append(all, conjuncts(g)...)
		}
		return all
	default:
		return []Filter{f}
	}
}

// equalities takes those out of the filters that fill the index's first paths.
func (p *Plan) equalities(filters []Filter) (equal []Value, rest []Filter) {
	rest = filters
	for _, path := range p.Index.Paths {
		i := slices.IndexFunc(rest, func(f Filter) bool { return f.Op == OpEq && f.Path == path })
		if i < 0 {
			break
		}
		equal = append(equal, rest[i].Value)
		rest = slices.Delete(slices.Clone(rest), i, i+1)
	}
	return equal, rest
}

// bound takes the filter out that bounds the path after the equalities.
func (p *Plan) bound(at int, filters []Filter) (next Filter, rest []Filter) {
	if at == len(p.Index.Paths) {
		return Filter{}, filters
	}
	i := slices.IndexFunc(filters, func(f Filter) bool { return f.Op != OpEq && f.Path == p.Index.Paths[at] })
	if i < 0 {
		return Filter{}, filters
	}
	return filters[i], slices.Delete(slices.Clone(filters), i, i+1)
}

// check refuses a query that would read the whole index although a better one
// is declared, or that would meet a record more than once.
func (p *Plan) check(q Query, equal []Value, next Filter, rest []Filter) error {
	if p.Index.Multi && (len(equal) == 0 || equal[0] == nil) {
		return q.unserved("the index has an entry for each value of "+string(p.Index.Paths[0])+", so a record would come more than once",
			"give an Eq on "+string(p.Index.Paths[0])+" with a value, or name an index that is not Multi")
	}
	if len(equal) > 0 || next.Op != "" {
		return nil
	}
	for _, f := range rest {
		for _, x := range p.Schema.Indexes {
			if f.Op == OpEq && x.Paths[0] == f.Path {
				return q.unserved(fmt.Sprintf("the index begins with %s and nothing is said of it, while %s is given", p.Index.Paths[0], f.Path),
					fmt.Sprintf("name index %s, which begins with %s", x.Name, f.Path))
			}
		}
	}
	return nil
}

// scans turns the bound and the place to go on from into stretches of the index.
func (p *Plan) scans(equal []Value, next Filter, after *place) []Scan {
	if next.Op == OpIn {
		return p.scansOfIn(equal, next.Values, after)
	}
	scan := Scan{Equal: equal, NotNull: next.Op != ""}
	switch next.Op {
	case OpRange:
		scan.From, scan.To = next.From, next.To
	case OpPrefix:
		scan.From = next.Value
		if prefix, ok := next.Value.(string); ok {
			scan.To = successor(prefix)
		}
	default:
	}
	if after == nil {
		return []Scan{scan}
	}
	return p.goOn(scan, *after)
}

// goOn moves the scan behind the place. A place before the scan leaves it as
// it is, and one behind it leaves nothing.
func (p *Plan) goOn(scan Scan, at place) []Scan {
	if len(at.Keys) > 0 {
		v := at.Keys[0]
		below := (scan.NotNull && v == nil) || (scan.From != nil && Compare(v, scan.From) < 0)
		above := scan.To != nil && Compare(v, scan.To) >= 0
		if p.Desc {
			below, above = above, below
		}
		switch {
		case above:
			return nil
		case below:
			return []Scan{scan}
		}
	}
	scan.After, scan.AfterID = at.Keys, at.ID
	return []Scan{scan}
}

// scansOfIn makes one scan of each value, in the order of the index.
func (p *Plan) scansOfIn(equal, values []Value, after *place) []Scan {
	values = slices.Clone(values)
	if p.Desc {
		slices.Reverse(values)
	}
	var scans []Scan
	for _, v := range values {
		scan := Scan{Equal: append(slices.Clip(equal), v)}
		if after != nil {
			c := Compare(v, after.Keys[0])
			if p.Desc {
				c = -c
			}
			if c < 0 {
				continue
			}
			if c == 0 {
				scan.After, scan.AfterID = after.Keys[1:], after.ID
			}
		}
		scans = append(scans, scan)
	}
	return scans
}

func (q Query) unserved(what, remedy string) error {
	return &model.Error{Kind: model.KindInternal, Message: fmt.Sprintf("query of kind %q by index %q: %s", q.Kind, q.Index, what), Hint: remedy}
}

package store

import (
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// Pager fills one page of a plan from the rows that an engine reads.
type Pager struct {
	plan   *Plan
	page   Page
	looked int
}

// Pager begins a page.
func (p *Plan) Pager() *Pager {
	return &Pager{plan: p, page: Page{Records: []Record{}, Cursors: []Cursor{}}}
}

// Matches judges a row by the residual filter. It is an error to judge more
// rows than the query's budget.
func (g *Pager) Matches(values func(Path) []Value) (bool, error) {
	if g.plan.Residual.Op == "" {
		return true, nil
	}
	if g.looked++; g.looked > g.plan.Budget {
		return false, g.plan.exhausted()
	}
	return Match(g.plan.Residual, values), nil
}

// Full reports whether the page holds its records. One more row that matches
// is then asked for, and Rest is told of it.
func (g *Pager) Full() bool { return len(g.page.Records) == g.plan.Limit }

// Rest notes that more rows match than the page holds.
func (g *Pager) Rest() { g.page.More = true }

// Add takes a row that matches.
func (g *Pager) Add(r Record, values func(Path) []Value) {
	at := place{Query: g.plan.fingerprint, Keys: []Value{}, ID: r.ID}
	for _, path := range g.plan.Index.Paths[g.plan.fixed:] {
		at.Keys = append(at.Keys, first(values(path)))
	}
	g.page.Records = append(g.page.Records, r)
	g.page.Cursors = append(g.page.Cursors, at.cursor())
}

// Page gives the page.
func (g *Pager) Page() Page { return g.page }

// Reads lists the paths that Matches and Add ask a row for, beside its id.
func (p *Plan) Reads() []Path {
	paths := append(p.Residual.Paths(), p.Index.Paths[p.fixed:]...)
	paths = slices.DeleteFunc(paths, func(x Path) bool { return x == PathID })
	slices.Sort(paths)
	return slices.Compact(paths)
}

func (p *Plan) exhausted() error {
	return &model.Error{
		Kind:    model.KindInternal,
		Message: fmt.Sprintf("query of kind %q by index %q looked at %d rows without filling its page", p.Schema.Kind, p.Index.Name, p.Budget),
		Hint:    fmt.Sprintf("declare an index of %q that begins with %s, and name it in the query", p.Schema.Kind, join(p.Residual.Paths())),
	}
}

func first(values []Value) Value {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// Values gives the values of a path; it is what Match asks a record with keys.
func (k Keys) Values(p Path) []Value { return k[p] }

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
	last   place // of a walk: just after the last record
}

// Pager begins a page.
func (p *Plan) Pager() *Pager {
	return &Pager{plan: p, page: Page{Records: []Record{}, Cursors: []Cursor{}}}
}

// Offer gives the page its next row, and reports whether it wants more. The
// record is asked for only when the row matches. It is an error to judge more
// rows than the query's budget.
func (g *Pager) Offer(values func(Path) []Value, record func() Record) (more bool, err error) {
	if g.plan.Residual.Op != "" {
		if g.looked++; g.looked > g.plan.Budget {
			return false, g.plan.exhausted()
		}
		if !Match(g.plan.Residual, values) {
			return true, nil
		}
	}
	if g.page.More = len(g.page.Records) == g.plan.Limit; g.page.More {
		return false, nil
	}
	r := record()
	at := place{Keys: Values{}, ID: r.ID}
	for _, path := range g.plan.Index.Paths[g.plan.fixed:] {
		at.Keys = append(at.Keys, First(values(path)))
	}
	g.page.Records = append(g.page.Records, r)
	if g.last = at; !g.plan.query.walk {
		g.page.Cursors = append(g.page.Cursors, g.cursor(at))
	}
	return true, nil
}

func (g *Pager) cursor(at place) Cursor {
	at.Query = g.plan.fingerprint()
	return at.cursor()
}

// Reset empties the page, for an engine that begins anew.
func (g *Pager) Reset() { *g = *g.plan.Pager() }

// Page gives the page.
func (g *Pager) Page() Page {
	if g.plan.query.walk && g.page.More {
		g.page.Cursors = []Cursor{g.cursor(g.last)}
	}
	return g.page
}

// Bare reports whether whoever asks wants the ids of the records alone.
func (p *Plan) Bare() bool { return p.query.bare }

// Reads lists the paths that Offer asks a row for.
func (p *Plan) Reads() []Path {
	paths := append(p.Residual.Paths(), p.Index.Paths[p.fixed:]...)
	slices.Sort(paths)
	return slices.Compact(paths)
}

func (p *Plan) exhausted() error {
	return &model.Error{
		Kind:    model.KindInternal,
		Message: fmt.Sprintf("query of kind %q by index %q looked at %s without filling its page", p.Schema.Kind, p.Index.Name, model.Counted(p.Budget, "row")),
		Hint:    fmt.Sprintf("declare an index of %q that begins with %s, and name it in the query", p.Schema.Kind, join(p.Residual.Paths())),
	}
}

// First gives the value of a path that is not Multi; none at all is null.
func First(values []Value) Value {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// Values gives the values of a path; it is what Match asks a record with keys.
func (k Keys) Values(p Path) []Value { return k[p] }

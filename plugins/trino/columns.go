package trino

import (
	"cmp"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/sqllineage"
	"github.com/souk-mesh/souk/sdk"
)

// Bounds of what is held to follow columns: names of columns of all tables, and
// steps from one column to the next for one view.
const (
	mostColumns = 500_000
	mostSteps   = 400_000
)

// remember keeps which columns a table has, for the SQL of views that names them
// without their table, or none of them.
func (h *harvest) remember(c catalog, t *table, columns []row) {
	if h.held += len(columns); h.Lineage == "leave" || h.held > mostColumns {
		return
	}
	names := make([]string, len(columns))
	for i, r := range columns {
		names[i] = r.text(2)
	}
	h.columns[place{c.name, t.name}] = names
}

// column is one of a table or view of the cluster.
type column struct {
	place
	name string
}

// origins are what a column is made of, and why it is not known, if it is not.
type origins struct {
	from map[column]sqllineage.How
	why  string
	busy bool // it is being found out
}

// descent follows the columns of one view through the views below it, down to the
// tables that its plan reads. The plan is the judge: SQL may name a table without its
// schema, which is then that of the session in which the view was made.
type descent struct {
	*harvest
	reads []place
	found map[column]*origins
	texts map[place]sqllineage.Result
	steps int
}

// flows gives the columns that go into those of a view, by the table that has them.
func (h *harvest) flows(view place, reads []place) (flows map[place][]sdk.FieldEdge, why string) {
	d := &descent{harvest: h, reads: reads, found: map[column]*origins{}, texts: map[place]sqllineage.Result{}}
	flows = map[place][]sdk.FieldEdge{}
	if why = d.text(view).Unknown; why != "" {
		return flows, why
	}
	for i, c := range d.text(view).Columns {
		made := d.made(view, i)
		why = cmp.Or(why, made.why)
		if made.why != "" {
			continue
		}
		for from, how := range made.from {
			flows[from.place] = append(flows[from.place], sdk.FieldEdge{From: from.name, To: d.nameOf(view, i, c), Transform: how.String()})
		}
	}
	for _, list := range flows {
		slices.SortFunc(list, func(a, b sdk.FieldEdge) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From)) })
	}
	return flows, why
}

// nameOf is the name that Trino has for a column of a view: those that its SQL
// gives no name have one, too.
func (d *descent) nameOf(view place, i int, c sqllineage.Column) string {
	if names := d.columns[view]; len(names) == len(d.text(view).Columns) {
		return names[i]
	}
	return strings.ToLower(c.Name)
}

// text reads the SQL of a view, one time.
func (d *descent) text(view place) sqllineage.Result {
	if r, is := d.texts[view]; is {
		return r
	}
	r := sqllineage.Result{Unknown: "Trino does not show its SQL"}
	if t := d.views[view]; t != nil && t.sql != "" {
		r = sqllineage.Reader{Dialect: sqllineage.DialectOf("trino"), Find: func(parts []string) (sqllineage.Table, bool) {
			at, is := view.named(parts)
			return sqllineage.Table{ID: at.id(), Columns: d.columns[at]}, is
		}}.Read(t.sql)
	}
	d.texts[view] = r
	return r
}

// named is the table that a name in the SQL of a view means.
func (p place) named(parts []string) (place, bool) {
	if len(parts) == 0 || len(parts) > 3 {
		return place{}, false
	}
	all := append([]string{p.catalog, p.schema}[:3-len(parts)], parts...)
	return place{strings.ToLower(all[0]), name{strings.ToLower(all[1]), strings.ToLower(all[2])}}, true
}

// id holds the three names.
func (p place) id() string { return strings.Join([]string{p.catalog, p.schema, p.table}, "\x00") }

func placeOf(id string) place {
	parts := strings.SplitN(id, "\x00", 3)
	return place{parts[0], name{parts[1], parts[2]}}
}

// made gives what a column of a view is made of, in the tables that the plan reads.
func (d *descent) made(view place, i int) *origins {
	c := d.text(view).Columns[i]
	at := column{view, d.nameOf(view, i, c)}
	if o := d.found[at]; o != nil {
		if o.busy {
			return &origins{why: "a view names itself"}
		}
		return o
	}
	o := &origins{from: map[column]sqllineage.How{}, why: c.Unknown, busy: true}
	d.found[at] = o
	for _, from := range c.From {
		d.add(o, column{placeOf(from.Table), from.Column}, from.How)
	}
	o.busy = false
	return o
}

// add puts a column to what another is made of, or that of which it is made in turn.
func (d *descent) add(o *origins, from column, how sqllineage.How) {
	if d.steps++; d.steps > mostSteps {
		o.why = "the columns are too many to follow"
		return
	}
	if slices.Contains(d.reads, from.place) {
		if d.columns[from.place] == nil {
			from.name = strings.ToLower(from.name)
		}
		if before, is := o.from[from]; !is || how < before {
			o.from[from] = how
		}
		return
	}
	named := sdk.JoinName(from.catalog, from.schema, from.table)
	if d.views[from.place] == nil {
		o.why = cmp.Or(o.why, "the plan does not read "+named)
		return
	}
	r := d.text(from.place)
	if r.Unknown != "" {
		o.why = cmp.Or(o.why, "of the view "+named+": "+r.Unknown)
		return
	}
	i := slices.IndexFunc(r.Columns, func(c sqllineage.Column) bool { return strings.EqualFold(c.Name, from.name) })
	if names := d.columns[from.place]; len(names) == len(r.Columns) {
		i = slices.Index(names, strings.ToLower(from.name))
	}
	if i < 0 {
		o.why = cmp.Or(o.why, from.name+" is not among the columns of a view")
		return
	}
	below := d.made(from.place, i)
	o.why = cmp.Or(o.why, below.why)
	d.steps += len(below.from)
	for c, h := range below.from {
		d.add(o, c, max(h, how))
	}
}

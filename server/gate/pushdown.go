package gate

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// narrowBudget is how many rows the store may look at for one page of a list
// that the policies narrow.
const narrowBudget = 1_000_000

// maxListed bounds the values that one field is compared with in a filter.
const maxListed = store.MaxIn * store.MaxOr

// column says where a table keeps a field of its resource, and how the field's
// words are written there.
type column struct {
	path  store.Path
	value func(context.Context, *Gate, string) (store.Value, bool, error)
}

// layout is how the rows of a table become resources, as the describers make
// them: the fields that are columns, and those that are never set.
type layout struct {
	columns fields
	unset   []policy.Field
}

var (
	asID       = column{path: store.PathID, value: literally}
	byDomain   = column{path: "domain", value: domainID}
	ownerless  = []policy.Field{policy.FieldOwner, policy.FieldOwnerTeam, policy.FieldRequester}
	unlabelled = []policy.Field{policy.FieldClassification, policy.FieldVisibility, policy.FieldProduct}
)

func as(path store.Path) column { return column{path: path, value: literally} }

// fields are columns by what policies call them.
type fields map[policy.Field]column

// inDomain is what most tables have.
var inDomain = fields{policy.FieldDomain: byDomain}

// oneByOne is the layout of a table whose rows the store cannot judge beforehand.
var oneByOne = layout{}

// columnsOf makes a layout of the columns that a table has and of the fields
// that its resources never have. Every table has the id.
func columnsOf(usual, own fields, unset ...[]policy.Field) layout {
	columns := fields{policy.FieldID: asID}
	maps.Copy(columns, usual)
	maps.Copy(columns, own)
	return layout{columns: columns, unset: slices.Concat(unset...)}
}

func literally(_ context.Context, _ *Gate, word string) (store.Value, bool, error) {
	return word, true, nil
}

// domainID finds the domain that the rules name; there may be none yet.
func domainID(ctx context.Context, g *Gate, name string) (store.Value, bool, error) {
	if name == "" {
		return nil, true, nil
	}
	d, err := store.DomainNamed(ctx, g.store, model.Slug(name))
	if model.Is(err, model.KindNotFound) {
		return nil, false, nil
	}
	return string(d.ID), err == nil, err
}

// teamID finds a team by the name that policies know it by.
func teamID(ctx context.Context, g *Gate, name string) (store.Value, bool, error) {
	domain, team, _ := strings.Cut(name, "/")
	if name == "" {
		return nil, true, nil
	}
	in, found, err := domainID(ctx, g, domain)
	if err != nil || !found || in == nil {
		return nil, false, err
	}
	t, err := store.Teams.First(ctx, g.store, store.Query{Index: "by_name", Where: store.And(store.Eq("domain", in), store.Eq("name", team))})
	if model.Is(err, model.KindNotFound) {
		return nil, false, nil
	}
	return string(t.ID), err == nil, err
}

func (g *Gate) layoutOf(kind store.Kind) layout {
	for _, n := range g.nouns {
		if n.Kind == kind {
			return n.layout
		}
	}
	return oneByOne
}

// narrow gives a filter that lets every row through which the viewer may see,
// and as few others as the table's columns allow; the others are judged when
// they have been read. It is false when the viewer may see no row at all.
func (v *Viewer) narrow(ctx context.Context, kind store.Kind) (only store.Filter, any bool, err error) {
	l := v.gate.layoutOf(kind)
	if l.columns == nil {
		return store.Filter{}, true, nil
	}
	r := &renderer{gate: v.gate, layout: l, kind: kind}
	view := v.view(ctx, string(kind))
	parts := r.parts(ctx, v, view)
	if r.err != nil || len(parts) == 0 {
		return store.Filter{}, false, r.err
	}
	if only = or(parts); isAlways(only) {
		only = store.Filter{}
	}
	return only, true, nil
}

// parts renders the conditions: one for each group of domains whose conditions
// are the same, one for all other domains, and one for rows of none.
func (r *renderer) parts(ctx context.Context, v *Viewer, view policy.View) []store.Filter {
	var own []string
	groups := map[string][]string{}
	conditions := map[string]store.Filter{}
	for _, domain := range slices.Sorted(maps.Keys(view.Domains)) {
		own = append(own, string(domain))
		f := r.part(ctx, v, view.Domains[domain])
		key := hashOf(f)
		groups[key], conditions[key] = append(groups[key], string(domain)), f
	}
	var parts []store.Filter
	add := func(where, what store.Filter) {
		if !isNever(what) {
			parts = append(parts, and(where, what))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		add(r.oneOf(ctx, policy.FieldDomain, groups[key], true), conditions[key])
	}
	none := r.oneOf(ctx, policy.FieldDomain, []string{""}, true)
	others := and(invert(r.oneOf(ctx, policy.FieldDomain, own, false)), invert(r.oneOf(ctx, policy.FieldDomain, []string{""}, false)))
	add(others, r.part(ctx, v, view.Template))
	if r.kind != "domain" { // a domain lies in itself
		add(none, r.part(ctx, v, view.Platform))
	}
	return parts
}

// part renders one condition; nil stands for rows that are judged one by one.
func (r *renderer) part(ctx context.Context, v *Viewer, c *policy.Condition) store.Filter {
	if c == nil {
		return store.And()
	}
	known := c.Holding(v.grants.all, v.question.Context.Now)
	for _, f := range r.layout.unset {
		known = known.Bind(f, policy.Value{})
	}
	return r.render(ctx, known, true)
}

// renderer writes conditions as filters of one table. What the table has no
// column for becomes what is wider or narrower, as the place wants it.
type renderer struct {
	gate   *Gate
	layout layout
	kind   store.Kind
	err    error
}

func (r *renderer) render(ctx context.Context, c policy.Condition, wide bool) store.Filter {
	switch c.Op {
	case policy.OpAnd:
		parts := make([]store.Filter, len(c.Of))
		for i, p := range c.Of {
			parts[i] = r.render(ctx, p, wide)
		}
		return and(parts...)
	case policy.OpOr:
		var parts []store.Filter
		for _, p := range c.Of {
			parts = append(parts, r.render(ctx, p, wide))
		}
		return or(parts)
	case policy.OpNot:
		return invert(r.render(ctx, c.Of[0], !wide))
	case policy.OpIn:
		return r.values(ctx, c, wide)
	default:
		return open(wide)
	}
}

// open stands for what cannot be said: everything, or nothing.
func open(wide bool) store.Filter {
	if wide {
		return store.And()
	}
	return store.Or()
}

func (r *renderer) values(ctx context.Context, c policy.Condition, wide bool) store.Filter {
	if c.Left.Function != policy.Plain || len(c.Values) > maxListed {
		return open(wide)
	}
	if c.Left.Field == policy.FieldExposed && r.kind == store.Assets.Kind() {
		return r.exposed(ctx, c.Values, wide)
	}
	words := make([]string, len(c.Values))
	for i, v := range c.Values {
		if v.Kind != policy.Text {
			return open(wide)
		}
		words[i] = v.Text
	}
	return r.oneOf(ctx, c.Left.Field, words, wide)
}

// oneOf compares a column with words.
func (r *renderer) oneOf(ctx context.Context, f policy.Field, words []string, wide bool) store.Filter {
	col, ok := r.layout.columns[f]
	if !ok {
		return open(wide)
	}
	var values []store.Value
	for _, w := range words {
		value, exists, err := col.value(ctx, r.gate, w)
		if err != nil {
			r.err = err
		}
		if exists {
			values = append(values, value)
		}
	}
	return among(col.path, values)
}

// among is an In of any length.
func among(path store.Path, values []store.Value) store.Filter {
	if len(values) == 0 {
		return store.Or()
	}
	var parts []store.Filter
	for part := range slices.Chunk(values, store.MaxIn) {
		parts = append(parts, store.In(path, part...))
	}
	return or(parts)
}

// exposed compares whether a product offers an asset: the ids of those are
// known, unless they are too many to say.
func (r *renderer) exposed(ctx context.Context, values []policy.Value, wide bool) store.Filter {
	ids, err := r.gate.Exposed(ctx)
	if err != nil {
		r.err = err
	}
	if len(ids) > maxListed || len(values) != 1 {
		return open(wide)
	}
	list := make([]store.Value, 0, len(ids))
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		list = append(list, string(id))
	}
	f := among(store.PathID, list)
	if values[0].Number == 0 {
		return invert(f)
	}
	return f
}

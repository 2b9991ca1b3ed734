package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/souk-mesh/souk/sdk"
)

// Which column of a view is made of which column of a relation, from the tree
// of the view's query. Where the tree says something that is not known here,
// a column stays without an origin; none is guessed.
const (
	rulesQuery = `select c.oid as view, r.ev_action::text as rule
		from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('v', 'm') and r.ev_type = '1' and ` + relationWanted + ` order by c.oid`

	namesQuery = `select attrelid as relation, attnum::int as number, attname::text as name
		from pg_attribute where attrelid = any ($1::oid[]) and attnum > 0 and not attisdropped`
)

// How a column is made, in the words of OpenLineage, the least change first.
const (
	identity = iota
	transformation
	aggregation
)

func wordOf(how int) string { return []string{"IDENTITY", "TRANSFORMATION", "AGGREGATION"}[how] }

// column of a relation, by their numbers.
type columnOf struct {
	relation uint32
	number   int
}

// flow is a column of a view and one that it is made of.
type flow struct {
	view   uint32
	column int
	from   columnOf
	how    int
}

// readFlows reads the rules one by one, since the trees of some are long.
func (l *listing) readFlows(ctx context.Context, c *converter, chosen []uint32) error {
	found, err := c.tx.Query(ctx, rulesQuery, chosen)
	if err != nil {
		return err
	}
	var flows []flow
	var view uint32
	var rule string
	_, err = pgx.ForEachRow(found, []any{&view, &rule}, func() error {
		flows = append(flows, flowsOf(view, rule)...)
		return nil
	})
	if err != nil {
		return err
	}
	return l.nameFlows(ctx, c, flows)
}

// nameFlows turns the numbers of columns into their names.
func (l *listing) nameFlows(ctx context.Context, c *converter, flows []flow) error {
	var relations []uint32
	for _, f := range flows {
		relations = append(relations, f.view, f.from.relation)
	}
	slices.Sort(relations)
	type named struct {
		Relation uint32
		Number   int
		Name     string
	}
	all, err := rows[named](ctx, c.tx, namesQuery, slices.Compact(relations))
	if err != nil {
		return err
	}
	var texts []string
	for _, n := range all {
		texts = append(texts, n.Name)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	names := map[columnOf]string{}
	for _, n := range all {
		if c.name(&n.Name) {
			names[columnOf{n.Relation, n.Number}] = n.Name
		}
	}
	for _, f := range flows {
		from, to := names[f.from], names[columnOf{f.view, f.column}]
		if pair := [2]uint32{f.from.relation, f.view}; from != "" && to != "" {
			l.more.flows[pair] = append(l.more.flows[pair], sdk.FieldEdge{From: from, To: to, Transform: wordOf(f.how)})
		}
	}
	return nil
}

// flowsOf follows each column of the view to those that it is made of.
func flowsOf(view uint32, rule string) []flow {
	t, err := parseTree(rule)
	if err != nil || len(t.list) != 1 {
		return nil
	}
	top := &scope{query: t.list[0]}
	var flows []flow
	for _, entry := range top.query.items("targetList") {
		o := origins{how: map[columnOf]int{}, seen: map[visit]bool{}}
		o.column(top, entry.number("resno"), identity)
		for from, how := range o.how {
			flows = append(flows, flow{view, entry.number("resno"), from, how})
		}
	}
	slices.SortFunc(flows, func(a, b flow) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(a.from.relation, b.from.relation), cmp.Compare(a.from.number, b.from.number))
	})
	return flows
}

// scope is a query within others.
type scope struct {
	query *tree
	outer *scope
}

func (s *scope) up(levels int) *scope {
	for ; levels > 0 && s != nil; levels-- {
		s = s.outer
	}
	return s
}

// visit is a column of a query that has been followed, so that a query which
// names itself ends.
type visit struct {
	query  *tree
	column int
	how    int
}

// origins are the columns that one is made of, with the greatest change on the way.
type origins struct {
	how  map[columnOf]int
	seen map[visit]bool
}

// column follows a column of a query: of a union, through all of its parts.
func (o *origins) column(s *scope, number, how int) {
	if s == nil || s.query == nil || s.query.node != "QUERY" || o.seen[visit{s.query, number, how}] {
		return
	}
	o.seen[visit{s.query, number, how}] = true
	if union := s.query.field("setOperations"); union != nil && union.node != "" {
		o.parts(s, union, number, how)
		return
	}
	for _, entry := range s.query.items("targetList") {
		if entry.number("resno") == number {
			o.expression(s, entry.field("expr"), how)
		}
	}
}

func (o *origins) parts(s *scope, union *tree, number, how int) {
	if union == nil {
		return
	}
	if union.node == "RANGETBLREF" {
		o.relation(s, union.number("rtindex"), number, how)
		return
	}
	o.parts(s, union.field("larg"), number, how)
	o.parts(s, union.field("rarg"), number, how)
}

// expression follows everything that an expression names.
func (o *origins) expression(s *scope, t *tree, how int) {
	switch {
	case t == nil:
	case t.node == "VAR":
		if of := s.up(t.number("varlevelsup")); of != nil {
			o.relation(of, t.number("varno"), t.number("varattno"), how)
		}
	case t.node == "QUERY": // its value is that of its columns
		for _, entry := range t.items("targetList") {
			o.column(&scope{t, s}, entry.number("resno"), max(how, transformation))
		}
	default:
		o.within(s, t, how)
	}
}

func (o *origins) within(s *scope, t *tree, how int) {
	switch t.node {
	case "":
	case "TARGETENTRY":
	case "AGGREF", "WINDOWFUNC":
		how = aggregation
	default:
		how = max(how, transformation)
	}
	for _, item := range t.list {
		o.expression(s, item, how)
	}
	for _, field := range t.fields {
		o.expression(s, field, how)
	}
}

// What the entries of a query's table of relations are.
const (
	isRelation = "0"
	isSubquery = "1"
	isJoin     = "2"
	isFunction = "3"
	isCTE      = "6"
	isGroup    = "9" // since PostgreSQL 18
)

// relation follows a column of the entry at the place.
func (o *origins) relation(s *scope, place, number, how int) {
	entries := s.query.items("rtable")
	if place < 1 || place > len(entries) || number < 1 {
		return
	}
	e := entries[place-1]
	kind := e.field("rtekind")
	if kind == nil {
		return
	}
	switch kind.word {
	case isRelation:
		if oid, err := strconv.ParseUint(e.field("relid").word, 10, 32); err == nil {
			from := columnOf{uint32(oid), number}
			o.how[from] = max(o.how[from], how)
		}
	case isSubquery:
		o.column(&scope{e.field("subquery"), s}, number, how)
	case isJoin:
		o.place(s, e.items("joinaliasvars"), number, how)
	case isGroup:
		o.place(s, e.items("groupexprs"), number, how)
	case isFunction:
		o.expression(s, e.field("functions"), max(how, transformation))
	case isCTE:
		o.common(s.up(e.number("ctelevelsup")), e.field("ctename"), number, how)
	}
}

func (o *origins) place(s *scope, items []*tree, number, how int) {
	if number <= len(items) {
		o.expression(s, items[number-1], how)
	}
}

// common follows a column of a query that stands before the others, under a name.
func (o *origins) common(s *scope, name *tree, number, how int) {
	if s == nil || name == nil {
		return
	}
	for _, cte := range s.query.items("cteList") {
		if is := cte.field("ctename"); is != nil && is.word == name.word {
			o.column(&scope{cte.field("ctequery"), s}, number, how)
		}
	}
}

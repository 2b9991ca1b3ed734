package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// What the catalogue knows beside relations, columns and foreign keys.
const (
	databaseQuery = `select d.oid, coalesce(shobj_description(d.oid, 'pg_database'), '') as comment, pg_get_userbyid(d.datdba)::text as owner,
			pg_stat_get_db_stat_reset_time(d.oid) as counted_from, current_setting('track_counts') = 'on' as counts
		from pg_database d where d.datname = current_database()`

	// A check that was never held against the rows that are there says so, and one
	// that is held against none.
	constraintsQuery = `select k.conrelid as relation, k.conname::text as name, k.contype::text as kind,
			array(select a.attname::text from unnest(k.conkey) with ordinality u(num, place)
				join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num order by u.place) as fields,
			coalesce(pg_get_expr(k.conbin, k.conrelid), '') || case when k.convalidated then ''
				when pg_get_constraintdef(k.oid) like '%NOT ENFORCED' then ' NOT ENFORCED' else ' NOT VALID' end as expression
		from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
		where k.contype in ('u', 'c') and ` + relationWanted + ` order by k.conrelid, k.conname::text collate "C"`

	// The index of a primary key says no more than the key.
	indexesQuery = `select x.indrelid as relation, i.relname::text as name, x.indisunique as unique, m.amname::text as method,
			array(select a.attname::text from unnest(x.indkey::int2[]) with ordinality u(num, place)
				join pg_attribute a on a.attrelid = x.indrelid and a.attnum = u.num where u.place <= x.indnkeyatts order by u.place) as fields,
			coalesce(pg_get_expr(x.indexprs, x.indrelid), '') as expression, coalesce(pg_get_expr(x.indpred, x.indrelid), '') as predicate
		from pg_index x join pg_class i on i.oid = x.indexrelid join pg_am m on m.oid = i.relam
		join pg_class c on c.oid = x.indrelid join pg_namespace n on n.oid = c.relnamespace
		where not x.indisprimary and x.indisvalid and ` + relationWanted + ` order by x.indrelid, i.relname::text collate "C"`

	// A column may be of an enum, or of a domain over one.
	enumsQuery = `with recursive holds as (
			select oid as type, oid as enum from pg_type where typtype = 'e'
			union all
			select t.oid, h.enum from holds h join pg_type t on t.typbasetype = h.type and t.typtype = 'd'
		)
		select h.type, array(select e.enumlabel::text from pg_enum e where e.enumtypid = h.enum order by e.enumsortorder) as labels from holds h`

	definitionsQuery = `select c.oid as relation, coalesce(pg_get_viewdef(c.oid), '') as definition
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm') and ` + relationWanted
)

type database struct {
	OID         uint32
	Comment     string
	Owner       string
	CountedFrom *time.Time `db:"counted_from"`
	Counts      bool
}

type constraint struct {
	Relation   uint32
	Name       string
	Kind       string
	Fields     []string
	Expression string
}

type index struct {
	Relation   uint32
	Name       string
	Unique     bool
	Method     string
	Fields     []string
	Expression string
	Predicate  string
}

type enum struct {
	Type   uint32
	Labels []string
}

type definition struct {
	Relation   uint32
	Definition string
}

// details are by the number of the relation, and the values of enums by that of the type.
type details struct {
	database    database
	constraints map[uint32][]sdk.Constraint
	indexes     map[uint32][]sdk.Index
	values      map[uint32][]string
	definitions map[uint32]string
	flows       map[[2]uint32][]sdk.FieldEdge // by the relation that a view reads, and the view
}

func (l *listing) readDetails(ctx context.Context, c *converter, chosen []uint32) error {
	l.more = details{constraints: map[uint32][]sdk.Constraint{}, indexes: map[uint32][]sdk.Index{}, values: map[uint32][]string{}, definitions: map[uint32]string{}, flows: map[[2]uint32][]sdk.FieldEdge{}}
	for _, read := range []func(context.Context, *converter, []uint32) error{l.readDatabase, l.readConstraints, l.readIndexes, l.readEnums, l.readDefinitions, l.readFlows} {
		if err := read(ctx, c, chosen); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) readDatabase(ctx context.Context, c *converter, _ []uint32) error {
	all, err := rows[database](ctx, c.tx, databaseQuery)
	if err != nil || len(all) == 0 {
		return err
	}
	d := all[0]
	if err := c.learn(ctx, []string{d.Comment, d.Owner}); err != nil {
		return err
	}
	c.text(&d.Comment)
	c.text(&d.Owner)
	l.more.database = d
	return nil
}

// readConstraints leaves out what is about a column that cannot be named.
func (l *listing) readConstraints(ctx context.Context, c *converter, chosen []uint32) error {
	all, err := rows[constraint](ctx, c.tx, constraintsQuery, chosen)
	if err != nil {
		return err
	}
	var texts []string
	for _, k := range all {
		texts = append(append(texts, k.Fields...), k.Name, k.Expression)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, k := range all {
		c.text(&k.Name)
		if c.text(&k.Expression); !c.all(k.Fields) {
			continue
		}
		kind := map[string]string{"u": sdk.Unique, "c": sdk.Check}[k.Kind]
		l.more.constraints[k.Relation] = append(l.more.constraints[k.Relation], sdk.Constraint{Name: k.Name, Kind: kind, Fields: k.Fields, Expression: k.Expression})
	}
	return nil
}

// readIndexes leaves out what is about a column that cannot be named.
func (l *listing) readIndexes(ctx context.Context, c *converter, chosen []uint32) error {
	all, err := rows[index](ctx, c.tx, indexesQuery, chosen)
	if err != nil {
		return err
	}
	var texts []string
	for _, x := range all {
		texts = append(append(texts, x.Fields...), x.Name, x.Expression, x.Predicate)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, x := range all {
		for _, text := range []*string{&x.Name, &x.Expression, &x.Predicate} {
			c.text(text)
		}
		if !c.all(x.Fields) {
			continue
		}
		if x.Predicate != "" {
			x.Expression = strings.TrimSpace(x.Expression + " WHERE " + x.Predicate)
		}
		l.more.indexes[x.Relation] = append(l.more.indexes[x.Relation], sdk.Index{Name: x.Name, Fields: x.Fields, Unique: x.Unique, Expression: x.Expression, Method: x.Method})
	}
	return nil
}

// readEnums leaves out an enum with a value that cannot be told: a part of a
// closed list is none.
func (l *listing) readEnums(ctx context.Context, c *converter, _ []uint32) error {
	all, err := rows[enum](ctx, c.tx, enumsQuery)
	if err != nil {
		return err
	}
	var texts []string
	for _, e := range all {
		texts = append(texts, e.Labels...)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, e := range all {
		if c.all(e.Labels) {
			l.more.values[e.Type] = e.Labels
		}
	}
	return nil
}

func (l *listing) readDefinitions(ctx context.Context, c *converter, chosen []uint32) error {
	all, err := rows[definition](ctx, c.tx, definitionsQuery, chosen)
	if err != nil {
		return err
	}
	var texts []string
	for _, d := range all {
		texts = append(texts, d.Definition)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, d := range all {
		c.text(&d.Definition)
		l.more.definitions[d.Relation] = strings.TrimSuffix(strings.TrimSpace(d.Definition), ";")
	}
	return nil
}

// all gives a list of names in UTF-8, and false where one cannot be told.
func (c *converter) all(stored []string) bool {
	ok := true
	for i := range stored {
		ok = c.name(&stored[i]) && ok
	}
	return ok
}

package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Each query is one set over the whole database: the cost grows with the
// catalogue, not with round trips. They keep to what PostgreSQL 13 to 18 share.
const (
	// extension-owned schemas and relations belong to no one's data.
	wanted = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
		and (cardinality($1::text[]) = 0 or n.nspname::text = any ($1))
		and not n.nspname::text = any ($2)
		and not exists (select from pg_depend x where x.classid = 'pg_namespace'::regclass and x.objid = n.oid and x.deptype = 'e')`

	relationWanted = wanted + ` and c.relkind in ('r', 'v', 'm', 'p', 'f')
		and not exists (select from pg_depend x where x.classid = 'pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')`

	schemasQuery = `select n.nspname::text as name, has_schema_privilege(n.oid, 'USAGE') as usable,
			coalesce(obj_description(n.oid, 'pg_namespace'), '') as comment
		from pg_namespace n where ` + wanted + ` order by n.nspname::text collate "C"`

	relationsQuery = `select c.oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
			c.relispartition as partition, pg_get_userbyid(c.relowner)::text as owner,
			coalesce(obj_description(c.oid, 'pg_class'), '') as comment, c.reltuples::float8 as tuples,
			coalesce(pg_get_partkeydef(c.oid), '') as partition_key,
			coalesce(i.inhparent, 0)::oid as parent, coalesce(fs.srvname::text, '') as server
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		left join pg_inherits i on i.inhrelid = c.oid and i.inhseqno = 1
		left join pg_foreign_table ft on ft.ftrelid = c.oid
		left join pg_foreign_server fs on fs.oid = ft.ftserver
		where ` + relationWanted + ` order by n.nspname::text collate "C", c.relname::text collate "C"`

	columnsQuery = `select a.attrelid as relation, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,
			not (a.attnotnull or t.typnotnull) as nullable,
			coalesce(pg_get_expr(d.adbin, d.adrelid), '') as default, a.attidentity::text as identity,
			a.attgenerated::text as generated, coalesce(col_description(a.attrelid, a.attnum), '') as comment,
			coalesce(array_position(k.conkey, a.attnum), 0)::int as key
		from pg_attribute a
		join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
		join pg_type t on t.oid = a.atttypid
		left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
		where a.attnum > 0 and not a.attisdropped and ` + relationWanted + ` order by a.attrelid, a.attnum`

	keysQuery = `select k.conrelid as relation, k.conname::text as name, tn.nspname::text as schema, t.relname::text as target,
			array(select a.attname::text from unnest(k.conkey) with ordinality u(num, place)
				join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num order by u.place) as fields,
			array(select a.attname::text from unnest(k.confkey) with ordinality u(num, place)
				join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num order by u.place) as targets
		from pg_constraint k
		join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
		join pg_class t on t.oid = k.confrelid join pg_namespace tn on tn.oid = t.relnamespace
		left join pg_constraint up on up.oid = k.conparentid
		where k.contype = 'f' and (k.conparentid = 0 or up.conrelid <> k.conrelid) and ` + relationWanted + `
		order by k.conrelid, k.conname::text collate "C", k.oid`

	// A view's rule depends on every relation that the view reads itself; a
	// view in between hides what lies below it, as it should.
	viewsQuery = `select distinct sn.nspname::text as from_schema, s.relname::text as from_name, s.relispartition as partition, s.oid as "from",
			n.nspname::text as to_schema, c.relname::text as to_name
		from pg_rewrite r
		join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
		join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
			and d.refclassid = 'pg_class'::regclass and d.deptype = 'n' and d.refobjid <> c.oid
		join pg_class s on s.oid = d.refobjid and s.relkind in ('r', 'v', 'm', 'p', 'f')
		join pg_namespace sn on sn.oid = s.relnamespace
		where c.relkind in ('v', 'm') and ` + relationWanted + `
			and sn.nspname !~ '^pg_' and sn.nspname <> 'information_schema'
		order by 5, 6, 1, 2`
)

type schema struct {
	Name    string
	Usable  bool
	Comment string
}

type relation struct {
	OID          uint32
	Schema       string
	Name         string
	Kind         string
	Partition    bool
	Owner        string
	Comment      string
	Tuples       float64
	PartitionKey string `db:"partition_key"`
	Parent       uint32
	Server       string
}

type column struct {
	Relation  uint32
	Name      string
	Type      string
	Nullable  bool
	Default   string
	Identity  string
	Generated string
	Comment   string
	Key       int
}

type foreignKey struct {
	Relation uint32
	Name     string
	Schema   string
	Target   string
	Fields   []string
	Targets  []string
}

type viewEdge struct {
	FromSchema string `db:"from_schema"`
	FromName   string `db:"from_name"`
	Partition  bool
	From       uint32
	ToSchema   string `db:"to_schema"`
	ToName     string `db:"to_name"`
}

// listing is the catalogue of a database at one moment.
type listing struct {
	schemas   []schema
	remarks   map[string]string // on schemas, by name
	relations []relation
	columns   map[uint32][]column
	keys      map[uint32][]foreignKey
	views     []viewEdge
}

// list reads the catalogue in one snapshot that can write nothing.
func (p *parsed) list(ctx context.Context, conn *pgx.Conn) (*listing, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "set local statement_timeout = '120s'; set local search_path = pg_catalog"); err != nil {
		return nil, err
	}
	l := &listing{remarks: map[string]string{}, columns: map[uint32][]column{}, keys: map[uint32][]foreignKey{}}
	if l.schemas, err = rows[schema](ctx, tx, p, schemasQuery); err != nil {
		return nil, err
	}
	for _, sc := range l.schemas {
		l.remarks[sc.Name] = sc.Comment
	}
	if l.relations, err = rows[relation](ctx, tx, p, relationsQuery); err != nil {
		return nil, err
	}
	columns, err := rows[column](ctx, tx, p, columnsQuery)
	if err != nil {
		return nil, err
	}
	for _, c := range columns {
		l.columns[c.Relation] = append(l.columns[c.Relation], c)
	}
	keys, err := rows[foreignKey](ctx, tx, p, keysQuery)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		l.keys[k.Relation] = append(l.keys[k.Relation], k)
	}
	l.views, err = rows[viewEdge](ctx, tx, p, viewsQuery)
	return l, err
}

func rows[T any](ctx context.Context, tx pgx.Tx, p *parsed, query string) ([]T, error) {
	// An empty list and not null: cardinality of null is null.
	include, exclude := append([]string{}, p.include...), append([]string{}, p.exclude...)
	found, err := tx.Query(ctx, query, include, exclude)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[T])
}

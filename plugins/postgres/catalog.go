package postgres

// Each query is one set over the whole database: the cost grows with the
// catalogue, not with round trips. They keep to what PostgreSQL 13 to 18 share.
// Schemas are chosen here and go into the queries by their numbers: a name may
// not be what it seems in a database of another encoding.
const (
	schemasQuery = `select n.oid, n.nspname::text as name, has_schema_privilege(n.oid, 'USAGE') as usable,
			coalesce(obj_description(n.oid, 'pg_namespace'), '') as comment, pg_get_userbyid(n.nspowner)::text as owner
		from pg_namespace n
		where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
			and not exists (select from pg_depend x where x.classid = 'pg_namespace'::regclass and x.objid = n.oid and x.deptype = 'e')
		order by n.nspname::text collate "C"`

	// what belongs to an extension is no one's data.
	relationWanted = `n.oid = any ($1::oid[]) and c.relkind in ('r', 'v', 'm', 'p', 'f')
		and not exists (select from pg_depend x where x.classid = 'pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')`

	// The partitions of a table that is wanted are a part of it, in whatever
	// schema they stand.
	relationsQuery = `with recursive wanted as (
			select c.oid, true as listed from pg_class c join pg_namespace n on n.oid = c.relnamespace where ` + relationWanted + `
		), tree as (
			select oid from wanted
			union
			select p.oid from tree join pg_inherits i on i.inhparent = tree.oid join pg_class p on p.oid = i.inhrelid and p.relispartition
		)
		select c.oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind, coalesce(w.listed, false) as listed,
			c.relispartition as partition, pg_get_userbyid(c.relowner)::text as owner,
			coalesce(obj_description(c.oid, 'pg_class'), '') as comment, c.reltuples::float8 as tuples,
			coalesce(pg_get_partkeydef(c.oid), '') as partition_key,
			coalesce(i.inhparent, 0)::oid as parent, coalesce(fs.srvname::text, '') as server,
			(c.relpages + coalesce(toast.relpages, 0) + kept.pages)::bigint * current_setting('block_size')::int as bytes,
			coalesce(pg_stat_get_numscans(c.oid), 0) + kept.scans as reads
		from tree join pg_class c on c.oid = tree.oid join pg_namespace n on n.oid = c.relnamespace
		left join wanted w on w.oid = c.oid
		left join pg_class toast on toast.oid = c.reltoastrelid
		cross join lateral (select coalesce(sum(i.relpages), 0)::bigint as pages, coalesce(sum(pg_stat_get_numscans(i.oid)), 0)::bigint as scans
			from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = c.oid) kept
		left join pg_inherits i on i.inhrelid = c.oid and i.inhseqno = 1
		left join pg_foreign_table ft on ft.ftrelid = c.oid
		left join pg_foreign_server fs on fs.oid = ft.ftserver
		order by n.nspname::text collate "C", c.relname::text collate "C"`

	// A domain refuses null if it or one that it is made of does; only a table
	// holds it to that, since an outer join below a view makes nulls of its own.
	// A NOT NULL that was never checked against the rows promises nothing.
	columnsQuery = `with recursive base as (
			select t.oid, t.oid as type, t.typnotnull as refuses, t.typbasetype as next from pg_type t where t.typtype = 'd'
			union all
			select b.oid, t.oid, t.typnotnull, t.typbasetype from base b join pg_type t on t.oid = b.next and t.typtype = 'd'
		), strict as (
			select oid from base group by oid having bool_or(refuses)
		)
		select a.attrelid as relation, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,
			not (a.attnotnull and not exists (select from pg_constraint v
					where v.conrelid = a.attrelid and v.contype = 'n' and not v.convalidated and v.conkey = array[a.attnum])
				or c.relkind in ('r', 'p', 'f') and s.oid is not null) as nullable,
			coalesce(pg_get_expr(d.adbin, d.adrelid), '') as default, a.attidentity::text as identity,
			a.attgenerated::text as generated, coalesce(col_description(a.attrelid, a.attnum), '') as comment,
			coalesce(array_position(k.conkey, a.attnum), 0)::int as key, a.atttypid as type_oid
		from pg_attribute a
		join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
		left join strict s on s.oid = a.atttypid
		left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
		where a.attnum > 0 and not a.attisdropped and ` + relationWanted + ` order by a.attrelid, a.attnum`

	keysQuery = `select k.conrelid as relation, k.conname::text as name, t.oid as target_oid, tn.nspname::text as schema, t.relname::text as target,
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

	// A view's own rule depends on every relation that the view reads itself; a
	// view in between hides what lies below it, as it should. A view's other
	// rules say what becomes of a write: the view is made of nothing there.
	viewsQuery = `select distinct sn.nspname::text as from_schema, s.relname::text as from_name, s.oid as "from",
			n.nspname::text as to_schema, c.relname::text as to_name, c.oid as "to"
		from pg_rewrite r
		join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
		join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
			and d.refclassid = 'pg_class'::regclass and d.deptype = 'n' and d.refobjid <> c.oid
		join pg_class s on s.oid = d.refobjid and s.relkind in ('r', 'v', 'm', 'p', 'f')
		join pg_namespace sn on sn.oid = s.relnamespace
		where c.relkind in ('v', 'm') and r.ev_type = '1' and ` + relationWanted + `
			and sn.nspname !~ '^pg_' and sn.nspname <> 'information_schema'
		order by 4, 5, 1, 2`
)

type schema struct {
	OID     uint32
	Name    string
	Usable  bool
	Comment string
	Owner   string
}

type relation struct {
	OID          uint32
	Schema       string
	Name         string
	Kind         string
	Named        bool `db:"-"` // in UTF-8
	Listed       bool // of a schema that is harvested; not so a partition elsewhere
	Partition    bool
	Owner        string
	Comment      string
	Tuples       float64
	PartitionKey string `db:"partition_key"`
	Parent       uint32
	Server       string
	Bytes        int64 // by the planner's count of pages
	Reads        int64
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
	TypeOID   uint32 `db:"type_oid"`
}

type foreignKey struct {
	Relation uint32
	Name     string
	OID      uint32 `db:"target_oid"`
	Schema   string
	Target   string
	Fields   []string
	Targets  []string
}

type viewEdge struct {
	FromSchema string `db:"from_schema"`
	FromName   string `db:"from_name"`
	From       uint32
	ToSchema   string `db:"to_schema"`
	ToName     string `db:"to_name"`
	To         uint32
}

package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/souk-mesh/souk/sdk"
)

// state is what a grant is planned on: the table, the role and every right that
// the role or the writer has on it. It is the precondition, whole.
type state struct {
	Table   table
	Role    holder
	Writer  holder
	Columns []grantColumn
	Rights  []right // SELECT on the table and its columns
	View    *grantView
	Usage   usage // of the table's schema
	Through usage // of the schema of views
}

// table is what the grant is about. The OID is zero where there is none.
type table struct {
	OID      uint32
	Schema   string
	Name     string
	Stable   string
	Owner    string
	Owned    bool // by the writer, or by a role that it is a member of
	Security bool `db:"security"` // of rows
}

func (t table) quoted() string { return quote(t.Schema) + "." + quote(t.Name) }

type holder struct {
	OID   uint32
	Super bool
}

type grantColumn struct {
	Num  int16
	Name string
	Type string
	Text bool
}

// right is one entry of an access control list. Num is zero for the whole table.
type right struct {
	Num     int16
	Grantor uint32
	Grantee uint32
	Options bool // whether it may be passed on
}

// usage is who may use a schema.
type usage struct {
	Any      bool // the role, by whatever way
	Ours     bool // by the writer
	Passable bool // the writer may pass it on
	Others   bool // the writer shows the role something else in it
}

type grantView struct {
	Comment string
	Shown   bool // to the role, by the writer
}

const (
	tableQuery = `select c.oid, n.nspname::text as schema, c.relname::text as name, o.rolname::text as owner,
			format('pg_class:%s.%s', (select d.oid from pg_database d where d.datname = current_database()), c.oid) as stable,
			pg_has_role(current_user, c.relowner, 'USAGE') as owned, c.relrowsecurity as security
		from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles o on o.oid = c.relowner
		where c.relkind in ('r', 'v', 'm', 'p', 'f')`

	grantColumnsQuery = `select a.attnum as num, a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, t.typcategory = 'S' as text
		from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`

	rightsQuery = `select l.num, x.grantor, x.grantee, x.is_grantable as options
		from (select 0::int2 as num, relacl as acl from pg_class where oid = $1
			union all select attnum, attacl from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped) l, aclexplode(l.acl) x
		where x.privilege_type = 'SELECT' order by 1, 2, 3`

	usageQuery = `select has_schema_privilege($2::oid, n.oid, 'USAGE') as any,
			coalesce(bool_or(x.grantee = $2::oid and x.grantor = $3::oid), false) as ours,
			coalesce(bool_or(x.grantee = $3::oid and x.is_grantable), false) or n.nspowner = $3::oid as passable,
			exists (select from pg_class c cross join lateral (
				select y.grantor, y.grantee from aclexplode(c.relacl) y
				union all select y.grantor, y.grantee from pg_attribute a, aclexplode(a.attacl) y where a.attrelid = c.oid) y
				where c.relnamespace = n.oid and c.oid <> $4::oid and y.grantor = $3::oid and y.grantee = $2::oid) as others
		from pg_namespace n left join lateral aclexplode(n.nspacl) x on x.privilege_type = 'USAGE'
		where n.nspname = $1 group by n.oid, n.nspowner`

	viewQuery = `select coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
			exists (select from aclexplode(c.relacl) x where x.grantee = $3::oid and x.privilege_type = 'SELECT') as shown
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2 and c.relkind = 'v'`
)

// state reads it. A table or a role that is not there leaves its part empty.
func (w *writer) state(ctx context.Context, tx pgx.Tx, g sdk.Grant) (*state, error) {
	st := &state{}
	var err error
	if st.Writer, err = one[holder](ctx, tx, "select oid, rolsuper as super from pg_roles where rolname = current_user"); err != nil {
		return nil, err
	}
	if st.Role, err = one[holder](ctx, tx, "select oid, rolsuper as super from pg_roles where rolname = $1", g.Role); err != nil {
		return nil, err
	}
	if st.Table, err = w.find(ctx, tx, g); err != nil {
		return nil, err
	}
	if st.Columns, err = rows[grantColumn](ctx, tx, grantColumnsQuery, st.Table.OID); err != nil {
		return nil, err
	}
	if st.Rights, err = rows[right](ctx, tx, rightsQuery, st.Table.OID); err != nil {
		return nil, err
	}
	st.Rights = slices.DeleteFunc(st.Rights, func(r right) bool { return r.Grantee != st.Role.OID && r.Grantee != st.Writer.OID })
	return st, w.readViews(ctx, tx, g, st)
}

// readViews reads what concerns the view of the grant, and the schemas.
func (w *writer) readViews(ctx context.Context, tx pgx.Tx, g sdk.Grant, st *state) error {
	found, err := rows[grantView](ctx, tx, viewQuery, w.schema, g.ID, st.Role.OID)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		st.View = &found[0]
	}
	if st.Usage, err = one[usage](ctx, tx, usageQuery, st.Table.Schema, st.Role.OID, st.Writer.OID, st.Table.OID); err != nil {
		return err
	}
	var view uint32
	if err := tx.QueryRow(ctx, "select coalesce(to_regclass($1)::oid, 0)", quote(w.schema)+"."+quote(g.ID)).Scan(&view); err != nil {
		return err
	}
	st.Through, err = one[usage](ctx, tx, usageQuery, w.schema, st.Role.OID, st.Writer.OID, view)
	return err
}

// one reads the only row, or nothing.
func one[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) (T, error) {
	var none T
	found, err := rows[T](ctx, tx, query, args...)
	if err != nil || len(found) == 0 {
		return none, err
	}
	return found[0], nil
}

// find looks the table up: by the id that stays, if the grant has it, else by its
// name. A table that has the name and another id is another table.
func (w *writer) find(ctx context.Context, tx pgx.Tx, g sdk.Grant) (table, error) {
	if g.StableID != "" {
		var database, oid uint32
		if _, err := fmt.Sscanf(g.StableID, "pg_class:%d.%d", &database, &oid); err != nil {
			return table{}, sdk.Config("grant.stableId", "is none of this plugin", "harvest the source again, and leave it out meanwhile")
		}
		t, err := one[table](ctx, tx, tableQuery+" and c.oid = $1", oid)
		if t.Stable != g.StableID { // of another database
			t = table{}
		}
		return t, err
	}
	parts := sdk.SplitName(g.Asset.Name)
	if len(parts) != 3 || parts[0] != w.database { // the namespace may be written in another way by now
		return table{}, sdk.Config("grant.asset", fmt.Sprintf("is none of the database %s: %.200q", quote(w.database), g.Asset.Name), "name the asset as it was harvested: DATABASE.SCHEMA.TABLE")
	}
	return one[table](ctx, tx, tableQuery+" and n.nspname = $1 and c.relname = $2", parts[1], parts[2])
}

// passable tells whether the writer itself may pass on the column, or the table.
func (st *state) passable(num int16) bool {
	return slices.ContainsFunc(st.Rights, func(r right) bool {
		return r.Grantee == st.Writer.OID && r.Options && (r.Num == 0 || r.Num == num)
	})
}

// ours tells whether the role has exactly this right from the writer.
func (st *state) ours(num int16) bool {
	return slices.ContainsFunc(st.Rights, func(r right) bool {
		return r.Grantee == st.Role.OID && r.Grantor == st.Writer.OID && r.Num == num
	})
}

func (st *state) column(name string) (grantColumn, bool) {
	i := slices.IndexFunc(st.Columns, func(c grantColumn) bool { return c.Name == name })
	if i < 0 {
		return grantColumn{}, false
	}
	return st.Columns[i], true
}

package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

const (
	// A view of the writer stands for the table that it is made of.
	heldQuery = `with entry as (
			select c.oid, 0::int2 as num, '' as field, c.relacl as acl from pg_class c where c.relkind in ('r', 'v', 'm', 'p', 'f')
			union all select a.attrelid, a.attnum, a.attname::text, a.attacl from pg_attribute a where a.attacl is not null and a.attnum > 0 and not a.attisdropped)
		select n.nspname::text as schema, c.relname::text as name, e.field, g.rolname::text as role, b.rolname::text as by,
			b.rolname = current_user as ours, n.nspname = $1 and c.relowner = b.oid and b.rolname = current_user as view, c.oid
		from entry e cross join lateral aclexplode(e.acl) x
		join pg_class c on c.oid = e.oid join pg_namespace n on n.oid = c.relnamespace
		join pg_roles g on g.oid = x.grantee join pg_roles b on b.oid = x.grantor
		where x.privilege_type = 'SELECT' and g.rolname <> current_user and (b.rolname = current_user or g.rolname = any($2::text[]) and c.relowner <> g.oid)
		order by 4, 5, 1, 2, e.num`

	baseQuery = `select distinct n.nspname::text as schema, s.relname::text as name
		from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
		join pg_class s on s.oid = d.refobjid join pg_namespace n on n.oid = s.relnamespace where r.ev_class = $1`

	shownQuery = `select attname::text from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped order by attnum`
)

type heldRow struct {
	Schema, Name string
	Field        string
	Role, By     string
	Ours, View   bool
	OID          uint32
}

// ListGrants tells each right once, with all its columns.
func (s *source) ListGrants(ctx context.Context, roles []string, emit func(sdk.HeldGrant) error) error {
	return s.within(ctx, pgx.ReadOnly, func(w *writer, tx pgx.Tx) error {
		found, err := rows[heldRow](ctx, tx, heldQuery, w.schema, roles)
		if err != nil {
			return err
		}
		for len(found) > 0 {
			n := 1
			for n < len(found) && found[n].OID == found[0].OID && found[n].Role == found[0].Role && found[n].By == found[0].By {
				n++
			}
			h, err := w.held(ctx, tx, found[:n])
			if err == nil {
				err = emit(h)
			}
			if err != nil {
				return err
			}
			found = found[n:]
		}
		return nil
	})
}

// held makes one right of its entries, of which the first is the widest.
func (w *writer) held(ctx context.Context, tx pgx.Tx, entries []heldRow) (h sdk.HeldGrant, err error) {
	first := entries[0]
	h = sdk.HeldGrant{Asset: w.nameOf(first.Schema, first.Name), Role: first.Role, By: first.By, Ours: first.Ours}
	if first.View {
		h.GrantID = first.Name
		if base, err := one[struct{ Schema, Name string }](ctx, tx, baseQuery, first.OID); err != nil || base.Name != "" {
			h.Asset = w.nameOf(base.Schema, base.Name)
			if err != nil {
				return h, err
			}
		}
		h.Fields, err = w.texts(ctx, tx, shownQuery, first.OID)
		return h, err
	}
	for _, e := range entries {
		if e.Field == "" {
			h.Fields = nil
			break
		}
		h.Fields = append(h.Fields, e.Field)
	}
	return h, nil
}

func (w *writer) texts(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]string, error) {
	found, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}

// Whoever may act as another role may read what that one may.
const (
	closureQuery = `select x.oid, x.rolname::text as name from pg_roles x where pg_has_role($1::oid, x.oid, 'MEMBER') order by x.rolname`

	waysQuery = `select l.field, x.grantee, x.grantor = (select oid from pg_roles where rolname = current_user) as ours
		from (select '' as field, relacl as acl from pg_class where oid = $1
			union all select attname::text, attacl from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped) l, aclexplode(l.acl) x
		where x.privilege_type = 'SELECT' and (x.grantee = 0 or x.grantee = any($2::oid[])) order by x.grantee, l.field`

	// Without the schema nothing in it can be named.
	readableQuery = `select a.attname::text from pg_attribute a
		where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped and exists (select from unnest($2::oid[]) m(oid)
			where has_column_privilege(m.oid, a.attrelid, a.attnum, 'SELECT'))
		and exists (select from unnest($2::oid[]) m(oid) where has_schema_privilege(m.oid, (select relnamespace from pg_class where oid = $1), 'USAGE'))
		order by a.attnum`
)

type member struct {
	OID  uint32
	Name string
}

type wayRow struct {
	Field   string
	Grantee uint32
	Ours    bool
}

// VerifyGrant asks the server for the rights that count, by whatever way.
func (s *source) VerifyGrant(ctx context.Context, g sdk.Grant) (found sdk.Effective, err error) {
	err = s.within(ctx, pgx.ReadOnly, func(w *writer, tx pgx.Tx) error {
		st, err := w.state(ctx, tx, g)
		if err != nil || st.Role.OID == 0 || st.Table.OID == 0 {
			return err
		}
		p := &planner{w: w, r: sdk.GrantRequest{Grant: g}, st: st}
		found.Given = p.make() == nil && len(p.Statements) == 0
		return w.effective(ctx, tx, st, &found)
	})
	return found, err
}

func (w *writer) effective(ctx context.Context, tx pgx.Tx, st *state, found *sdk.Effective) error {
	if st.Role.Super {
		for _, c := range st.Columns {
			found.Readable = append(found.Readable, c.Name)
		}
		found.Ways = []sdk.Way{{Kind: sdk.BySuperuser}}
		return nil
	}
	members, err := rows[member](ctx, tx, closureQuery, st.Role.OID)
	if err != nil {
		return err
	}
	oids, names := []uint32{}, map[uint32]string{}
	for _, m := range members {
		oids, names[m.OID] = append(oids, m.OID), m.Name
	}
	if found.Readable, err = w.texts(ctx, tx, readableQuery, st.Table.OID, oids); err != nil {
		return err
	}
	given, err := rows[wayRow](ctx, tx, waysQuery, st.Table.OID, oids)
	if err != nil {
		return err
	}
	found.Ways = append(waysOf(given, st, names), unasked(st, members)...)
	return nil
}

// waysOf are the rights on the table, one of each kind and role.
func waysOf(given []wayRow, st *state, names map[uint32]string) (ways []sdk.Way) {
	for _, r := range given {
		way := sdk.Way{Kind: sdk.ByInherited, Through: names[r.Grantee], Ours: r.Ours}
		switch {
		case names[r.Grantee] == st.Table.Owner: // told as ownership
			continue
		case r.Grantee == st.Role.OID:
			way.Kind, way.Through = sdk.ByGrant, ""
		case r.Grantee == 0:
			way.Kind, way.Through = sdk.ByPublic, ""
		}
		if r.Field != "" {
			way.Fields = []string{r.Field}
		}
		ways = granting.AddWay(ways, way)
	}
	return ways
}

// unasked are the ways past the rights on the table.
func unasked(st *state, members []member) (ways []sdk.Way) {
	for _, m := range members {
		through := m.Name
		if m.OID == st.Role.OID {
			through = ""
		}
		switch {
		case m.Name == st.Table.Owner:
			ways = append(ways, sdk.Way{Kind: sdk.ByOwner, Through: through})
		case strings.HasPrefix(m.Name, "pg_read_all_data"):
			ways = append(ways, sdk.Way{Kind: sdk.ByOther, Through: through})
		}
	}
	return ways
}

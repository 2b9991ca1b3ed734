package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/plugins/internal/sqlgrant"
	"github.com/souk-mesh/souk/sdk"
)

const (
	allTableRightsQuery = `select User, Host, Db, Table_name, Grantor from mysql.tables_priv where find_in_set('Select', Table_priv) > 0`

	allColumnRightsQuery = `select c.User, c.Host, c.Db, c.Table_name, c.Column_name, coalesce(t.Grantor, '')
		from mysql.columns_priv c left join mysql.tables_priv t on t.Host = c.Host and t.User = c.User and t.Db = c.Db and t.Table_name = c.Table_name
		where find_in_set('Select', c.Column_priv) > 0`

	shownColumnsQuery = `select table_name, column_name from information_schema.columns where table_schema = ? order by table_name, ordinal_position`
)

// held is a right on a table, as it is listed.
type held struct {
	right
	table name
}

// ListGrants tells each right once, with all its columns: those that Souk has noted
// and that are there, and what the roles have besides.
func (s *source) ListGrants(ctx context.Context, roles []string, emit func(sdk.HeldGrant) error) error {
	return s.within(ctx, func(w *writer) error {
		names, err := w.named(ctx, roles)
		if err != nil {
			return err
		}
		var st state
		if err := w.readGiven(ctx, &st, ""); err != nil {
			return err
		}
		all, err := w.everyRight(ctx)
		if err != nil {
			return err
		}
		shown, err := w.shownColumns(ctx)
		if err != nil {
			return err
		}
		for _, h := range w.heldGrants(all, &st, names, shown) {
			if err := emit(h); err != nil {
				return err
			}
		}
		return nil
	})
}

// named are the accounts of the roles, with the words by which they were asked for.
// A role that stands for none has nothing: its plan says what is wrong with it.
func (w *writer) named(ctx context.Context, roles []string) (map[account]string, error) {
	names := map[account]string{}
	for _, role := range roles {
		var st state
		_, err := w.find(ctx, sdk.Grant{Role: role}, &st)
		if e, ours := errors.AsType[*sdk.Error](err); ours && e.Class == sdk.ClassConfig {
			continue
		}
		if err != nil {
			return nil, err
		}
		names[st.Account] = role
	}
	return names, nil
}

// everyRight lists the rights to read databases, tables and columns, of all accounts.
func (w *writer) everyRight(ctx context.Context) ([]held, error) {
	all, err := rows(ctx, w.conn, allTableRightsQuery, func(r *sql.Rows, h *held) error {
		return r.Scan(&h.Account.User, &h.Account.Host, &h.table.database, &h.table.table, &h.By)
	})
	if err != nil {
		return nil, err
	}
	columns, err := rows(ctx, w.conn, allColumnRightsQuery, func(r *sql.Rows, h *held) error {
		return r.Scan(&h.Account.User, &h.Account.Host, &h.table.database, &h.table.table, &h.Column, &h.By)
	})
	if err != nil {
		return nil, err
	}
	wide, err := w.databaseRights(ctx)
	for _, r := range wide {
		if r.Reads {
			columns = append(columns, held{right: r, table: name{database: r.Wide}})
		}
	}
	all = append(all, columns...)
	slices.SortFunc(all, func(a, b held) int {
		return cmp.Or(byAccount(a.Account, b.Account), cmp.Compare(a.table.database, b.table.database), cmp.Compare(a.table.table, b.table.table), cmp.Compare(a.Column, b.Column))
	})
	return all, err
}

// shownColumns are those of the views of grants.
func (w *writer) shownColumns(ctx context.Context) (map[string][]string, error) {
	shown := map[string][]string{}
	_, err := rows(ctx, w.conn, shownColumnsQuery, func(r *sql.Rows, c *[2]string) error {
		err := r.Scan(&c[0], &c[1])
		shown[c[0]] = append(shown[c[0]], c[1])
		return err
	}, w.database)
	return shown, err
}

func (w *writer) heldGrants(all []held, st *state, names map[account]string, shown map[string][]string) (grants []sdk.HeldGrant) {
	var last *sdk.HeldGrant
	var before held
	for _, h := range all {
		note := st.noteOfRight(w, h)
		role, asked := names[h.Account]
		if note == nil && (!asked || h.table.database == w.database) {
			continue
		}
		if last != nil && before.Account == h.Account && before.table == h.table && last.Ours == (note != nil) && last.GrantID == "" && len(last.Fields) > 0 {
			last.Fields = append(last.Fields, h.Column)
			continue
		}
		grants = append(grants, w.heldGrant(h, note, cmp.Or(role, h.Account.String()), shown))
		last, before = &grants[len(grants)-1], h
	}
	return grants
}

func (w *writer) heldGrant(h held, note *given, role string, shown map[string][]string) sdk.HeldGrant {
	g := sdk.HeldGrant{Asset: w.nameOf(h.table), Role: role, By: w.giver(h.right), Ours: note != nil}
	switch {
	case h.table.table == "":
		g.Asset.Name = sdk.JoinName(h.table.database)
	case h.Column != "":
		g.Fields = []string{h.Column}
	}
	if note != nil {
		g.By = w.me.String()
		if note.Grant != "" {
			g.Asset, g.GrantID, g.Fields = w.nameOf(note.Table), note.Grant, shown[note.Grant]
		}
	}
	return g
}

// giver is who changed the account's rights on the table last, where that is not the
// user that gives rights: then nobody knows who was before.
func (w *writer) giver(r right) string {
	if strings.HasPrefix(r.By, w.me.User+"@") {
		return ""
	}
	return r.By
}

// noteOfRight is what Souk has noted of the right.
func (st *state) noteOfRight(w *writer, h held) *given {
	i := slices.IndexFunc(st.Given, func(g given) bool {
		if g.Account != h.Account {
			return false
		}
		if g.Grant != "" {
			return h.table == name{w.database, g.Grant} && h.Column == ""
		}
		return g.Table == h.table && g.Column == h.Column
	})
	if i < 0 {
		return nil
	}
	return &st.Given[i]
}

// VerifyGrant asks the server for the rights that count, by whatever way.
func (s *source) VerifyGrant(ctx context.Context, g sdk.Grant) (found sdk.Effective, err error) {
	err = s.within(ctx, func(w *writer) error {
		st, err := w.state(ctx, g)
		if err != nil || !st.Known {
			return err
		}
		p := &planner{w: w, r: sdk.GrantRequest{Grant: g}, st: st}
		found.Given = p.make() == nil && len(p.Statements) == 0
		return w.effective(ctx, st, g, &found)
	})
	return found, err
}

// effective adds up what everybody gives as whom the account may read.
func (w *writer) effective(ctx context.Context, st *state, g sdk.Grant, found *sdk.Effective) error {
	all, err := w.rightsOn(ctx, st.Table)
	if err != nil {
		return err
	}
	guises, err := w.guises(ctx, st)
	if err != nil {
		return err
	}
	for _, one := range guises {
		rights := all
		for _, u := range one.users {
			if u.super {
				found.Ways = granting.AddWay(found.Ways, sdk.Way{Kind: sdk.BySuperuser, Through: one.through})
			}
			rights = slices.Concat(u.rights(), all)
		}
		for _, r := range rights {
			if r.Reads && one.has(r) {
				found.Ways = granting.AddWay(found.Ways, one.way(r, st))
			}
		}
	}
	for _, name := range w.known(st, g, found.Ways) {
		if slices.ContainsFunc(found.Ways, func(way sdk.Way) bool { return len(way.Fields) == 0 || slices.Contains(way.Fields, name) }) {
			found.Readable = append(found.Readable, name)
		}
	}
	return nil
}

// known are the columns of the table. Where the user that gives rights does not see
// all of it, they are also those that are spoken of, and a star where none is.
func (w *writer) known(st *state, g sdk.Grant, ways []sdk.Way) []string {
	names := st.names()
	if slices.ContainsFunc(st.Rights, func(r right) bool { return r.Account == w.me && r.Reads && r.Column == "" }) && st.There {
		return names
	}
	for _, field := range sqlgrant.Named(g) {
		if !slices.Contains(names, field) {
			names = append(names, field)
		}
	}
	for _, way := range ways {
		for _, field := range way.Fields {
			if !slices.Contains(names, field) {
				names = append(names, field)
			}
		}
	}
	if len(names) == 0 {
		return []string{"*"}
	}
	return names
}

package mysql

import (
	"context"
	"database/sql"
	"slices"

	"github.com/souk-mesh/souk/sdk"
)

// guise is somebody as whom an account may read: itself, everybody, a role that it
// has, an account that it may act for, or one of its own name at another host.
type guise struct {
	account

	kind    sdk.WayKind
	through string
	nobody  bool   // rights of '' on databases, which the server gives to everybody
	users   []user // what else the server knows of it
}

func (g guise) has(r right) bool {
	if g.nobody {
		return r.Account.User == "" && r.Wide != ""
	}
	return r.Account == g.account
}

// way is the right, as it is told.
func (g guise) way(r right, st *state) sdk.Way {
	way := sdk.Way{Kind: g.kind, Through: g.through}
	switch {
	case r.Wide == "*.*":
		way.Kind, way.Through = sdk.ByOther, "SELECT ON *.*"
		if g.through != "" {
			way.Through += " of " + g.through
		}
	case r.Wide != "":
	case r.Column != "":
		way.Fields = []string{r.Column}
	}
	way.Ours = g.kind == sdk.ByGrant && r.Wide == "" && st.noted(r.Column)
	return way
}

const (
	rolesQuery   = `select Role, '' from mysql.roles_mapping where User = ? and Host = ?`
	rolesOfMySQL = `select FROM_USER, FROM_HOST from mysql.role_edges where TO_USER = ? and TO_HOST = ?`
	proxiesQuery = `select Proxied_user, Proxied_host from mysql.proxies_priv where User = ? and Host = ?`
)

// guises are all of them, each once. Whether a role is in effect does not count: who
// has it can put it into effect.
func (w *writer) guises(ctx context.Context, st *state) ([]guise, error) {
	all := []guise{{account: st.Account, kind: sdk.ByGrant}, {kind: sdk.ByPublic, nobody: true, through: "''@'%'"}}
	if w.version.mariadb {
		all = append(all, guise{account: account{"PUBLIC", ""}, kind: sdk.ByPublic})
	}
	for _, a := range st.Same {
		all = append(all, guise{account: a, kind: sdk.ByOther, through: a.String()})
	}
	for i := 0; i < len(all); i++ {
		if all[i].nobody {
			continue
		}
		more, err := w.behind(ctx, all[i].account)
		if err != nil {
			return nil, err
		}
		for _, one := range more {
			if !slices.ContainsFunc(all, func(g guise) bool { return g.account == one.account && !g.nobody }) {
				all = append(all, one)
			}
		}
		found, err := w.users(ctx, all[i].User)
		if err != nil {
			return nil, err
		}
		all[i].users = slices.DeleteFunc(found, func(u user) bool { return u.account != all[i].account })
	}
	return all, nil
}

// behind are the roles that an account has, and the accounts that it may act for.
func (w *writer) behind(ctx context.Context, a account) (all []guise, err error) {
	query := rolesQuery
	if !w.version.mariadb {
		query = rolesOfMySQL
	}
	scan := func(r *sql.Rows, one *account) error { return r.Scan(&one.User, &one.Host) }
	roles, err := rows(ctx, w.conn, query, scan, a.User, a.Host)
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		all = append(all, guise{account: r, kind: sdk.ByInherited, through: r.String()})
	}
	proxied, err := rows(ctx, w.conn, proxiesQuery, scan, a.User, a.Host)
	for _, r := range proxied {
		if r.User != "" { // of '' are all, of whom none can be named
			all = append(all, guise{account: r, kind: sdk.ByInherited, through: "PROXY " + r.String()})
		}
	}
	return all, err
}

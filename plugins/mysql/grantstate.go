package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// state is what a grant is planned on: the table, the account, every right to read
// the table that the account or the writer has, and what Souk has noted that it
// gave. It is the precondition, whole.
type state struct {
	Table   name
	There   bool // the table
	Account account
	Known   bool      // the account
	Same    []account // others of its name, who read by its rights where no account is nearer to their host
	Columns []grantColumn
	Rights  []right
	Given   []given
	View    string // what the view of the grant shows, as a sum; "" where there is none
	Shown   bool   // the view, to the account
}

type grantColumn struct {
	Name string
	Data string // the name of its type alone
	Type string
}

// right is one right to read, or to pass on. Column is empty for the whole table.
type right struct {
	Account account
	Wide    string // of more than the table: *.* or the pattern of databases
	Column  string
	Reads   bool
	Passes  bool
	By      string // who changed the account's rights on this table last; nothing more is kept
}

// given is what Souk has noted before it gave it.
type given struct {
	Account account
	Table   name
	Column  string // "" for the whole table
	Grant   string // whose view it is, "" where it is no view
	Made    string // a sum of the statement that made the view
	Shown   string // a sum of what the view then was
}

const (
	accountsQuery   = `select User, Host, Select_priv = 'Y', Grant_priv = 'Y', Super_priv = 'Y', is_role = 'Y' from mysql.user where User = ?`
	accountsOfMySQL = `select User, Host, Select_priv = 'Y', Grant_priv = 'Y', Super_priv = 'Y', false from mysql.user where User = ?`

	grantColumnsQuery = `select table_schema, table_name, column_name, data_type, column_type from information_schema.columns
		where table_schema = ? and table_name = ? order by ordinal_position`

	tableRightsQuery = `select User, Host, Db, Table_name, find_in_set('Select', Table_priv) > 0, find_in_set('Grant', Table_priv) > 0, Grantor
		from mysql.tables_priv where Db = ? and Table_name = ? and Table_priv <> ''`
	columnRightsQuery = `select c.User, c.Host, c.Db, c.Table_name, c.Column_name, coalesce(t.Grantor, '')
		from mysql.columns_priv c left join mysql.tables_priv t on t.Host = c.Host and t.User = c.User and t.Db = c.Db and t.Table_name = c.Table_name
		where c.Db = ? and c.Table_name = ? and find_in_set('Select', c.Column_priv) > 0`
	databaseRightsQuery = `select User, Host, Db, Select_priv = 'Y', Grant_priv = 'Y' from mysql.db where Select_priv = 'Y' or Grant_priv = 'Y'`

	viewSumQuery = `select table_schema, table_name, sha2(view_definition, 256) from information_schema.views where table_schema = ? and table_name = ?`
)

func (w *writer) givenQuery() string {
	return "select `user`, `host`, `db`, `tbl`, `col`, `grant_id`, `made`, `shown` from " + w.list()
}

// list is the table with what was given.
func (w *writer) list() string { return quote(w.database) + ".`given`" }

// state reads it. A table or an account that is not there leaves its part empty.
func (w *writer) state(ctx context.Context, g sdk.Grant) (*state, error) {
	st := &state{}
	var err error
	if st.Table, err = w.tableOf(g); err != nil {
		return nil, err
	}
	users, err := w.find(ctx, g, st)
	if err != nil {
		return nil, err
	}
	if st.Columns, err = w.columns(ctx, st.Table); err != nil {
		return nil, err
	}
	st.There = len(st.Columns) > 0
	all, err := w.rightsOn(ctx, st.Table)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		all = append(all, u.rights()...)
	}
	for _, r := range all {
		if r.Account == st.Account || r.Account == w.me {
			st.Rights = append(st.Rights, r)
		}
	}
	if err := w.readGiven(ctx, st, "where `user` = ? and `host` = ? and `db` = ? and `tbl` = ? or `grant_id` = ?", st.Account.User, st.Account.Host, st.Table.database, st.Table.table, g.ID); err != nil {
		return nil, err
	}
	return st, w.readView(ctx, g, st)
}

// tableOf reads the name of the table. The server knows tables by their names alone.
func (w *writer) tableOf(g sdk.Grant) (name, error) {
	parts := sdk.SplitName(g.Asset.Name)
	switch {
	case g.StableID != "":
		return name{}, sdk.Config("grant.stableId", "is none of this plugin", "harvest the source again, and leave it out meanwhile")
	case len(parts) != 2 || !possible(parts[0], 64) || !possible(parts[1], 64):
		return name{}, sdk.Config("grant.asset", fmt.Sprintf("is no table: %.200q", g.Asset.Name), "name the asset as it was harvested: DATABASE.TABLE")
	}
	if w.version.fold {
		parts[0], parts[1] = strings.ToLower(parts[0]), strings.ToLower(parts[1])
	}
	return name{parts[0], parts[1]}, nil
}

// user is an account as the server keeps it.
type user struct {
	account

	reads, passes, super bool // everything
	role                 bool
}

func (u user) rights() []right {
	if !u.reads && !u.passes {
		return nil
	}
	return []right{{Account: u.account, Wide: "*.*", Reads: u.reads, Passes: u.passes}}
}

func (w *writer) users(ctx context.Context, named string) ([]user, error) {
	query := accountsQuery
	if !w.version.mariadb {
		query = accountsOfMySQL
	}
	found, err := rows(ctx, w.conn, query, func(r *sql.Rows, u *user) error {
		return r.Scan(&u.User, &u.Host, &u.reads, &u.passes, &u.super, &u.role)
	}, named)
	return slices.DeleteFunc(found, func(u user) bool { return u.User != named }), err
}

// find looks the account up, with those of its name and the writer's.
func (w *writer) find(ctx context.Context, g sdk.Grant, st *state) ([]user, error) {
	wanted, alone, err := parseAccount(g.Role)
	if err != nil {
		return nil, err
	}
	found, err := w.users(ctx, wanted.User)
	if err != nil {
		return nil, err
	}
	st.Account = wanted
	var fits []account
	for _, u := range found {
		if u.account == wanted && u.role == (wanted.Host == "") || alone && !u.role && u.Host == "%" {
			fits = append(fits, u.account)
		}
	}
	switch len(fits) {
	case 0:
	case 1:
		st.Account, st.Known = fits[0], true
	default:
		return nil, sdk.Config("grant.role", "is the name of a role and of a user", "write 'name'@'%' for the user; give one of them another name for the role")
	}
	for _, u := range found {
		if u.account != st.Account && !u.role && st.Account.Host != "" {
			st.Same = append(st.Same, u.account)
		}
	}
	slices.SortFunc(st.Same, byAccount)
	mine, err := w.users(ctx, w.me.User)
	if w.me.User == wanted.User {
		mine = nil
	}
	return append(found, mine...), err
}

func (w *writer) columns(ctx context.Context, t name) ([]grantColumn, error) {
	var all []grantColumn
	_, err := rows(ctx, w.conn, grantColumnsQuery, func(r *sql.Rows, c *grantColumn) error {
		var of name
		err := r.Scan(&of.database, &of.table, &c.Name, &c.Data, &c.Type)
		if w.version.folded(of.database) == t.database && w.version.folded(of.table) == t.table || of == t {
			all = append(all, *c)
		}
		return err
	}, t.database, t.table)
	return all, err
}

// rightsOn are those on the table, its columns and its database, of all accounts.
func (w *writer) rightsOn(ctx context.Context, t name) ([]right, error) {
	var all []right
	keep := func(r right, of name) {
		if of == t {
			all = append(all, r)
		}
	}
	_, err := rows(ctx, w.conn, tableRightsQuery, func(r *sql.Rows, one *right) error {
		var of name
		err := r.Scan(&one.Account.User, &one.Account.Host, &of.database, &of.table, &one.Reads, &one.Passes, &one.By)
		keep(*one, of)
		return err
	}, t.database, t.table)
	if err != nil {
		return nil, err
	}
	_, err = rows(ctx, w.conn, columnRightsQuery, func(r *sql.Rows, one *right) error {
		var of name
		err := r.Scan(&one.Account.User, &one.Account.Host, &of.database, &of.table, &one.Column, &one.By)
		one.Reads = true
		keep(*one, of)
		return err
	}, t.database, t.table)
	if err != nil {
		return nil, err
	}
	wide, err := w.databaseRights(ctx)
	for _, r := range wide {
		if like(w.version.folded(r.Wide), w.version.folded(t.database)) {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b right) int { return byAccount(a.Account, b.Account) })
	return all, err
}

func (w *writer) databaseRights(ctx context.Context) ([]right, error) {
	return rows(ctx, w.conn, databaseRightsQuery, func(r *sql.Rows, one *right) error {
		return r.Scan(&one.Account.User, &one.Account.Host, &one.Wide, &one.Reads, &one.Passes)
	})
}

func (w *writer) readGiven(ctx context.Context, st *state, where string, args ...any) (err error) {
	st.Given, err = rows(ctx, w.conn, w.givenQuery()+" "+where+" order by 1, 2, 3, 4, 5, 6", scanGiven, args...)
	return err
}

func scanGiven(r *sql.Rows, g *given) error {
	return r.Scan(&g.Account.User, &g.Account.Host, &g.Table.database, &g.Table.table, &g.Column, &g.Grant, &g.Made, &g.Shown)
}

// readView reads what concerns the view of the grant.
func (w *writer) readView(ctx context.Context, g sdk.Grant, st *state) error {
	view := name{w.database, g.ID}
	_, err := rows(ctx, w.conn, viewSumQuery, func(r *sql.Rows, sum *string) error {
		var of name
		err := r.Scan(&of.database, &of.table, sum)
		if w.version.folded(of.database) == w.version.folded(view.database) && w.version.folded(of.table) == w.version.folded(view.table) {
			st.View = *sum
		}
		return err
	}, view.database, view.table)
	if err != nil {
		return err
	}
	if w.version.fold {
		view = name{strings.ToLower(view.database), strings.ToLower(view.table)}
	}
	shown, err := rows(ctx, w.conn, tableRightsQuery, func(r *sql.Rows, one *right) error {
		var of name
		err := r.Scan(&one.Account.User, &one.Account.Host, &of.database, &of.table, &one.Reads, &one.Passes, &one.By)
		one.Reads = one.Reads && of == view
		return err
	}, view.database, view.table)
	st.Shown = slices.ContainsFunc(shown, func(r right) bool { return r.Reads && r.Account == st.Account })
	return err
}

// has tells whether the account has exactly this right, by whatever hand.
func (st *state) has(column string) bool {
	return slices.ContainsFunc(st.Rights, func(r right) bool {
		return r.Account == st.Account && r.Wide == "" && r.Column == column && r.Reads
	})
}

// noted tells whether Souk has noted that it gave the right.
func (st *state) noted(column string) bool {
	return slices.ContainsFunc(st.Given, func(g given) bool {
		return g.Grant == "" && g.Account == st.Account && g.Table == st.Table && g.Column == column
	})
}

// noteOf is the note of the view of a grant.
func (st *state) noteOf(grant string) *given {
	i := slices.IndexFunc(st.Given, func(g given) bool { return g.Grant == grant })
	if i < 0 || grant == "" {
		return nil
	}
	return &st.Given[i]
}

// passable tells whether the account itself may pass on the column, or the table.
func (st *state) passable(by account, column string) bool {
	reads, passes := false, false
	for _, r := range st.Rights {
		if r.Account == by {
			reads = reads || r.Reads && (r.Column == "" || r.Column == column)
			passes = passes || r.Passes
		}
	}
	return reads && passes
}

func (st *state) column(name string) (grantColumn, bool) {
	i := slices.IndexFunc(st.Columns, func(c grantColumn) bool { return c.Name == name })
	if i < 0 {
		return grantColumn{}, false
	}
	return st.Columns[i], true
}

func (st *state) names() (names []string) {
	for _, c := range st.Columns {
		names = append(names, c.Name)
	}
	return names
}

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

// Grants says with what the plugin gives rights. It is off without a role.
type Grants struct {
	Role     string `json:"role,omitempty" doc:"Role that gives rights to other roles and takes them away. It is Souk's alone, owns no table and may pass on what it reads. No right is ever given when empty." admin:"true"`
	Password string `json:"password,omitempty" doc:"Password of the role that gives rights." format:"secret"`
	Schema   string `json:"schema" doc:"Schema of the views through which masked fields are read. It belongs to the role that gives rights, and holds nothing else." default:"souk_grants" admin:"true"`
}

// writer is who gives rights, and where its views stand.
type writer struct {
	*parsed // with the connection of the role that gives rights

	schema string
}

// writer gives the connection for rights, or says that there is none.
func (s *source) writer() (*writer, error) {
	if s.grants.Role == "" {
		return nil, sdk.NoGrants("grants.role")
	}
	p := *s.parsed
	p.pgx = s.pgx.Copy()
	p.pgx.User, p.pgx.Password = s.grants.Role, s.grants.Password
	return &writer{&p, s.grants.Schema}, nil
}

// within opens a transaction as the role that gives rights.
func (s *source) within(ctx context.Context, mode pgx.TxAccessMode, use func(*writer, pgx.Tx) error) error {
	w, err := s.writer()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, w.pgx)
	if err != nil {
		return w.explainGrant(err)
	}
	defer closeConn(conn)
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: mode})
	if err != nil {
		return w.explainGrant(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	const settings = "set local statement_timeout = '20s'; set local lock_timeout = '5s'; set local search_path = pg_catalog; set local standard_conforming_strings = on"
	if _, err := tx.Exec(ctx, settings); err != nil {
		return w.explainGrant(err)
	}
	return w.explainGrant(use(w, tx))
}

// PlanGrant looks at the source and changes nothing: it could not.
func (s *source) PlanGrant(ctx context.Context, r sdk.GrantRequest) (plan sdk.GrantPlan, err error) {
	err = s.within(ctx, pgx.ReadOnly, func(w *writer, tx pgx.Tx) error {
		plan, err = w.plan(ctx, tx, r)
		return err
	})
	return plan, err
}

// ApplyGrant plans anew, holding the table, and does what it has planned if that
// is what it was asked to do.
func (s *source) ApplyGrant(ctx context.Context, r sdk.GrantRequest, asked sdk.GrantPlan) (outcome sdk.GrantOutcome, err error) {
	err = s.within(ctx, pgx.ReadWrite, func(w *writer, tx pgx.Tx) error {
		outcome, err = w.apply(ctx, tx, r, asked)
		return err
	})
	return outcome, err
}

func (w *writer) apply(ctx context.Context, tx pgx.Tx, r sdk.GrantRequest, asked sdk.GrantPlan) (sdk.GrantOutcome, error) {
	// One at a time, so that none plans on what another is about to change.
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('souk grants', 0))"); err != nil {
		return "", err
	}
	if err := w.hold(ctx, tx, r); err != nil {
		return "", err
	}
	outcome, err := granting.Settle(asked, func() (sdk.GrantPlan, error) { return w.plan(ctx, tx, r) }, func(statements []string) error {
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if outcome != sdk.GrantDone || err != nil {
		return outcome, err
	}
	return outcome, tx.Commit(ctx)
}

// hold keeps the table from being renamed or dropped until the end.
func (w *writer) hold(ctx context.Context, tx pgx.Tx, r sdk.GrantRequest) error {
	st, err := w.state(ctx, tx, r.Grant)
	if err != nil || st.Table.OID == 0 {
		return err
	}
	for _, c := range st.Columns {
		if st.passable(c.Num) {
			_, err := tx.Exec(ctx, fmt.Sprintf("select %s from %s limit 0", quote(c.Name), st.Table.quoted()))
			return err
		}
	}
	return nil
}

// explainGrant is explain for the role that gives rights.
func (w *writer) explainGrant(err error) error {
	pg, ofServer := errors.AsType[*pgconn.PgError](err)
	if err == nil {
		return nil
	}
	if _, told := errors.AsType[*sdk.Error](err); told {
		return err
	}
	if !ofServer {
		return w.explain(err)
	}
	fault := &sdk.Error{Err: err, Code: "postgres." + pg.Code}
	role := quote(w.pgx.User)
	switch {
	case pg.Code == "28P01" || pg.Code == "28000":
		fault.Class, fault.Message = sdk.ClassAuth, "PostgreSQL refuses the role "+role+", which gives rights, or its password"
		fault.Fix = "set the secret grants.password, or make the role as the page of the plugin says"
	case pg.Code == "42501":
		fault.Class, fault.Message = sdk.ClassDenied, "the role "+role+" lacks a right that it needs to give rights"
		fault.Fix = "run the script on the page of the plugin for the role that gives rights"
	case pg.Code == "2BP01":
		fault.Class, fault.Field, fault.Message = sdk.ClassConfig, "grant", "something in the database depends on the view of the grant, such as another view"
		fault.Fix = "drop what was made on the view, then try again"
	case len(pg.Code) > 2 && (pg.Code[:2] == "22" || pg.Code[:2] == "42"):
		fault.Class, fault.Field, fault.Message = sdk.ClassConfig, "grant", "PostgreSQL cannot make the view of the grant: error "+pg.Code
		fault.Fix = "compare the filters with the types of the columns"
	default: // a lock that is not to be had, a row that somebody changes, a server that stops
		fault.Class, fault.Message = sdk.ClassUnavailable, "PostgreSQL cannot do it now: error "+pg.Code
		fault.Fix = "try again; if it stays, look into the log of the server"
	}
	return fault
}

// checkGrants tries what giving rights needs, where it is on.
func (s *source) checkGrants(ctx context.Context, r *sdk.Report) error {
	if s.grants.Role == "" {
		return nil
	}
	var owns bool
	err := s.within(ctx, pgx.ReadOnly, func(w *writer, tx pgx.Tx) error {
		const query = "select exists (select from pg_namespace where nspname = $1 and nspowner = (select oid from pg_roles where rolname = current_user))"
		return tx.QueryRow(ctx, query, w.schema).Scan(&owns)
	})
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		r.Failed("grants", e.Message, e.Fix)
		return nil
	}
	if err == nil && !owns {
		r.Failed("grants", "there is no schema "+quote(s.grants.Schema)+" that belongs to the role "+quote(s.grants.Role),
			fmt.Sprintf("CREATE SCHEMA %s AUTHORIZATION %s;", quote(s.grants.Schema), quote(s.grants.Role)))
		return nil
	}
	if err == nil {
		r.OK("grants")
	}
	return err
}

var _ sdk.Granter = (*source)(nil)

package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

// Grants says with what the plugin gives rights. It is off without a user.
type Grants struct {
	User     string `json:"user,omitempty" doc:"User that gives rights to others and takes them away. It is Souk's alone, and may pass on what it reads. No right is ever given when empty." admin:"true"`
	Password string `json:"password,omitempty" doc:"Password of the user that gives rights." format:"secret"`
	Database string `json:"database" doc:"Database with the list of what was given, and the views through which masked fields are read. It is Souk's alone." default:"souk_grants" admin:"true"`
}

// writer is who gives rights, on a connection of its own.
type writer struct {
	*parsed // with the user that gives rights

	database string
	conn     *sql.Conn
	version  version
	me       account
}

// within opens a connection as the user that gives rights. What the reader of a
// view could set for itself is set here: statements mean the same everywhere.
func (s *source) within(ctx context.Context, use func(*writer) error) error {
	if s.grants.User == "" {
		return sdk.NoGrants("grants.user")
	}
	p := *s.parsed
	p.driver = s.driver.Clone()
	p.driver.User, p.driver.Passwd = s.grants.User, s.grants.Password
	w := &writer{parsed: &p, database: s.grants.Database}
	return w.explainGrant((&source{&p}).lend(ctx, func(conn *sql.Conn) error {
		w.conn = conn
		if err := w.begin(ctx); err != nil {
			return err
		}
		return use(w)
	}))
}

func (w *writer) begin(ctx context.Context) error {
	var lower int
	if err := w.conn.QueryRowContext(ctx, versionQuery).Scan(&w.version.text, &lower); err != nil {
		return err
	}
	w.version.know(lower)
	mode := "STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES"
	if w.version.mariadb {
		mode += ",NO_AUTO_CREATE_USER" // MySQL 8 creates none in any case, and refuses the word
	}
	if _, err := w.conn.ExecContext(ctx, "set session sql_mode = '"+mode+"', lock_wait_timeout = 5"); err != nil {
		return err
	}
	var me string
	if err := w.conn.QueryRowContext(ctx, "select current_user()").Scan(&me); err != nil {
		return err
	}
	at := strings.LastIndex(me, "@")
	if at < 0 {
		return sdk.Denied("the server does not say who gives rights: "+me, "give rights by a user, and not by a role")
	}
	w.me = account{me[:at], me[at+1:]}
	return nil
}

// PlanGrant looks at the source and changes nothing: it could not.
func (s *source) PlanGrant(ctx context.Context, r sdk.GrantRequest) (plan sdk.GrantPlan, err error) {
	err = s.within(ctx, func(w *writer) error {
		if _, err := w.conn.ExecContext(ctx, "set session transaction read only"); err != nil {
			return err
		}
		p, err := w.plan(ctx, r)
		plan = p.GrantPlan
		return err
	})
	return plan, err
}

// ApplyGrant plans anew, alone among those who give rights, and does what it has
// planned if that is what it was asked to do.
func (s *source) ApplyGrant(ctx context.Context, r sdk.GrantRequest, asked sdk.GrantPlan) (outcome sdk.GrantOutcome, err error) {
	err = s.within(ctx, func(w *writer) error {
		outcome, err = w.apply(ctx, r, asked)
		return err
	})
	return outcome, err
}

func (w *writer) apply(ctx context.Context, r sdk.GrantRequest, asked sdk.GrantPlan) (sdk.GrantOutcome, error) {
	var alone sql.NullInt64 // until the connection ends
	if err := w.conn.QueryRowContext(ctx, "select get_lock('souk grants', 20)").Scan(&alone); err != nil {
		return "", err
	}
	if alone.Int64 != 1 {
		return "", sdk.Unavailable("another server gives rights here", "try again", nil)
	}
	var now planner
	return granting.Settle(asked, func() (plan sdk.GrantPlan, err error) {
		now, err = w.plan(ctx, r)
		return now.GrantPlan, err
	}, func(statements []string) error { return w.do(ctx, statements, now.undo) })
}

// do runs the statements, each of which counts at once: the server has no
// transaction for rights. What was given is taken back where the rest of it fails.
func (w *writer) do(ctx context.Context, statements []string, undo []string) error {
	for i, statement := range statements {
		_, err := w.conn.ExecContext(ctx, statement)
		if err == nil {
			continue
		}
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		for i--; i >= 0; i-- {
			if undo[i] == "" {
				continue
			}
			if _, again := w.conn.ExecContext(back, undo[i]); again != nil {
				return errors.Join(err, again)
			}
		}
		return err
	}
	return nil
}

// explainGrant is explain for the user that gives rights.
func (w *writer) explainGrant(err error) error {
	if err == nil {
		return nil
	}
	told, fromServer := errors.AsType[*driver.MySQLError](err)
	if _, known := errors.AsType[*sdk.Error](err); known && !fromServer {
		return err
	}
	if !fromServer {
		return w.explain(err)
	}
	user := quote(w.driver.User)
	fault := &sdk.Error{Err: err, Code: fmt.Sprintf("mysql.%d", told.Number)}
	switch told.Number {
	case 1045, 1698, 3118, 4151, 1820, 1862:
		fault.Class, fault.Message = sdk.ClassAuth, "the server refuses the user "+user+", which gives rights, or its password"
		fault.Fix = "set the secret grants.password, or make the user as the page of the plugin says"
	case 1044, 1142, 1143, 1227, 1410, 4206:
		fault.Class, fault.Message = sdk.ClassDenied, "the user "+user+" lacks a right that it needs to give rights"
		fault.Fix = "run the script on the page of the plugin for the user that gives rights"
	case 1146, 1049:
		fault.Class, fault.Field, fault.Message = sdk.ClassConfig, "grants.database", "the database "+quote(w.database)+" does not have the list of what was given"
		fault.Fix = "run the script on the page of the plugin for the user that gives rights"
	case 1133, 1141, 1147:
		fault.Class, fault.Message = sdk.ClassUnavailable, "somebody changes the account or its rights at the same time"
		fault.Fix = "try again"
	default:
		return w.explain(err)
	}
	return fault
}

// checkGrants tries what giving rights needs, where it is on.
func (s *source) checkGrants(ctx context.Context, r *sdk.Report) error {
	if s.grants.User == "" {
		return nil
	}
	err := s.within(ctx, func(w *writer) error {
		// A table that nobody has: what is read of it is read of every one.
		st, err := w.state(ctx, sdk.Grant{ID: "check", Role: w.me.String(), Asset: sdk.NativeID{Name: sdk.JoinName(w.database, "check")}})
		if err != nil {
			return err
		}
		_, err = w.guises(ctx, st)
		return err
	})
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		r.Failed("grants", e.Message, e.Fix)
		return nil
	}
	if err == nil {
		r.OK("grants")
	}
	return err
}

var _ sdk.Granter = (*source)(nil)

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-mesh/souk/sdk"
)

// explain turns an error of the driver into one that says what to do. The
// server's own words are kept for the log only.
func (p *parsed) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	role, database := quote(p.pgx.User), quote(p.database)
	pg, fromServer := errors.AsType[*pgconn.PgError](err)
	if !fromServer {
		if e := explainTransport(err); e != nil {
			return e
		}
		return sdk.Unavailable(fmt.Sprintf("PostgreSQL at %s:%d cannot be reached", p.pgx.Host, p.pgx.Port),
			"look whether the server runs and the network lets souk through", err)
	}
	fault := &sdk.Error{Err: err, Code: "postgres." + pg.Code}
	switch pg.Code {
	case "28P01", "28000":
		fault.Class, fault.Message = sdk.ClassAuth, "PostgreSQL refuses the role "+role+" or its password"
		fault.Fix = "set the secret password, or run ALTER ROLE " + role + " LOGIN PASSWORD '...', and look into pg_hba.conf"
	case "3D000":
		fault.Class, fault.Field, fault.Message = sdk.ClassConfig, "url", "there is no database "+database
		fault.Fix = "name an existing database in the URL"
	case "42501":
		fault.Class, fault.Message = sdk.ClassDenied, "the role "+role+" lacks a right on the database "+database
		fault.Fix = "GRANT CONNECT ON DATABASE " + database + " TO " + role + ";"
	default:
		fault.Class, fault.Message = sdk.ClassUnavailable, "PostgreSQL answers with error "+pg.Code
		fault.Fix = "look into the log of the server"
	}
	return fault
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

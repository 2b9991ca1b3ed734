package mysql

import (
	"context"
	"errors"
	"fmt"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/sdk"
)

// explain turns an error of the driver into one that says what to do. The
// server's own words are kept for the log only.
func (p *parsed) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if known, ok := errors.AsType[*sdk.Error](err); ok {
		return known
	}
	if e := explainTransport(err); e != nil {
		return e
	}
	told, fromServer := errors.AsType[*driver.MySQLError](err)
	if !fromServer {
		return sdk.Unavailable("the server at "+p.address+" cannot be reached, or breaks off",
			"look whether it runs and the network lets souk through", err)
	}
	user := quote(p.driver.User)
	fault := &sdk.Error{Err: err, Code: fmt.Sprintf("mysql.%d", told.Number)}
	switch told.Number {
	case 1045, 1698, 3118, 4151: // the last two: a locked account, of MySQL and of MariaDB
		fault.Class, fault.Message = sdk.ClassAuth, "the server refuses the user "+user+" or its password"
		fault.Fix = "set the secret password, or run ALTER USER " + user + " IDENTIFIED BY '...'; the user has to exist for the host that souk connects from"
	case 1820, 1862:
		fault.Class, fault.Message = sdk.ClassAuth, "the password of the user "+user+" has expired"
		fault.Fix = "run ALTER USER " + user + " IDENTIFIED BY '...' and set the secret password"
	case 1130, 1129:
		fault.Class, fault.Message = sdk.ClassDenied, "the server takes no connection from this machine"
		fault.Fix = "create the user " + user + " for the host that souk connects from; FLUSH HOSTS after many failures"
	case 1044, 1142, 1143, 1227:
		fault.Class, fault.Message = sdk.ClassDenied, "the user "+user+" lacks a right"
		fault.Fix = "run the statements on the plugin's page"
	case 3159:
		fault.Class, fault.Field, fault.Message = sdk.ClassConfig, "transport", "the server refuses connections that are not encrypted"
		fault.Fix = "set transport to verified, or to encrypted"
	default:
		fault.Class, fault.Message = sdk.ClassUnavailable, fmt.Sprintf("the server answers with error %d", told.Number)
		fault.Fix = "look into the log of the server"
	}
	return fault
}

package mysql

import (
	"errors"
	"net/url"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

// connection is what the driver is told. It never reads a file for the server
// (LOAD DATA LOCAL), and never signs in with a password as it is.
func (c Config) connection(u *url.URL, address string, timeout time.Duration) (*driver.Config, error) {
	secure, err := transport.Config{Transport: c.Transport, Authorities: c.Authorities}.TLS(u.Hostname())
	if err != nil {
		return nil, err
	}
	d := driver.NewConfig()
	d.User, d.Passwd, d.Net, d.Addr = u.User.Username(), c.Password, "tcp", address
	d.TLS, d.Timeout, d.InterpolateParams = secure, timeout, true
	d.Logger = &driver.NopLogger{}
	d.Params = map[string]string{"time_zone": "'+00:00'"}
	d.ConnectionAttributes = "program_name:souk"
	return d, nil
}

// explainTransport gives the error of a connection that is not what the field
// transport demands, or nil.
func explainTransport(err error) *sdk.Error {
	if e := transport.Unverified(err, "mysql.unverified"); e != nil {
		return e
	}
	var e *sdk.Error
	switch {
	case errors.Is(err, driver.ErrNoTLS):
		e = sdk.Config("transport", "the server offers no encrypted connection",
			"set ssl_cert and ssl_key on the server; an administrator may set transport to clear")
		e.Code = "mysql.clear"
	case errors.Is(err, driver.ErrCleartextPassword), errors.Is(err, driver.ErrOldPassword), errors.Is(err, driver.ErrUnknownPlugin):
		e = sdk.Auth("the server wants the user to sign in in a way that gives the password away, or that is not known here",
			"let the user sign in with caching_sha2_password, ed25519 or mysql_native_password")
		e.Code = "mysql.clear_password"
	default:
		return nil
	}
	e.Err = err
	return e
}

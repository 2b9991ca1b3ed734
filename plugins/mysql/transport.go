package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/sdk"
)

// The values of the field transport.
const (
	verified  = "verified"
	encrypted = "encrypted"
	clear     = "clear"
)

// connection is what the driver is told. It never reads a file for the server
// (LOAD DATA LOCAL), and never signs in with a password as it is.
func (c Config) connection(u *url.URL, address string, timeout time.Duration) (*driver.Config, error) {
	secure, err := c.secure(u.Hostname())
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

func (c Config) secure(host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.Authorities != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(c.Authorities)) {
			return nil, sdk.Config("authorities", "holds no certificate", "write certificates in PEM: -----BEGIN CERTIFICATE-----")
		}
	}
	switch c.Transport {
	case "", verified:
	case encrypted:
		config.InsecureSkipVerify = true // only an administrator chooses it
	case clear:
		return nil, nil //nolint:nilnil // no encryption is an answer here
	default:
		return nil, sdk.Config("transport", "is none of the values that are allowed", "write verified, encrypted or clear")
	}
	return config, nil
}

// explainTransport gives the error of a connection that is not what the field
// transport demands, or nil.
func explainTransport(err error) *sdk.Error {
	var e *sdk.Error
	why := flawOf(err)
	switch {
	case why != "":
		e = sdk.Config("transport", "the server cannot prove who it is: its certificate "+why,
			"give the certificate of its authority in authorities, or the name of the certificate as the URL's host; an administrator may set transport to encrypted")
		e.Code = "mysql.unverified"
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

// flawOf says what is wrong with the server's certificate, or "".
func flawOf(err error) string {
	if _, other := errors.AsType[x509.HostnameError](err); other {
		return "is for another name than the URL's host"
	}
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return "is signed by nobody who is known here"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "is past its time or before it"
		}
		return "is not valid"
	}
	return ""
}

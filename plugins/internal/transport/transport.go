// Package transport says what a connection must be before a password travels on
// it. It owns that choice, the authorities that are believed, and the words for a
// certificate that proves nothing; it refuses to connect anywhere itself.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/souk-mesh/souk/sdk"
)

// The values of the field transport.
const (
	Verified  = "verified"  // encrypted, and the certificate proves who answers
	Encrypted = "encrypted" // anybody may answer
	Clear     = "clear"     // anybody may listen, too
)

// Config is what an operator may say of the connection. A plugin embeds it.
type Config struct {
	Transport   string `json:"transport" doc:"What a connection must be before the user signs in on it: verified (encrypted, and the server's certificate proves who it is), encrypted (anybody may answer), or clear (anybody may listen, too). Only an administrator may choose less than verified." enum:"verified,encrypted,clear" default:"verified" admin:"true"`
	Authorities string `json:"authorities,omitempty" doc:"Certificates of the authorities that sign for the server, in PEM; those of the machine when empty."`
}

// TLS gives the settings for the host, or nil for a connection in clear. Without
// a host the caller sets the name of each server that it connects to.
func (c Config) TLS(host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.Authorities != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(c.Authorities)) {
			return nil, sdk.Config("authorities", "holds no certificate", "write certificates in PEM: -----BEGIN CERTIFICATE-----")
		}
	}
	switch c.Transport {
	case "", Verified:
	case Encrypted:
		config.InsecureSkipVerify = true // only an administrator chooses it
	case Clear:
		return nil, nil //nolint:nilnil // no encryption is an answer here
	default:
		return nil, sdk.Config("transport", "is none of the values that are allowed", "write verified, encrypted or clear")
	}
	return config, nil
}

// Unverified is the error of a server that could not prove who it is, with a
// code of the plugin's, or nil where err is another one.
func Unverified(err error, code string) *sdk.Error {
	why := flaw(err)
	if why == "" {
		return nil
	}
	e := sdk.Config("transport", "the server cannot prove who it is: its certificate "+why,
		"give the certificate of its authority in authorities, or the name of the certificate as the URL's host; an administrator may set transport to encrypted")
	e.Code, e.Err = code, err
	return e
}

// flaw says what is wrong with the server's certificate, or "".
func flaw(err error) string {
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

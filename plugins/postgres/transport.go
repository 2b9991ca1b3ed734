package postgres

import (
	"crypto/x509"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

// The values of the field transport, weakest first.
const (
	clear     = "clear"
	encrypted = "encrypted"
	verified  = "verified"
)

// parameters are those that a URL may have. Others would lead the connection
// to another host, or let the driver read files of the server.
var parameters = []string{"sslmode", "sslrootcert", "sslsni", "sslnegotiation", "channel_binding", "target_session_attrs", "connect_timeout", "application_name"}

// way is how the server is reached: what the URL asks for, and never less than
// what the field transport demands.
type way struct {
	url         string
	transport   string
	authorities *x509.CertPool // nil: those of the machine
}

func (c Config) wayTo(u *url.URL, files *sdk.Files) (*way, error) {
	w := &way{transport: c.Transport}
	if w.transport == "" {
		w.transport = verified
	}
	if !slices.Contains([]string{clear, encrypted, verified}, w.transport) {
		return nil, sdk.Config("transport", "is none of the values that are allowed", "write verified, encrypted or clear")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, sdk.Config("url", "has parameters that cannot be read", "write them as ?sslmode=verify-full")
	}
	for name := range query {
		if !slices.Contains(parameters, name) {
			return nil, sdk.Config("url", "has a parameter that is not allowed", "keep to "+strings.Join(parameters, ", "))
		}
	}
	if w.authorities, err = c.trusted(query.Get("sslrootcert"), files); err != nil {
		return nil, err
	}
	if query.Get("sslrootcert") != "system" {
		query.Del("sslrootcert")
	}
	mode := w.mode(query)
	if w.weaker(w.strengthOf(mode)) {
		return nil, sdk.Config("transport", "forbids what the URL asks for: a connection that is not "+w.transport, w.advice())
	}
	query.Set("sslmode", mode)
	through := *u
	through.RawQuery = query.Encode()
	w.url = through.String()
	return w, nil
}

// trusted reads the authorities that the configuration names.
func (c Config) trusted(file string, files *sdk.Files) (*x509.CertPool, error) {
	pem, field := c.Authorities, "authorities"
	if pem == "" && file != "" && file != "system" {
		if files == nil {
			return x509.NewCertPool(), nil
		}
		field = "url"
		content, err := files.Open(field, file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = content.Close() }()
		text, err := io.ReadAll(io.LimitReader(content, 1<<20))
		if err != nil {
			return nil, sdk.Config(field, "names a file of certificates that cannot be read", "let the user that runs souk read the file")
		}
		pem = string(text)
	}
	if pem == "" {
		return nil, nil //nolint:nilnil // nothing is an answer here
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, sdk.Config(field, "holds no certificate", "write certificates in PEM: -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// mode is the sslmode that the URL asks for, or the strongest that the field
// transport is about. As in libpq, authorities of one's own are always asked.
func (w *way) mode(query url.Values) string {
	mode := query.Get("sslmode")
	switch {
	case query.Get("sslrootcert") == "system":
		return "verify-full"
	case mode == "require" && w.authorities != nil:
		return "verify-ca"
	case mode != "":
		return mode
	case w.transport == clear:
		return "prefer"
	case w.transport == encrypted && w.authorities == nil:
		return "require"
	}
	return "verify-full"
}

// strengthOf is what an sslmode can promise. With the machine's authorities
// verify-ca lets everybody in who has a certificate for any name.
func (w *way) strengthOf(mode string) string {
	switch mode {
	case "verify-full":
		return verified
	case "verify-ca":
		if w.authorities != nil {
			return verified
		}
		return encrypted
	case "require":
		return encrypted
	}
	return clear
}

// weaker tells whether the strength is less than the field transport demands.
func (w *way) weaker(strength string) bool {
	order := []string{clear, encrypted, verified}
	return slices.Index(order, strength) < slices.Index(order, w.transport)
}

func (w *way) advice() string {
	if w.transport == verified {
		return "leave sslmode out of the URL or write sslmode=verify-full, and give authorities if the server's certificate is of your own making; an administrator may set transport to encrypted or clear"
	}
	return "leave sslmode out of the URL or write sslmode=require; an administrator may set transport to clear"
}

// secure puts what is not said in the URL into the driver's configuration.
// Whoever answers unverified must not be given the password as it is.
func (w *way) secure(config *pgx.ConnConfig) {
	all := []*pgconn.FallbackConfig{{TLSConfig: config.TLSConfig}}
	for _, one := range append(all, config.Fallbacks...) {
		if one.TLSConfig != nil && w.authorities != nil {
			one.TLSConfig.RootCAs = w.authorities
		}
	}
	if w.transport == encrypted {
		config.RequireAuth = "!password"
	}
}

// explainTransport gives the error of a connection that is not what the field
// transport demands, or nil.
func explainTransport(err error) *sdk.Error {
	if e := transport.Unverified(err, "postgres.unverified"); e != nil {
		return e
	}
	switch {
	case strings.Contains(err.Error(), "server refused TLS connection"):
		e := sdk.Config("transport", "PostgreSQL offers no encrypted connection",
			"turn ssl on in postgresql.conf; an administrator may set transport to clear")
		e.Code, e.Err = "postgres.clear", err
		return e
	case strings.Contains(err.Error(), "require_auth"):
		e := sdk.Config("transport", "PostgreSQL asks for the password as it is, and nothing proves who asks",
			"let the role log in with scram-sha-256 in pg_hba.conf, or make the certificate verifiable and take transport out")
		e.Code, e.Err = "postgres.clear_password", err
		return e
	}
	return nil
}

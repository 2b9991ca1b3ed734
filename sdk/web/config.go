// Package web is the HTTP client of plugins: it tries again what is safe to try
// again, keeps to a pace, and says of a failure whose turn it is. It owns what
// travels to one host. It refuses any other host, also where a redirect or a link
// to the next page names one, so that credentials stay with the host that an
// operator has bound them to.
package web

import (
	"crypto/x509"
	"net/url"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// Config is what an operator may say of how a source is reached over HTTP. A
// plugin embeds it in its own configuration as the field "http":
//
//	HTTP web.Config `json:"http,omitzero"`
//
// The zero value has the defaults.
type Config struct {
	Transport     string  `json:"transport" doc:"What a connection must be before credentials travel on it: verified (encrypted, and the certificate proves who answers), encrypted (anybody may answer), or clear (an address that begins with http:// is allowed, and anybody may listen). Only an administrator may choose less than verified." enum:"verified,encrypted,clear" default:"verified" admin:"true"`
	Authorities   string  `json:"authorities,omitempty" doc:"Certificates of the authorities that sign for the server, in PEM; those of the machine when empty."`
	Proxy         string  `json:"proxy,omitempty" doc:"Address of the proxy through which the source is reached, such as http://proxy.example:3128; none when empty." format:"url"`
	ProxyUser     string  `json:"proxyUser,omitempty" doc:"User at the proxy."`
	ProxyPassword string  `json:"proxyPassword,omitempty" doc:"Password of the user at the proxy." format:"secret"`
	PerSecond     float64 `json:"requestsPerSecond" doc:"How many requests a second at most." default:"10"`
	Timeout       string  `json:"timeout" doc:"How long the source may be silent in one request." format:"duration" default:"30s"`
}

// settings is a configuration that has been checked.
type settings struct {
	clear     bool // http:// is allowed
	verify    bool
	roots     *x509.CertPool // nil for those of the machine
	proxy     *url.URL       // nil for none
	perSecond float64
	timeout   time.Duration
}

// Judge says what is wrong with the configuration, from the text alone.
func (c Config) Judge() error {
	_, err := c.parse()
	return err
}

// JudgeAll says what is wrong with the configuration, or with the first of the
// addresses that it is to reach. They are judged in order: whoever sets a source
// up mends one field after the other, and reads the same of a text each time.
func (c Config) JudgeAll(addresses ...Address) error {
	s, err := c.parse()
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if _, err := s.address(a.Field, a.Text); err != nil {
			return err
		}
	}
	return nil
}

// Address is one that the field of a configuration gives.
type Address struct{ Field, Text string }

func (c Config) parse() (settings, error) {
	s := settings{clear: c.Transport == "clear", verify: c.Transport == "" || c.Transport == "verified", perSecond: c.PerSecond, timeout: 30 * time.Second}
	if s.perSecond == 0 {
		s.perSecond = 10
	}
	if s.perSecond < 0 || s.perSecond > 10_000 {
		return s, sdk.Config("http.requestsPerSecond", "is no pace", "write a number above 0 and up to 10000")
	}
	if c.Timeout != "" {
		d, err := time.ParseDuration(c.Timeout)
		if err != nil || d <= 0 || d > maxSilence {
			return s, sdk.Config("http.timeout", "is no duration above 0 and up to "+maxSilence.String(), "write a duration such as 30s")
		}
		s.timeout = d
	}
	if c.Authorities != "" {
		s.roots = x509.NewCertPool()
		if !s.roots.AppendCertsFromPEM([]byte(c.Authorities)) {
			return s, sdk.Config("http.authorities", "holds no certificate", "write the certificates in PEM, each from -----BEGIN CERTIFICATE----- on")
		}
	}
	var err error
	s.proxy, err = c.proxy()
	return s, err
}

func (c Config) proxy() (*url.URL, error) {
	if c.Proxy == "" {
		return nil, nil //nolint:nilnil // no proxy is no error
	}
	example := "write http://HOST:PORT, and the user and the password into fields of their own"
	u, err := url.Parse(c.Proxy)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, sdk.Config("http.proxy", "is no address of a proxy", example)
	case u.User != nil:
		return nil, sdk.Config("http.proxy", "holds a user or a password", example)
	}
	if c.ProxyUser != "" {
		u.User = url.UserPassword(c.ProxyUser, c.ProxyPassword)
	}
	return u, nil
}

// address checks the address of a source. No message repeats it: it may hold a
// password.
func (s settings) address(field, text string) (*url.URL, error) {
	example := "write https://HOST/PATH"
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, sdk.Config(field, "is missing", example)
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, sdk.Config(field, "is no address of a web server", example)
	case u.User != nil:
		return nil, sdk.Config(field, "holds a user or a password", "take it out, change the password, and give it as a secret")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, sdk.Config(field, "has something behind its path", "take out what follows the question mark or the #")
	case u.Scheme == "http" && !s.clear:
		return nil, sdk.Config(field, "begins with http://, and what travels there can be listened to", "write https://, or let an administrator set http.transport to clear")
	}
	return u, nil
}

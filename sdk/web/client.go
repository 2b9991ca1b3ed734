package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// maxAnswer is the size of an answer unless the author says otherwise.
const maxAnswer = 64 << 20

// Options is what the author of a plugin says of the host.
type Options struct {
	Address string // of the source, with the path under which all requests lie
	Field   string // the field of the configuration that holds the address: "url" when empty
	Agent   string // who asks, such as souk-airflow/1.0.0: "souk" when empty

	// Attach puts the credentials into a request. It is asked before each try,
	// and only for the host of Address.
	Attach func(ctx context.Context, r *http.Request) error

	// Renew makes new credentials after the source has refused the old ones. It
	// is asked once for a request, which is then sent again. nil: there are none.
	Renew func(ctx context.Context) error

	// Expired tells what else than a 401 means that the credentials are refused:
	// a status with the source's own words. It may be nil.
	Expired func(status int, words string) bool

	MaxBytes int64 // of an answer once it is unpacked: 64 MiB when 0
}

// Client speaks to one host. It is safe for use by several goroutines.
type Client struct {
	options Options
	base    *url.URL
	http    *http.Client
	pace    *pace
	timeout time.Duration
	log     *slog.Logger
	now     func() time.Time
	wait    func(context.Context, time.Duration) error
	spoken  *flag // the host has answered before
	down    *flag // a request was tried in vain, and none went well since
}

// New gives a client for one host. The source closes it in its own Close. It
// returns an error of sdk.ClassConfig where the configuration is wrong, and
// connects to nothing.
func New(env sdk.Env, c Config, o Options) (*Client, error) {
	s, err := c.parse()
	if err != nil {
		return nil, err
	}
	o.Field, o.Agent, o.MaxBytes = cmp.Or(o.Field, "url"), cmp.Or(o.Agent, "souk"), cmp.Or(o.MaxBytes, maxAnswer)
	base, err := s.address(o.Field, o.Address)
	if err != nil {
		return nil, err
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	base.RawPath = strings.TrimSuffix(base.RawPath, "/")
	client := &Client{
		options: o, base: base, pace: newPace(s.perSecond), timeout: s.timeout,
		log: cmp.Or(env.Log, slog.New(slog.DiscardHandler)), now: env.Now, wait: sleep, spoken: &flag{}, down: &flag{},
	}
	if client.now == nil {
		client.now = time.Now
	}
	client.http = &http.Client{Transport: s.transport(), CheckRedirect: client.redirect}
	return client, nil
}

// Transport gives the connections of a configuration to a client library that
// tries again, signs and maps errors by itself: proxy, certificates and time to
// connect. It holds no credentials and is bound to no host.
func Transport(c Config) (*http.Transport, error) {
	s, err := c.parse()
	if err != nil {
		return nil, err
	}
	return s.transport(), nil
}

func (s settings) transport() *http.Transport {
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     &tls.Config{RootCAs: s.roots, InsecureSkipVerify: !s.verify, MinVersion: tls.VersionTLS12}, //nolint:gosec // an administrator has said so
		ForceAttemptHTTP2:   true, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	if s.proxy != nil {
		t.Proxy = http.ProxyURL(s.proxy)
	}
	return t
}

// Close gives back the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Host is the name and the port of the host, in small letters and with the port
// also where the address leaves it out, as names of assets want it.
func (c *Client) Host() string {
	port := cmp.Or(c.base.Port(), map[string]string{"http": "80", "https": "443"}[c.base.Scheme])
	return net.JoinHostPort(strings.ToLower(c.base.Hostname()), port)
}

// bound reports whether the credentials may travel to the address.
func (c *Client) bound(u *url.URL) bool {
	return u.User == nil && u.Scheme == c.base.Scheme && strings.EqualFold(u.Host, c.base.Host)
}

var (
	errElsewhere = errors.New("the redirect leads to another host")
	errLoop      = errors.New("too many redirects")
)

const maxRedirects = 5

func (c *Client) redirect(r *http.Request, before []*http.Request) error {
	switch {
	case !c.bound(r.URL):
		return errElsewhere
	case len(before) > maxRedirects:
		return errLoop
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// Request is one question to the host.
type Request struct {
	Method string      // GET when empty
	Path   string      // below the path of the client's address; escape a part of it with url.PathEscape
	URL    string      // in place of Path: an address as the source gave it, which must be of the same host
	Query  url.Values  // beside what the Path or the URL has
	Header http.Header // beside the credentials
	Body   []byte      // sent anew with each try
	Asks   bool        // a POST that changes nothing, such as a search, and so may be tried again
}

// JSON gives the request a body in JSON.
func (r Request) JSON(body any) (Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return r, err
	}
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	r.Body, r.Header = text, header
	return r, nil
}

func (r Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// harmless reports whether it does no harm to send the request twice.
func (r Request) harmless() bool {
	m := r.method()
	return r.Asks || m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions
}

// Stream sends the request and gives the answer as it comes, once the source has
// said that all is well. The caller closes its body. What breaks off while the
// body is read is not tried again.
func (c *Client) Stream(ctx context.Context, r Request) (*http.Response, error) {
	var answer *http.Response
	err := c.try(ctx, r, func(ctx context.Context, target *url.URL) (err error) {
		answer, err = c.once(ctx, r, target) //nolint:bodyclose // the caller of Stream does
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// Read sends the request and reads the whole answer. One that breaks off is
// asked for again.
func (c *Client) Read(ctx context.Context, r Request) ([]byte, http.Header, error) {
	var text []byte
	var header http.Header
	err := c.try(ctx, r, func(ctx context.Context, target *url.URL) error {
		answer, err := c.once(ctx, r, target)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		header = answer.Header
		if text, err = io.ReadAll(answer.Body); err != nil {
			return c.explain(err, r)
		}
		return nil
	})
	return text, header, err
}

// Into sends the request and reads the JSON of the answer into a value.
func (c *Client) Into(ctx context.Context, r Request, into any) error {
	text, header, err := c.Read(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return c.noJSON(err, r, header)
	}
	return nil
}

// target is the address of the request.
func (c *Client) target(r Request) (*url.URL, error) {
	u, err := url.Parse(c.base.String() + r.Path)
	if r.URL != "" {
		u, err = c.base.Parse(r.URL)
	}
	switch {
	case r.URL != "" && (err != nil || !c.bound(u)):
		return nil, c.elsewhere()
	case err != nil || r.Path != "" && !strings.HasPrefix(r.Path, "/"):
		return nil, &sdk.Error{Class: sdk.ClassInternal, Code: "http.path", Message: "a path of the plugin is none", Fix: "report it to the author of the plugin", Err: err}
	}
	if len(r.Query) > 0 {
		query := u.Query()
		maps.Copy(query, r.Query)
		u.RawQuery = query.Encode()
	}
	return u, nil
}

// elsewhere reports a link to another host. It does not repeat the link.
func (c *Client) elsewhere() error {
	return &sdk.Error{
		Class: sdk.ClassConfig, Code: "http.elsewhere", Field: c.options.Field, Message: "the source sends on to another host, and the credentials are not for that one",
		Fix: "give the address under which the source names itself; if that is this one, look what stands before it",
	}
}

// once sends the request once. An answer that is no success is an error.
func (c *Client) once(ctx context.Context, r Request, target *url.URL) (*http.Response, error) {
	if err := c.pace.pass(ctx, c.wait); err != nil {
		return nil, err
	}
	silence := watch(ctx, c.timeout)
	answer, err := c.send(silence.ctx, r, target)
	if err != nil {
		silence.end()
		return nil, c.explain(errors.Join(err, silence.cause()), r)
	}
	silence.rest()
	c.spoken.raise()
	sdk.Alive(ctx)
	answer.Body = &body{from: answer.Body, left: c.options.MaxBytes, silence: silence}
	if answer.StatusCode >= 300 {
		defer func() { _ = answer.Body.Close() }()
		return nil, c.refused(answer, r)
	}
	return answer, nil
}

func (c *Client) send(ctx context.Context, r Request, target *url.URL) (*http.Response, error) {
	out, err := http.NewRequestWithContext(ctx, r.method(), target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		out.Header[http.CanonicalHeaderKey(name)] = values
	}
	out.Header.Set("User-Agent", c.options.Agent)
	if out.Header.Get("Accept") == "" {
		out.Header.Set("Accept", "application/json")
	}
	if c.options.Attach != nil {
		if err := c.options.Attach(ctx, out); err != nil {
			return nil, err
		}
	}
	return c.http.Do(out)
}

// tell says that a request is tried again. What stands behind the question mark
// may hold a secret.
func (c *Client) tell(ctx context.Context, target *url.URL, e *sdk.Error, wait time.Duration) {
	c.log.InfoContext(ctx, "a request is tried again", slog.String("host", target.Host), slog.String("path", target.Path), slog.String("code", e.Code), slog.Duration("wait", wait))
}

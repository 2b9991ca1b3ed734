package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/credential"
)

// codeBroken is that of a connection that failed; of an answer it is http.STATUS.
const codeBroken = "http.connection"

// Status is the status of the answer that the error is about, or 0. A plugin
// asks it where a 404 means that something has gone since it was listed.
func Status(err error) int {
	e, ours := errors.AsType[*sdk.Error](err)
	if !ours {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(e.Code, "http."))
	return n
}

// Header is a header of the answer that the error is about, or "". Some services
// say there, and not in the status, what they mean.
func Header(err error, name string) string {
	if a, is := errors.AsType[*answered](err); is {
		return a.header.Get(name)
	}
	return ""
}

// answered is the cause of an error that an answer tells.
type answered struct{ header http.Header }

func (a *answered) Error() string { return "the source has refused" }

// refused says what an answer without success means, and whose turn it is.
func (c *Client) refused(answer *http.Response, r Request) error {
	e := &sdk.Error{Code: "http." + strconv.Itoa(answer.StatusCode), Err: &answered{answer.Header}}
	about := fmt.Sprintf("%d to %s", answer.StatusCode, c.about(r))
	words := wordsOf(answer)
	if words != "" {
		about += ": " + words
	}
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized, c.options.Expired != nil && c.options.Expired(code, words):
		e.Class, e.Message, e.Fix = sdk.ClassAuth, "the source refuses the credentials, with "+about, "give credentials that are valid, and look whether they have expired"
	case code == http.StatusForbidden:
		e.Class, e.Message, e.Fix = sdk.ClassDenied, "a right is missing: the source answers "+about, "give the account the right to read this; the page of the plugin lists what it needs"
	case code == http.StatusNotFound || code == http.StatusGone || code < 400:
		e.Class, e.Field, e.Message, e.Fix = sdk.ClassConfig, c.options.Field, "the source answers "+about, "look whether the address is right, with its path and the version of the product"
	case code == http.StatusProxyAuthRequired:
		e.Class, e.Field, e.Message, e.Fix = sdk.ClassConfig, "http.proxy", "the proxy wants a user and a password", "give http.proxyUser and the secret http.proxyPassword"
	case code == http.StatusTooManyRequests:
		e.Class, e.RetryAfter = sdk.ClassThrottled, c.retryAfter(answer.Header)
		e.Message, e.Fix = "the source is asked too often, and answers "+about, "lower http.requestsPerSecond, or run at another time"
	case code >= 500 || code == http.StatusRequestTimeout:
		e.Class, e.RetryAfter = sdk.ClassUnavailable, c.retryAfter(answer.Header)
		e.Message, e.Fix = "the source is out of order: it answers "+about, "look into the log of the source"
	default:
		e.Class, e.Message, e.Fix = sdk.ClassInternal, "the source does not understand the plugin: it answers "+about, "look whether the version of the product is one that the plugin knows, and report it to the author of the plugin"
	}
	return e
}

// about names a request without what stands behind its question mark.
func (c *Client) about(r Request) string {
	path := r.Path
	if u, err := c.target(r); err == nil {
		path = u.Path
	}
	path, _, _ = strings.Cut(path, "?")
	return fmt.Sprintf("%s %s of %s", r.method(), clip(path, 200), c.base.Host)
}

// wordsOf takes what the source says of an error out of the forms that are
// common, without what looks like a credential.
func wordsOf(answer *http.Response) string {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 16<<10))
	var object map[string]any
	if json.Unmarshal(text, &object) != nil {
		return ""
	}
	words := strike(sentence(object), answer.Request)
	return clip(credential.New().Redact(strings.Join(strings.Fields(words), " ")), 200)
}

// strike takes out what was sent with the request and may be a secret: a source
// may repeat it.
func strike(words string, sent *http.Request) string {
	var secrets []string
	for name, values := range sent.Header {
		if !slices.Contains([]string{"Accept", "Content-Type", "User-Agent"}, name) {
			secrets = append(secrets, values...)
		}
	}
	for _, values := range sent.URL.Query() {
		secrets = append(secrets, values...)
	}
	for _, secret := range secrets {
		if _, bare, cut := strings.Cut(secret, " "); cut {
			secret = bare
		}
		if len(secret) >= 8 {
			words = strings.ReplaceAll(words, secret, credential.Mark)
		}
	}
	return words
}

func sentence(object map[string]any) string {
	for _, key := range []string{"error_description", "message", "detail", "errorMessage", "title", "error", "Message"} {
		switch value := object[key].(type) {
		case string:
			return value
		case map[string]any:
			return sentence(value)
		}
	}
	return ""
}

// clip cuts a text at a number of runes.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// explain says what a request that got no answer, or half of one, means.
func (c *Client) explain(err error, r Request) error {
	if e, ours := errors.AsType[*sdk.Error](err); ours {
		return e
	}
	if address, is := errors.AsType[*url.Error](err); is { // its text has the whole address
		err = errors.Join(address.Err, silentIn(err))
	}
	switch {
	case errors.Is(err, context.Canceled) && !errors.Is(err, errSilent):
		return err
	case errors.Is(err, errElsewhere):
		return c.elsewhere()
	case errors.Is(err, errLoop):
		return sdk.Config(c.options.Field, "leads from one redirect to the next without an end", "give the address to which the first one leads")
	case errors.Is(err, errTooLarge):
		return &sdk.Error{Class: sdk.ClassConfig, Code: "http.too_large", Field: c.options.Field, Message: fmt.Sprintf("the answer to %s is larger than %d MiB", c.about(r), c.options.MaxBytes>>20), Fix: "let the source answer with less at a time"}
	}
	if e := c.explainTLS(err); e != nil {
		return e
	}
	e := &sdk.Error{Class: sdk.ClassUnavailable, Code: codeBroken, Err: err}
	_, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case unknown:
		e.Code, e.Message, e.Fix = "http.unknown_host", "the name of "+c.base.Host+" is not found", "look whether the address is right and the server of souk can resolve the name"
	case errors.Is(err, errSilent):
		e.Message, e.Fix = fmt.Sprintf("%s has been silent for %s", c.base.Host, c.timeout), "look whether it is overloaded, or raise http.timeout"
	default:
		e.Message, e.Fix = "the connection to "+c.base.Host+" fails or breaks off", "look whether it runs and the network lets souk through"
	}
	return e
}

func silentIn(err error) error {
	if errors.Is(err, errSilent) {
		return errSilent
	}
	return nil
}

// explainTLS tells a certificate that is not good, and a server that does not
// encrypt. nil for anything else.
func (c *Client) explainTLS(err error) error {
	config := func(field, message, fix string) error {
		e := sdk.Config(field, message, fix)
		e.Code, e.Err = "http.tls", err
		return e
	}
	_, unsigned := errors.AsType[x509.UnknownAuthorityError](err)
	_, misnamed := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, other := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case unsigned:
		return config("http.authorities", "do not have the authority that signed the certificate of "+c.base.Host, "give the certificate of the authority in http.authorities")
	case misnamed:
		return config(c.options.Field, "names a host for which its certificate does not stand", "give the name that stands in the certificate")
	case invalid || other:
		return config(c.options.Field, "is of a host whose certificate is not valid", "look whether the certificate has expired, and renew it")
	case noTLS || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return config(c.options.Field, "begins with https:// and the server does not encrypt", "give the address under which it encrypts")
	}
	return nil
}

// noJSON says that an answer is none.
func (c *Client) noJSON(err error, r Request, h http.Header) error {
	if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		return &sdk.Error{
			Class: sdk.ClassConfig, Code: "http.page", Field: c.options.Field, Message: "the source answers with a page for people to " + c.about(r), Err: err,
			Fix: "give the address of its API; a page for signing in means that something stands before it",
		}
	}
	return &sdk.Error{
		Class: sdk.ClassUnavailable, Code: "http.json", Message: "the answer to " + c.about(r) + " is broken or half: it is not the JSON that was to come", Err: err,
		Fix: "run again; if it stays so, look what stands between souk and the source, and at the version of the product",
	}
}

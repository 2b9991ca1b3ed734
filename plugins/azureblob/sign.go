package azureblob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

const version = "2021-12-02" // of the service's protocol

// attach gives what puts the credentials into a request, and what renews them.
func (c Config) attach(env sdk.Env) (attach func(context.Context, *http.Request) error, renew func(context.Context) error, err error) {
	now := env.Now
	if now == nil {
		now = time.Now
	}
	kind, err := c.secret()
	if err != nil {
		return nil, nil, err
	}
	stamp := func(r *http.Request) {
		r.Header.Set("X-Ms-Version", version)
		r.Header.Set("X-Ms-Date", now().UTC().Format(http.TimeFormat))
	}
	switch kind {
	case "accountKey":
		key, _ := base64.StdEncoding.DecodeString(c.AccountKey)
		return func(_ context.Context, r *http.Request) error { stamp(r); sign(r, c.account(), key); return nil }, nil, nil
	case "sasToken":
		token := strings.TrimPrefix(c.SAS, "?")
		return func(_ context.Context, r *http.Request) error {
			stamp(r)
			r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&"+token, "&")
			return nil
		}, nil, nil
	case "clientSecret":
		tokens, err := c.tokens(env, now)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context, r *http.Request) error { stamp(r); return tokens.Attach(ctx, r) }, tokens.Renew, nil
	}
	return func(_ context.Context, r *http.Request) error { stamp(r); return nil }, nil, nil
}

func (c Config) tokens(env sdk.Env, now func() time.Time) (*web.Tokens, error) {
	server, err := web.New(env, c.HTTP, web.Options{Address: strings.TrimSuffix(c.SignIn, "/") + "/" + url.PathEscape(c.Tenant) + "/oauth2/v2.0/token", Field: "signInEndpoint"})
	if err != nil {
		return nil, err
	}
	oauth := &web.OAuth{Server: server, ClientID: c.ClientID, ClientSecret: c.ClientSecret, InBody: true, Form: url.Values{"scope": {"https://storage.azure.com/.default"}}}
	return web.NewTokens(now, oauth.Get), nil
}

// sign signs a request without a body, as
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key has it.
func sign(r *http.Request, account string, key []byte) {
	lines := []string{r.Method}
	for _, name := range []string{"Content-Encoding", "Content-Language", "", "Content-Md5", "Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"} {
		lines = append(lines, r.Header.Get(name))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-ms-") {
			lines = append(lines, lower+":"+strings.TrimSpace(r.Header.Get(name)))
		}
	}
	lines = append(lines, "/"+account+r.URL.EscapedPath())
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		lines = append(lines, strings.ToLower(name)+":"+strings.Join(slices.Sorted(slices.Values(query[name])), ","))
	}
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(strings.Join(lines, "\n")))
	r.Header.Set("Authorization", "SharedKey "+account+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

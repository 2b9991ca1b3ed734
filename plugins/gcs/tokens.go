package gcs

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

const readOnly = "https://www.googleapis.com/auth/devstorage.read_only"

// tokens gets tokens that may only read, for the key of the service account.
func (c Config) tokens(a *account, env sdk.Env) (*web.Tokens, error) {
	transport, err := web.Transport(c.HTTP)
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout, transport.DisableKeepAlives = time.Minute, true
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	signer := &jwt.Config{Email: a.Email, PrivateKey: []byte(a.PrivateKey), PrivateKeyID: a.KeyID, Scopes: []string{readOnly}, TokenURL: c.SignIn}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	return web.NewTokens(now, func(ctx context.Context) (web.Token, error) {
		token, err := signer.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client)).Token()
		if err != nil {
			return web.Token{}, explainToken(ctx, err)
		}
		life := time.Duration(0)
		if !token.Expiry.IsZero() {
			life = time.Until(token.Expiry)
		}
		return web.Token{Value: token.AccessToken, Life: max(0, life)}, nil
	}), nil
}

// explainToken keeps the words of the server for the log: they may hold what was sent.
func explainToken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, is := errors.AsType[*oauth2.RetrieveError](err); is && e.Response != nil && e.Response.StatusCode < http.StatusInternalServerError && e.Response.StatusCode != http.StatusTooManyRequests {
		refused := sdk.Auth("the key of the service account is refused", "give a key that is neither deleted nor disabled as the secret serviceAccountKey, and look at the clock of this machine")
		refused.Err = err
		return refused
	}
	if strings.Contains(err.Error(), "cannot fetch token") {
		return sdk.Unavailable("the server of tokens cannot be reached or is out of order", "look at signInEndpoint, and whether the network lets souk through; or run again later", err)
	}
	refused := sdk.Config("serviceAccountKey", "holds no private key that can be used, or the server of tokens does not answer like one", "give the JSON file of a key of a service account, as it is")
	refused.Err = err
	return refused
}

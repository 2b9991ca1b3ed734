package rest

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

type (
	attach = func(context.Context, *http.Request) error
	renew  = func(context.Context) error
)

// judgeAuth says which field is missing for the way to sign in.
func (c Config) judgeAuth() error {
	needs := map[string]map[string]string{
		"basic":   {"user": c.User},
		"header":  {"header": c.Header},
		"client":  {"oauthUrl": c.OAuthURL, "clientId": c.ClientID},
		"refresh": {"oauthUrl": c.OAuthURL, "clientId": c.ClientID},
	}
	for _, field := range []string{"user", "header", "oauthUrl", "clientId"} {
		if value, needed := needs[c.Auth][field]; needed && value == "" {
			return sdk.Config(field, "is missing", "give it, for auth "+c.Auth+" needs it")
		}
	}
	if c.Header != "" && !isToken(c.Header) {
		return sdk.Config("header", "is no name of a header", "write letters, digits and dashes, such as X-Api-Key")
	}
	return nil
}

// judgeSecrets says which secret is missing. They are not there when a
// configuration is judged.
func (c Config) judgeSecrets() error {
	missing := func(field string) error {
		return sdk.Config(field, "is missing", "give the secret "+field+", for auth "+c.Auth+" needs it")
	}
	switch {
	case (c.Auth == "basic" || c.Auth == "bearer" || c.Auth == "header") && c.Credential == "":
		return missing("credential")
	case c.Auth == "client" && c.ClientSecret == "":
		return missing("clientSecret")
	case c.Auth == "refresh" && c.RefreshToken == "":
		return missing("refreshToken")
	}
	return nil
}

func (s *source) signIn(c Config, env sdk.Env) (attach, renew, error) {
	if err := c.judgeAuth(); err != nil {
		return nil, nil, err
	}
	if err := c.judgeSecrets(); err != nil {
		return nil, nil, err
	}
	set := func(name, value string) attach {
		return func(_ context.Context, r *http.Request) error {
			r.Header.Set(name, value)
			return nil
		}
	}
	switch c.Auth {
	case "basic":
		return func(_ context.Context, r *http.Request) error {
			r.SetBasicAuth(c.User, c.Credential)
			return nil
		}, nil, nil
	case "bearer":
		return set("Authorization", "Bearer "+c.Credential), nil, nil
	case "header":
		return set(c.Header, c.Credential), nil, nil
	case "client", "refresh":
		return s.oauth(c, env)
	}
	return nil, nil, nil
}

func (s *source) oauth(c Config, env sdk.Env) (attach, renew, error) {
	var err error
	s.tokens, err = web.New(env, c.HTTP, web.Options{Address: c.OAuthURL, Field: "oauthUrl", Agent: "souk-rest/" + version, MaxBytes: 1 << 20})
	if err != nil {
		return nil, nil, err
	}
	o := &web.OAuth{
		Server: s.tokens, ClientID: c.ClientID, ClientSecret: c.ClientSecret, InBody: c.ClientIn == "body", Form: url.Values{},
		Rotated: func() { s.rotated = true },
	}
	if len(c.Scopes) > 0 {
		o.Form.Set("scope", strings.Join(c.Scopes, " "))
	}
	if c.Auth == "refresh" {
		o.RefreshToken = c.RefreshToken
	}
	tokens := web.NewTokens(s.now, o.Get)
	return tokens.Attach, tokens.Renew, nil
}

// isToken reports whether a text can be the name of a header.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

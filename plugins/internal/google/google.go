// Package google signs in to Google's APIs with the key of a service account. It
// owns the key and what the account says of itself (RFC 7523); it refuses the
// address that a key names for that, since an operator binds hosts.
package google

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// Account is what a plugin's configuration has of a service account. The plugin
// embeds it.
type Account struct {
	OAuthURL string `json:"oauthUrl" doc:"Address that gives tokens for the key." format:"url" host:"true" default:"https://oauth2.googleapis.com/token"`
	Key      string `json:"key" doc:"Key of a service account, as the JSON that Google gives." format:"secret"`
}

// ReadOnly is the scope of tokens that may read, and nothing else, in every API.
const ReadOnly = "https://www.googleapis.com/auth/cloud-platform.read-only"

// Clients gives a client of the API at the address in the field url, which gets
// tokens of the scope by itself, and how to close it.
func (a Account) Clients(env sdk.Env, c web.Config, address, agent, scope string) (*web.Client, func(), error) {
	key, err := parseKey(a.Key)
	if err != nil {
		return nil, nil, err
	}
	login, err := web.New(env, c, web.Options{Address: a.OAuthURL, Field: "oauthUrl", Agent: agent, MaxBytes: 1 << 20})
	if err != nil {
		return nil, nil, err
	}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	o := &web.OAuth{Server: login, Assertion: func() (string, error) { return key.assertion(a.OAuthURL, scope, now()) }}
	tokens := web.NewTokens(now, o.Get)
	client, err := web.New(env, c, web.Options{Address: address, Agent: agent, Attach: tokens.Attach, Renew: tokens.Renew})
	if err != nil {
		return nil, nil, err
	}
	return client, func() {
		client.Close()
		login.Close()
	}, nil
}

// key is that of a service account.
type key struct {
	email string
	id    string
	rsa   *rsa.PrivateKey
}

// parseKey reads the JSON that Google gives. No message repeats any of it.
func parseKey(text string) (key, error) {
	wrong := sdk.Config("key", "is no key of a service account", "give the whole JSON file that Google made for the service account as the secret key")
	var file struct {
		Type  string `json:"type"`
		Email string `json:"client_email"`
		ID    string `json:"private_key_id"`
		Key   string `json:"private_key"`
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil || file.Type != "service_account" || file.Email == "" {
		return key{}, wrong
	}
	block, _ := pem.Decode([]byte(file.Key))
	if block == nil {
		return key{}, wrong
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return key{}, wrong
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return key{}, wrong
	}
	return key{file.Email, file.ID, private}, nil
}

// assertion is what the service account says of itself for the next hour
// (RFC 7523), for one server alone.
func (k key) assertion(audience, scope string, now time.Time) (string, error) {
	header, err := part(map[string]string{"alg": "RS256", "typ": "JWT", "kid": k.id})
	if err != nil {
		return "", err
	}
	claims, err := part(map[string]any{
		"iss": k.email, "aud": audience, "scope": scope, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(header + "." + claims))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return header + "." + claims + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func part(v any) (string, error) {
	text, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text), err
}

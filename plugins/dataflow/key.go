package dataflow

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
)

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
func (k key) assertion(audience string, now time.Time) (string, error) {
	header, err := part(map[string]string{"alg": "RS256", "typ": "JWT", "kid": k.id})
	if err != nil {
		return "", err
	}
	claims, err := part(map[string]any{
		"iss": k.email, "aud": audience, "scope": "https://www.googleapis.com/auth/cloud-platform.read-only", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
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

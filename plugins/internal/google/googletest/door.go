// Package googletest is the door of a fake of Google's APIs: it gives tokens to
// who shows that it has the key of a service account, and lets nobody in without
// one. It is no part of Souk.
package googletest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Email is that of the service account.
const Email = "souk@acme.iam.gserviceaccount.com"

// Key makes a key of the service account, and the JSON that Google gives for it.
func Key(t *testing.T) (*rsa.PrivateKey, string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": Email, "private_key_id": "k1", "token_uri": "https://elsewhere.example/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return private, string(text)
}

// Door stands before a fake, which calls Opens for each request, one at a time.
// It is written from https://developers.google.com/identity/protocols/oauth2/service-account
// as it stood on 2026-11-30.
type Door struct {
	Public  *rsa.PublicKey
	Now     func() time.Time
	Lasts   int // requests that a token is good for; 0 for all
	Tired   int // requests that are too many
	Granted int // tokens

	left int
}

// Opens tells whether the request may go on; otherwise it has been answered.
func (d *Door) Opens(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/token":
		d.grant(w, r)
		return false
	case r.Header.Get("Authorization") != fmt.Sprint("Bearer token-", d.Granted) || d.Lasts > 0 && d.left == 0:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error": {"code": 401, "message": "Request had invalid authentication credentials.", "status": "UNAUTHENTICATED"}}`)
		return false
	case d.Tired > 0:
		d.Tired--
		w.WriteHeader(http.StatusTooManyRequests)
		return false
	}
	d.left--
	return true
}

// grant checks the assertion as RFC 7523 has it.
func (d *Door) grant(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.PostFormValue("assertion"), ".")
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	good := len(parts) == 3 && r.PostFormValue("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer"
	if good {
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		good = json.Unmarshal(text, &claims) == nil && rsa.VerifyPKCS1v15(d.Public, crypto.SHA256, sum[:], signature) == nil
	}
	now := d.Now().Unix()
	if !good || claims.Iss != Email || claims.Aud != "http://"+r.Host+"/token" || claims.Exp-claims.Iat > 3600 || claims.Iat > now+60 || claims.Exp < now || !strings.HasSuffix(claims.Scope, ".read-only") {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}`)
		return
	}
	d.Granted++
	d.left = d.Lasts
	fmt.Fprintf(w, `{"access_token": "token-%d", "expires_in": 3599, "token_type": "Bearer"}`, d.Granted)
}

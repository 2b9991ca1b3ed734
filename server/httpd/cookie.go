package httpd

import (
	"net/http"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// The names of the cookie that holds the secret of a session. Behind TLS its name
// forbids a browser to take it from another host or without TLS.
const (
	sessionCookie    = "souk_session"
	sessionCookieTLS = "__Host-souk_session"
)

// SessionOf gives the secret of the session that a browser sends; "" is none.
func SessionOf(r *http.Request) string {
	for _, name := range []string{sessionCookieTLS, sessionCookie} {
		if c, err := r.Cookie(name); err == nil && c.Value != "" && len(c.Value) <= maxSecret {
			return c.Value
		}
	}
	return ""
}

// KeepSession tells the browser the secret of its session. No script reads it, and
// forms and requests of other sites do not bring it along.
func KeepSession(w http.ResponseWriter, secret string, life time.Duration, behindTLS bool) {
	http.SetCookie(w, cookie(secret, int(life/time.Second), behindTLS))
}

// DropSession tells the browser to forget it.
func DropSession(w http.ResponseWriter, behindTLS bool) {
	http.SetCookie(w, cookie("", -1, behindTLS))
}

func cookie(secret string, seconds int, behindTLS bool) *http.Cookie {
	name := sessionCookie
	if behindTLS {
		name = sessionCookieTLS
	}
	return &http.Cookie{Name: name, Value: secret, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: behindTLS, SameSite: http.SameSiteLaxMode} //nolint:gosec // without TLS no browser would send a Secure one
}

// sameOrigin refuses what another site has made a browser send with the cookie of
// its session. Where the browser does not say who made it, a query by GET is
// refused too: such a browser may be led to send one by a link.
func sameOrigin(r *http.Request) error {
	site := r.Header.Get("Sec-Fetch-Site")
	err := http.NewCrossOriginProtection().Check(r)
	if err == nil && (r.Method == http.MethodPost || site == "same-origin") {
		return nil
	}
	return &model.Error{
		Kind: model.KindUnauthenticated, Message: "a session answers requests of the server's own pages only", Hint: "send the header Authorization: Bearer TOKEN",
	}
}

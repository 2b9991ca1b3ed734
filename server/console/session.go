package console

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
)

// signingIn is what the page of the sign-in shows.
type signingIn struct {
	Invitation, Next, Problem string
}

func (c *Console) session(r *http.Request) (identity.Session, error) {
	return c.cfg.Sessions.Session(r.Context(), httpd.SessionOf(r))
}

// signInPage shows the form. To open the link of an invitation changes nothing,
// since mail scanners open links too: the form does.
func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	if _, err := c.session(r); err == nil && q.Get("invitation") == "" {
		http.Redirect(w, r, local(q.Get("next")), http.StatusSeeOther) //nolint:gosec // local gives paths of this server alone
		return
	}
	c.show(w, r, http.StatusOK, "sign-in", view{Title: "Sign in", Page: signingIn{Invitation: q.Get("invitation"), Next: local(q.Get("next"))}})
}

// signIn begins a session. Whatever session the browser had ends with it.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	form := signingIn{Invitation: r.PostFormValue("invitation"), Next: local(r.PostFormValue("next"))}
	if !c.tries.allow(addressOf(r)) {
		form.Problem = "Too many tries. Wait a minute, then try again."
		w.Header().Set("Retry-After", "60")
		c.show(w, r, http.StatusTooManyRequests, "sign-in", view{Title: "Sign in", Page: form})
		return
	}
	secret := strings.TrimSpace(r.PostFormValue("token"))
	if form.Invitation != "" {
		secret = form.Invitation
	}
	_, session, err := c.cfg.Sessions.SignIn(r.Context(), secret, browserOf(r.UserAgent()))
	if model.Is(err, model.KindUnauthenticated) {
		c.tries.failed(addressOf(r))
		form.Problem = problemOf(err, form.Invitation != "")
		form.Invitation = ""
		c.show(w, r, http.StatusUnauthorized, "sign-in", view{Title: "Sign in", Page: form})
		return
	}
	if err != nil {
		c.fail(w, r, model.Principal{}, err)
		return
	}
	if err := c.cfg.Sessions.SignOut(r.Context(), httpd.SessionOf(r)); err != nil {
		c.cfg.Log.WarnContext(r.Context(), "the session before stays open", "error", err)
	}
	httpd.KeepSession(w, session, c.cfg.Life, c.behindTLS(r))
	http.Redirect(w, r, form.Next, http.StatusSeeOther)
}

func problemOf(err error, invited bool) string {
	if invited {
		return "This invitation opens nothing any more: it works once, for 15 minutes. Ask for a new one."
	}
	return sentence(err.Error())
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if err := c.cfg.Sessions.SignOut(r.Context(), httpd.SessionOf(r)); err != nil {
		c.fail(w, r, model.Principal{}, err)
		return
	}
	httpd.DropSession(w, c.behindTLS(r))
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// toSignIn leads to the sign-in and, where a page was asked for, back to it.
func (c *Console) toSignIn(w http.ResponseWriter, r *http.Request) {
	to := "/sign-in"
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// local gives a path of this server, and the home page for anything else: an
// address of another site must not follow from signing in here.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// behindTLS tells whether browsers reach this server by https.
func (c *Console) behindTLS(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(c.cfg.PublicURL, "https://")
}

// addressOf is whose tries are counted together.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// browserOf names a browser by what it says of itself, for the list of sessions.
func browserOf(agent string) string {
	first := func(words ...string) string {
		for _, w := range words {
			sign, name, _ := strings.Cut(w, "=")
			if strings.Contains(agent, sign) {
				return name
			}
		}
		return ""
	}
	browser := first("Edg/=Edge", "OPR/=Opera", "Firefox/=Firefox", "Chrome/=Chrome", "Safari/=Safari")
	system := first("Android=Android", "iPhone=iPhone", "iPad=iPad", "Windows=Windows", "Mac OS X=macOS", "Linux=Linux")
	switch {
	case browser == "":
		return "a browser"
	case system == "":
		return browser
	}
	return browser + " on " + system
}

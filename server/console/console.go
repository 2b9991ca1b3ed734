// Package console owns the pages for people: a page is a GraphQL document and a
// template. The document is asked of the same handler as every client's, as the
// person who is signed in, through the same limits and decisions: a page can show
// nothing that the API would not show them. A change is a form that posts, and
// then a redirect. It refuses to reach any service but the one that keeps
// sessions, and to need a script.
package console

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/console/explorer"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
)

//go:generate go tool genqlient

//go:embed static
var static embed.FS

// sessions knows who sits before a browser.
type sessions interface {
	SignIn(ctx context.Context, secret, device string) (identity.Session, string, error)
	Session(ctx context.Context, secret string) (identity.Session, error)
	SignOut(ctx context.Context, secret string) error
}

// Config is what the console works with.
type Config struct {
	Sessions  sessions
	API       http.Handler  // answers GraphQL for the principal of the context
	Life      time.Duration // of a session
	PublicURL string        // the address that browsers use; "" is the one of their request
	Now       func() time.Time
	Log       *slog.Logger
}

// Console is the pages.
type Console struct {
	cfg   Config
	pages pages
	ask   client
	tries *tries
	forms *http.CrossOriginProtection
	mux   *http.ServeMux
	paths []string
}

// New makes the console.
func New(cfg Config) *Console {
	c := &Console{
		cfg: cfg, pages: parse(), ask: client{cfg.API}, tries: newTries(cfg.Now), forms: http.NewCrossOriginProtection(), mux: http.NewServeMux(),
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	c.mux.Handle("GET /static/", http.StripPrefix("/static/", cached(http.FileServerFS(files))))
	api := http.StripPrefix("/explorer/", explorer.Handler())
	c.mux.HandleFunc("GET /sign-in", c.signInPage)
	c.mux.HandleFunc("POST /sign-in", c.signIn)
	c.mux.HandleFunc("POST /sign-out", c.signOut)
	c.mux.HandleFunc("GET /", c.notFound)
	for pattern, answer := range map[string]action{
		"GET /{$}":                       c.home,
		"GET /search":                    c.search,
		"GET /domains/{domain}":          c.domain,
		"GET /products/{domain}/{name}":  c.product,
		"POST /products/{domain}/{name}": c.requestAccess,
		"GET /requests":                  c.requests,
		"GET /requests/{id}":             c.request,
		"POST /requests/{id}":            c.decide,
		"GET /grants":                    c.grants,
		"POST /grants/{id}":              c.revoke,
		"GET /sessions":                  c.ownTokens,
		"POST /sessions/{id}":            c.endToken,
		"GET /explorer/":                 func(v *visit) error { api.ServeHTTP(v.w, v.Request); return nil },
	} {
		c.mux.Handle(pattern, c.signedIn(answer))
		c.paths = append(c.paths, pattern)
	}
	return c
}

// Patterns lists the pages and forms of those who are signed in, so that a test can
// look at each of them.
func (c *Console) Patterns() []string { return slices.Sorted(slices.Values(c.paths)) }

// ServeHTTP answers a browser. A form of another site is refused before anything
// looks at it.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'")
	if err := c.forms.Check(r); err != nil {
		http.Error(w, "this form was sent by another site, and nothing was done; open the page here and send it again", http.StatusForbidden)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// action answers for a person who is signed in.
type action func(v *visit) error

// visit is one request of a person.
type visit struct {
	*http.Request
	w   http.ResponseWriter
	who model.Principal
}

// goTo ends a change: the page that shows what became of it is asked for by itself,
// so that going back or loading again sends no form twice.
func (v *visit) goTo(path string) error {
	http.Redirect(v.w, v.Request, path, http.StatusSeeOther)
	return nil
}

// signedIn lets those pass who are signed in, and leads the others to where they
// can, and back.
func (c *Console) signedIn(next action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		now, err := c.session(r)
		if model.Is(err, model.KindUnauthenticated) {
			c.toSignIn(w, r)
			return
		}
		if err == nil {
			httpd.Asked(w, now.Person.ID)
			err = readForm(r)
		}
		if err == nil {
			ctx := model.WithPrincipal(r.Context(), now.Person)
			err = next(&visit{Request: r.WithContext(ctx), w: w, who: now.Person})
		}
		if err != nil {
			c.fail(w, r, now.Person, err)
		}
	})
}

// readForm takes the form of a request, so that one that is too large or broken off
// is not taken for one that was left empty.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return errTooLarge
	}
	if err != nil {
		return errBroken
	}
	return nil
}

// maxForm is what a form may hold: as much as a request of the API.
const maxForm = 128 << 10

// cached lets browsers keep files for as long as they are the same.
func cached(files http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}

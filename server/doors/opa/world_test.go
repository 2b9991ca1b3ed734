package opa_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/doors/opa"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/pdp"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/bundletest"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// world is a server with the domains of bundletest. The sidecar enforces
// decisions, the plain service does not, and keyless is the same server
// without a key.
type world struct {
	*servertest.World

	web  *httptest.Server
	bare *httptest.Server
	// logging is another door of the server, with a log of its own.
	logging func(*decisionlog.Log) *httptest.Server
	key     policy.BundleKey
	tokens  map[string]string
	seed    uint64 // of what is random

	finance model.ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{tokens: map[string]string{}, seed: mathrand.Uint64(), World: servertest.New(t, servertest.Company{
		Domains: []string{"sales", "marketing", "broken", "finance"}, Engine: servertest.Own(t),
		People: []servertest.Person{{Name: "sidecar", Kind: model.Service, Roles: []model.Role{model.RolePEP}}, {Name: "plain", Kind: model.Service}},
	})}
	for _, d := range bundletest.Drafts() {
		_, err := w.Engine.Activate(t.Context(), d)
		must(t, err)
	}
	w.finance = w.Domains["finance"].ID
	for name := range w.People {
		w.tokens[name] = w.Token(name)
	}
	var err error
	w.key, err = policy.ReadBundleKey(newKey(t))
	must(t, err)
	w.logging = func(log *decisionlog.Log) *httptest.Server {
		return w.serve(pdp.Config{Key: w.key, Log: log})
	}
	w.web = w.serve(pdp.Config{Key: w.key})
	w.bare = w.serve(pdp.Config{})
	return w
}

func (w *world) serve(c pdp.Config) *httptest.Server {
	w.Helper()
	c.Store, c.Gate, c.Engine, c.Now = w.Store, w.Gate, w.Engine, model.Now
	log := slog.New(slog.NewTextHandler(w.Output(), nil))
	answers, err := pdp.New(c)
	w.Must(err)
	server := httpd.New(httpd.Config{}, log)
	for pattern, handler := range opa.New(answers, log).Routes() {
		server.Handle(pattern, server.SignedBy(w.Identity, doors.Refuser(log), handler))
	}
	web := httptest.NewServer(server.Handler())
	w.Cleanup(web.Close)
	return web
}

func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// give lets somebody hold a grant on a product of finance.
func (w *world) give(h policy.Holding) model.Grant {
	w.Helper()
	g := model.Grant{
		Meta: model.Meta{ID: h.ID}, ProductID: h.Product, DomainID: w.finance, PrincipalID: h.Holder, Purpose: h.Purpose,
		Status: model.GrantActive, StartsAt: h.From, EndsAt: h.Until,
	}
	w.put(&g)
	return g
}

func (w *world) put(g *model.Grant) {
	w.Helper()
	w.Put(store.Grants.Put(*g))
	var err error
	*g, err = store.Grants.Get(w.Context(), w.Store, g.ID)
	w.Must(err)
}

// reply is an answer whose body has been read.
type reply struct {
	StatusCode int
	Header     http.Header
}

// send makes a request as the principal; headers come in pairs.
func (w *world) send(web *httptest.Server, who, method, path string, body []byte, headers ...string) (reply, []byte) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, web.URL+path, bytes.NewReader(body))
	w.Must(err)
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := web.Client().Do(r)
	w.Must(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	w.Must(err)
	return reply{res.StatusCode, res.Header}, text
}

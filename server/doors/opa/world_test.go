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
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/doors/opa"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/pdp"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/bundletest"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// world is a server with the domains of bundletest. The sidecar enforces
// decisions, the plain service does not, and keyless is the same server
// without a key.
type world struct {
	t      *testing.T
	engine *policy.Engine
	store  store.Store
	web    *httptest.Server
	bare   *httptest.Server
	// logging is another door of the server, with a log of its own.
	logging func(*decisionlog.Log) *httptest.Server
	key     policy.BundleKey
	tokens  map[string]string
	ids     map[string]model.ID
	seed    uint64 // of what is random

	finance model.ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	engine := servertest.Own(t)
	for _, d := range bundletest.Drafts() {
		_, err := engine.Activate(t.Context(), d)
		must(t, err)
	}
	db, err := sqlite.Open(t.Context(), ":memory:")
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	w := &world{t: t, engine: engine, store: db, tokens: map[string]string{}, ids: map[string]model.ID{}, seed: mathrand.Uint64()}
	w.key, err = policy.ReadBundleKey(newKey(t))
	must(t, err)
	g := gate.New(db, engine, model.Now)
	people := identity.New(db, g, model.Now)
	w.logging = func(log *decisionlog.Log) *httptest.Server {
		return w.serve(people, pdp.Config{Store: db, Gate: g, Engine: engine, Now: model.Now, Key: w.key, Log: log})
	}
	w.settle(people, mesh.New(db, g, model.Now, slog.New(slog.DiscardHandler)))
	w.web = w.serve(people, pdp.Config{Store: db, Gate: g, Engine: engine, Now: model.Now, Key: w.key})
	w.bare = w.serve(people, pdp.Config{Store: db, Gate: g, Engine: engine, Now: model.Now})
	return w
}

func (w *world) serve(people *identity.Service, c pdp.Config) *httptest.Server {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	answers, err := pdp.New(c)
	must(w.t, err)
	server := httpd.New(httpd.Config{}, log)
	for pattern, handler := range opa.New(answers, log).Routes() {
		server.Handle(pattern, server.SignedBy(people, doors.Refuser(log), handler))
	}
	web := httptest.NewServer(server.Handler())
	w.t.Cleanup(web.Close)
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

func (w *world) settle(people *identity.Service, m *mesh.Service) {
	w.t.Helper()
	system := model.WithPrincipal(w.t.Context(), model.System())
	for _, domain := range []model.Slug{"sales", "marketing", "broken", "finance"} {
		d, err := m.CreateDomain(system, mesh.NewDomain{Name: domain})
		must(w.t, err)
		w.finance = d.ID // the last
	}
	for name, roles := range map[string][]model.Role{"sidecar": {model.RolePEP}, "plain": nil} {
		p, err := people.CreatePrincipal(system, identity.NewPrincipal{Kind: model.Service, Name: name, Roles: roles})
		must(w.t, err)
		w.ids[name] = p.ID
		_, w.tokens[name], err = people.IssueToken(system, identity.NewToken{PrincipalID: p.ID, Name: "test", Lifetime: time.Hour})
		must(w.t, err)
	}
}

// give lets somebody hold a grant on a product of finance.
func (w *world) give(h policy.Holding) model.Grant {
	w.t.Helper()
	g := model.Grant{
		Meta: model.Meta{ID: h.ID}, ProductID: h.Product, DomainID: w.finance, PrincipalID: h.Holder, Purpose: h.Purpose,
		Status: model.GrantActive, StartsAt: h.From, EndsAt: h.Until,
	}
	w.put(&g)
	return g
}

func (w *world) put(g *model.Grant) {
	w.t.Helper()
	_, err := w.store.Apply(w.t.Context(), store.Change{Action: "test.grant", Subject: g.ID, Writes: []store.Write{store.Grants.Put(*g)}})
	must(w.t, err)
	*g, err = store.Grants.Get(w.t.Context(), w.store, g.ID)
	must(w.t, err)
}

// reply is an answer whose body has been read.
type reply struct {
	StatusCode int
	Header     http.Header
}

// send makes a request as the principal; headers come in pairs.
func (w *world) send(web *httptest.Server, who, method, path string, body []byte, headers ...string) (reply, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, web.URL+path, bytes.NewReader(body))
	must(w.t, err)
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := web.Client().Do(r)
	must(w.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(w.t, err)
	return reply{res.StatusCode, res.Header}, text
}

package authzen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/doors/authzen"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/pdp"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// world is a server behind TLS with the fixture of the certification scenario
// and one product of a domain that lives by the template. The gateway asks, the
// vouching one is believed, and the plain service may not ask.
type world struct {
	t      testing.TB
	store  store.Store
	reads  *atomic.Int64 // of the store, while it answers
	engine *policy.Engine
	web    *httptest.Server
	people map[string]model.Principal
	tokens map[string]string
	orders model.DataProduct
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	engine := servertest.Own(tb)
	rules, err := os.ReadFile("testdata/certification.rego")
	must(tb, err)
	_, err = engine.Activate(tb.Context(), policy.Draft{Domain: "certification", Modules: []model.PolicyModule{
		{Path: "domains/certification/rules.rego", Text: string(rules)},
	}})
	must(tb, err)
	db, err := sqlite.Open(tb.Context(), ":memory:")
	must(tb, err)
	tb.Cleanup(func() { must(tb, db.Close()) })
	watched := &enginetest.Counted{Store: db}
	g := gate.New(watched, engine, model.Now)
	w := &world{t: tb, store: db, reads: &watched.Reads, engine: engine, people: map[string]model.Principal{}, tokens: map[string]string{}}
	log := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	people := identity.New(db, g, model.Now)
	w.settle(people, mesh.New(db, g, model.Now, slog.New(slog.DiscardHandler)))
	server := httpd.New(httpd.Config{}, log)
	answers, err := pdp.New(pdp.Config{Store: watched, Gate: g, Engine: engine, Now: model.Now})
	must(tb, err)
	for pattern, handler := range authzen.New(answers, log).Routes() {
		server.Handle(pattern, authzen.Echo(server.SignedBy(people, doors.Refuser(log), handler)))
	}
	server.Handle("GET "+authzen.WellKnown, authzen.Metadata(""))
	w.web = httptest.NewTLSServer(server.Handler())
	tb.Cleanup(w.web.Close)
	return w
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (w *world) settle(people *identity.Service, m *mesh.Service) {
	w.t.Helper()
	system := model.WithPrincipal(w.t.Context(), model.System())
	home, err := m.CreateDomain(system, mesh.NewDomain{Name: "certification"})
	must(w.t, err)
	sales, err := m.CreateDomain(system, mesh.NewDomain{Name: "sales"})
	must(w.t, err)
	admins, err := m.CreateTeam(system, mesh.NewTeam{Name: "admins", DomainID: home.ID})
	must(w.t, err)
	for _, n := range []identity.NewPrincipal{
		{Kind: model.Person, Name: "alice"},
		{Kind: model.Person, Name: "bob", TeamIDs: []model.ID{admins.ID}},
		{Kind: model.Person, Name: "ana", DomainID: sales.ID, Clearance: model.Confidential},
		{Kind: model.Service, Name: "gateway", Roles: []model.Role{model.RolePEP}},
		{Kind: model.Service, Name: "vouching", Roles: []model.Role{model.RoleTrusted}},
		{Kind: model.Service, Name: "plain"},
	} {
		p, err := people.CreatePrincipal(system, n)
		must(w.t, err)
		w.people[n.Name] = p
		_, w.tokens[n.Name], err = people.IssueToken(system, identity.NewToken{PrincipalID: p.ID, Name: "test", Lifetime: time.Hour})
		must(w.t, err)
	}
	_, err = m.UpdateDomain(system, mesh.DomainEdit{ID: sales.ID, StewardIDs: &[]model.ID{w.people["ana"].ID}})
	must(w.t, err)
	w.records(home.ID)
	w.orders, err = m.CreateProduct(model.WithPrincipal(w.t.Context(), w.people["ana"]), mesh.NewProduct{
		Name: "orders", DomainID: sales.ID, Description: "Orders.", Classification: model.Confidential,
	})
	must(w.t, err)
}

// records are the two of the fixture.
func (w *world) records(domain model.ID) {
	w.t.Helper()
	for name, status := range map[string]string{"record-1": "active", "record-2": "archived"} {
		a := model.Asset{
			Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "app://records", Name: name, Kind: "RECORD",
			Status: model.AssetActive, DomainID: domain, Properties: map[string]string{"status": status},
		}
		_, err := w.store.Apply(w.t.Context(), store.Change{Action: "test.asset", Subject: a.ID, Writes: []store.Write{store.Assets.Put(a)}})
		must(w.t, err)
	}
}

// reply is an answer with what the tests look at.
type reply struct {
	status int
	header http.Header
	text   string
	body   struct {
		Decision    *bool `json:"decision"`
		Context     map[string]any
		Evaluations []struct {
			Decision *bool
			Context  map[string]any
		}
		Page *struct {
			NextToken *string `json:"next_token"`
			Count     int
		}
		Results []struct{ Type, ID, Name string }
		Error   struct{ Code, Message string }
	}
}

// post sends a body as the principal; headers come in pairs.
func (w *world) post(who, path, body string, headers ...string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.web.URL+path, bytes.NewBufferString(body))
	must(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) reply {
	w.t.Helper()
	res, err := w.web.Client().Do(r)
	must(w.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(w.t, err)
	got := reply{status: res.StatusCode, header: res.Header, text: string(text)}
	if res.StatusCode != http.StatusUnauthorized {
		must(w.t, json.Unmarshal(text, &got.body))
	}
	return got
}

func (w *world) get(path string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(w.t.Context()), http.MethodGet, w.web.URL+path, nil)
	must(w.t, err)
	return w.do(r)
}

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
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/doors/authzen"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/pdp"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// world is a server behind TLS with the fixture of the certification scenario
// and one product of a domain that lives by the template. The gateway asks, the
// vouching one is believed, and the plain service may not ask.
type world struct {
	*servertest.World

	web    *httptest.Server
	tokens map[string]string
	orders model.DataProduct
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	rules, err := os.ReadFile("testdata/certification.rego")
	must(tb, err)
	w := &world{tokens: map[string]string{}, World: servertest.New(tb, servertest.Company{
		Domains: []string{"certification", "sales"}, Engine: servertest.Under(tb, map[string]string{"domains/certification/rules.rego": string(rules)}),
		People: []servertest.Person{
			{Name: "alice"},
			{Name: "bob"},
			{Name: "ana", Domain: "sales", Steward: true, Clearance: model.Confidential},
			{Name: "gateway", Kind: model.Service, Roles: []model.Role{model.RolePEP}},
			{Name: "vouching", Kind: model.Service, Roles: []model.Role{model.RoleTrusted}},
			{Name: "plain", Kind: model.Service},
		},
	})}
	for name := range w.People {
		w.tokens[name] = w.Token(name)
	}
	w.settle(w.Domains["certification"].ID)
	log := slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	server := httpd.New(httpd.Config{}, log)
	answers, err := pdp.New(pdp.Config{Store: w.Store, Gate: w.Gate, Engine: w.Engine, Now: model.Now})
	must(tb, err)
	for pattern, handler := range authzen.New(answers, log).Routes() {
		server.Handle(pattern, authzen.Echo(server.SignedBy(w.Identity, doors.Refuser(log), handler)))
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

func (w *world) settle(home model.ID) {
	w.Helper()
	admins, err := w.Mesh.CreateTeam(w.System(), mesh.NewTeam{Name: "admins", DomainID: home})
	w.Must(err)
	_, err = w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People["bob"].ID, TeamIDs: &[]model.ID{admins.ID}})
	w.Must(err)
	w.records(home)
	w.orders, err = w.Mesh.CreateProduct(w.As("ana"), mesh.NewProduct{
		Name: "orders", DomainID: w.Domains["sales"].ID, Description: "Orders.", Classification: model.Confidential,
	})
	w.Must(err)
}

// records are the two of the fixture.
func (w *world) records(domain model.ID) {
	w.Helper()
	for name, status := range map[string]string{"record-1": "active", "record-2": "archived"} {
		a := model.Asset{
			Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "app://records", Name: name, Kind: "RECORD",
			Status: model.AssetActive, DomainID: domain, Properties: map[string]string{"status": status},
		}
		w.Put(store.Assets.Put(a))
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
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.web.URL+path, bytes.NewBufferString(body))
	w.Must(err)
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
	w.Helper()
	res, err := w.web.Client().Do(r)
	w.Must(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	w.Must(err)
	got := reply{status: res.StatusCode, header: res.Header, text: string(text)}
	if res.StatusCode != http.StatusUnauthorized {
		w.Must(json.Unmarshal(text, &got.body))
	}
	return got
}

func (w *world) get(path string) reply {
	w.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(w.Context()), http.MethodGet, w.web.URL+path, nil)
	w.Must(err)
	return w.do(r)
}

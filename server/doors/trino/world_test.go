package trino_test

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
	"github.com/souk-mesh/souk/server/doors/trino"
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

// world is a server that a Trino coordinator asks. Its catalog shop is the
// database whose table orders a published product offers; the table drafts is
// offered by nobody.
type world struct {
	t      *testing.T
	store  store.Store
	reads  *atomic.Int64 // of the store
	gate   *gate.Gate
	engine *policy.Engine
	people *identity.Service
	ids    map[string]model.ID
	tokens map[string]string
	orders model.DataProduct
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	engine := servertest.Own(t)
	rules, err := os.ReadFile("testdata/sales.rego")
	must(t, err)
	_, err = engine.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/rules.rego", Text: string(rules)}}})
	must(t, err)
	db, err := sqlite.Open(t.Context(), ":memory:")
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	watched := &enginetest.Counted{Store: db}
	g := gate.New(watched, engine, model.Now)
	w := &world{t: t, store: watched, reads: &watched.Reads, gate: g, engine: engine, people: identity.New(watched, g, model.Now), ids: map[string]model.ID{}, tokens: map[string]string{}}
	w.settle(mesh.New(db, g, model.Now, slog.New(slog.DiscardHandler)))
	return w
}

func (w *world) settle(m *mesh.Service) {
	w.t.Helper()
	system := model.WithPrincipal(w.t.Context(), model.System())
	sales, err := m.CreateDomain(system, mesh.NewDomain{Name: "sales"})
	must(w.t, err)
	for _, name := range []string{"ana", "bo", "eve", "mallory", "sid", "sue"} {
		w.principal(system, identity.NewPrincipal{Kind: model.Person, Name: name, Clearance: model.Confidential})
	}
	w.principal(system, identity.NewPrincipal{Kind: model.Service, Name: "coordinator", Roles: []model.Role{model.RolePEP}})
	w.principal(system, identity.NewPrincipal{Kind: model.Service, Name: "plain"})
	suspended := true
	_, err = w.people.UpdatePrincipal(system, identity.PrincipalEdit{ID: w.ids["sue"], Suspended: &suspended})
	must(w.t, err)
	fields := []model.AssetField{{Name: "region", NativeType: "varchar(10)"}, {Name: "amount", NativeType: "numeric(10,2)"}, {Name: "email", NativeType: "text"}, {Name: "phone", NativeType: "text"}, {Name: "x\" = \"x\" OR 1=1 --", NativeType: "text"}}
	orders := w.table(sales.ID, "shop.public.orders", fields)
	customers := w.table(sales.ID, "shop.public.customers", []model.AssetField{{Name: "id", NativeType: "bigint"}})
	w.table(sales.ID, "shop.public.drafts", nil)
	w.orders = model.DataProduct{
		Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: "orders", DomainID: sales.ID, Classification: model.Internal,
		Visibility: model.VisibleToAll, Status: model.Published, Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{orders, customers}}},
	}
	w.apply(store.Products.Put(w.orders))
}

func (w *world) apply(writes ...store.Write) {
	w.t.Helper()
	_, err := w.store.Apply(w.t.Context(), store.Change{Action: "test", Writes: writes})
	must(w.t, err)
}

func (w *world) table(domain model.ID, name string, fields []model.AssetField) model.ID {
	w.t.Helper()
	a := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db.acme.example:5432", Name: name,
		Kind: model.KindTable, Status: model.AssetActive, DomainID: domain, Fields: fields,
	}
	w.apply(store.Assets.Put(a))
	return a.ID
}

// catalogs are two names of one database: that of the tests, and that of the
// server whose questions were recorded.
var catalogs = []string{"pg=postgres://db.acme.example:5432/shop", "memory=postgres://db.acme.example:5432/shop"}

func (w *world) serve(unknown trino.Unknown) *client {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	answers, err := pdp.New(pdp.Config{Store: w.store, Gate: w.gate, Engine: w.engine, Catalogs: catalogs, Now: model.Now})
	must(w.t, err)
	server := httpd.New(httpd.Config{}, log)
	for pattern, handler := range trino.New(answers, unknown, log).Routes() {
		server.Handle(pattern, server.SignedBy(w.people, doors.Refuser(log), handler))
	}
	web := httptest.NewServer(server.Handler())
	w.t.Cleanup(web.Close)
	return &client{t: w.t, web: web, token: w.tokens["coordinator"], query: "?obligations=understood"}
}

// client is the coordinator.
type client struct {
	t     *testing.T
	web   *httptest.Server
	token string
	query string // of the endpoints' addresses
}

// ask posts a question as the plugin writes it and gives the result as JSON.
func (c *client) ask(endpoint, user, action string) string {
	c.t.Helper()
	status, text := c.post(endpoint+c.query, `{"input":{"context":{"identity":{"user":"`+user+`","groups":["staff"]},"queryId":"20261125_101010_00001_abcde","softwareStack":{"trinoVersion":"476"}},"action":`+action+`}}`)
	var answer struct{ Result json.RawMessage }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		c.t.Fatalf("%s %s: got %d %s", endpoint, action, status, text)
	}
	return string(answer.Result)
}

func (c *client) post(endpoint, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.web.URL+"/v1/data/souk/trino/"+endpoint, bytes.NewBufferString(body))
	must(c.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.web.Client().Do(r)
	must(c.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(c.t, err)
	return res.StatusCode, string(text)
}

func (w *world) principal(ctx context.Context, n identity.NewPrincipal) {
	w.t.Helper()
	p, err := w.people.CreatePrincipal(ctx, n)
	must(w.t, err)
	w.ids[n.Name] = p.ID
	if n.Kind == model.Service {
		_, w.tokens[n.Name], err = w.people.IssueToken(ctx, identity.NewToken{PrincipalID: p.ID, Name: "test", Lifetime: time.Hour})
		must(w.t, err)
	}
}

package trino_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/doors/trino"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/pdp"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

// world is a server that a Trino coordinator asks. Its catalog shop is the
// database whose table orders a published product offers; the table drafts is
// offered by nobody.
type world struct {
	*servertest.World

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
	rules, err := os.ReadFile("testdata/sales.rego")
	must(t, err)
	company := servertest.Company{Domains: []string{"sales"}, Engine: servertest.Under(t, map[string]string{"domains/sales/rules.rego": string(rules)})}
	for _, name := range []string{"ana", "bo", "eve", "mallory", "sid", "sue"} {
		company.People = append(company.People, servertest.Person{Name: name, Clearance: model.Confidential})
	}
	company.People = append(company.People,
		servertest.Person{Name: "coordinator", Kind: model.Service, Roles: []model.Role{model.RolePEP}}, servertest.Person{Name: "plain", Kind: model.Service})
	w := &world{World: servertest.New(t, company), tokens: map[string]string{}}
	for _, name := range []string{"coordinator", "plain"} {
		w.tokens[name] = w.Token(name)
	}
	_, err = w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People["sue"].ID, Suspended: new(true)})
	must(t, err)
	w.furnish(w.Domains["sales"].ID)
	return w
}

// furnish gives sales three tables, and a product over two of them.
func (w *world) furnish(sales model.ID) {
	w.Helper()
	fields := []model.AssetField{{Name: "region", NativeType: "varchar(10)"}, {Name: "amount", NativeType: "numeric(10,2)"}, {Name: "email", NativeType: "text"}, {Name: "phone", NativeType: "text"}, {Name: "x\" = \"x\" OR 1=1 --", NativeType: "text"}}
	orders := w.table(sales, "shop.public.orders", fields)
	customers := w.table(sales, "shop.public.customers", []model.AssetField{{Name: "id", NativeType: "bigint"}})
	w.table(sales, "shop.public.drafts", nil)
	w.orders = model.DataProduct{
		Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: "orders", DomainID: sales, Classification: model.Internal,
		Visibility: model.VisibleToAll, Status: model.Published, Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{orders, customers}}},
	}
	w.Put(store.Products.Put(w.orders))
}

func (w *world) table(domain model.ID, name string, fields []model.AssetField) model.ID {
	w.Helper()
	a := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db.acme.example:5432", Name: name,
		Kind: model.KindTable, Status: model.AssetActive, DomainID: domain, Fields: fields,
	}
	w.Put(store.Assets.Put(a))
	return a.ID
}

// catalogs are two names of one database: that of the tests, and that of the
// server whose questions were recorded.
var catalogs = []string{"pg=postgres://db.acme.example:5432/shop", "memory=postgres://db.acme.example:5432/shop"}

func (w *world) serve(unknown trino.Unknown) *client {
	w.Helper()
	log := slog.New(slog.NewTextHandler(w.Output(), nil))
	answers, err := pdp.New(pdp.Config{Store: w.Store, Gate: w.Gate, Engine: w.Engine, Catalogs: catalogs, Now: model.Now})
	w.Must(err)
	server := httpd.New(httpd.Config{}, log)
	for pattern, handler := range trino.New(answers, unknown, log).Routes() {
		server.Handle(pattern, server.SignedBy(w.Identity, doors.Refuser(log), handler))
	}
	web := httptest.NewServer(server.Handler())
	w.Cleanup(web.Close)
	return &client{TB: w, web: web, token: w.tokens["coordinator"], query: "?obligations=understood"}
}

// client is the coordinator.
type client struct {
	testing.TB

	web   *httptest.Server
	token string
	query string // of the endpoints' addresses
}

// ask posts a question as the plugin writes it and gives the result as JSON.
func (c *client) ask(endpoint, user, action string) string {
	c.Helper()
	status, text := c.post(endpoint+c.query, `{"input":{"context":{"identity":{"user":"`+user+`","groups":["staff"]},"queryId":"20261125_101010_00001_abcde","softwareStack":{"trinoVersion":"476"}},"action":`+action+`}}`)
	var answer struct{ Result json.RawMessage }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		c.Fatalf("%s %s: got %d %s", endpoint, action, status, text)
	}
	return string(answer.Result)
}

func (c *client) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *client) post(endpoint, body string) (int, string) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.web.URL+"/v1/data/souk/trino/"+endpoint, bytes.NewBufferString(body))
	c.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.web.Client().Do(r)
	c.must(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	c.must(err)
	return res.StatusCode, string(text)
}

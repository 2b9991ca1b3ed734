package resolver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/resolver"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/standards"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
	engine "github.com/souk-mesh/souk/server/store/sqlite"
)

// TestMain lets the test binary serve the harvester, as the souk binary does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == host.ServeArgument {
		sdk.Serve(sdk.Register(sqlite.Plugin()))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// world is a small company behind the real door: Ana is steward of Sales, Bo
// of Marketing, Cy runs the platform and approves for it, Dee works in
// Marketing and is nobody in particular.
type world struct {
	t        *testing.T
	door     http.Handler
	store    *enginetest.Counted
	services resolver.Services
	engine   *policy.Engine
	gate     *gate.Gate
	people   map[string]model.Principal
	log      *slog.Logger
	tokens   map[string]string
	domains  map[string]model.Domain
	assets   []model.Asset
	orders   model.DataProduct // of Sales, published, confidential
	draft    model.DataProduct // of Sales
	source   model.Source      // of Sales
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, people: map[string]model.Principal{}, tokens: map[string]string{}, domains: map[string]model.Domain{}}
	w.open()
	ctx := w.system()
	w.settle(ctx)
	w.furnish(ctx)
	return w
}

func (w *world) open() {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	db, err := engine.Open(w.t.Context(), ":memory:")
	w.must(err)
	w.t.Cleanup(func() { w.must(db.Close()) })
	w.store = &enginetest.Counted{Store: db}
	e := servertest.Own(w.t)
	g := gate.New(w.store, e, model.Now)
	launcher, err := harvest.NewLauncher([]sdk.Registration{sdk.Register(sqlite.Plugin())}, "", log)
	w.must(err)
	s := resolver.Services{
		Identity: identity.New(w.store, g, model.Now), Mesh: mesh.New(w.store, g, model.Now, log), Access: access.New(w.store, g, model.Now, log),
		Catalog: catalog.New(w.store, g, model.Now), Lineage: lineage.New(w.store, g), Governance: governance.New(governance.Config{Store: w.store, Gate: g, Engine: e, Now: model.Now, Log: log}),
		Standards: standards.New(w.store, g, model.Now, log),
	}
	s.Audit = audit.New(w.store, g, nil, s.Governance)
	s.Harvest = harvest.New(harvest.Config{Store: w.store, Gate: g, Catalog: s.Catalog, Lineage: s.Lineage, Plugins: launcher, Now: model.Now, Log: log, Folders: map[model.Slug][]string{"sales": {"/"}}})
	w.t.Cleanup(s.Harvest.Close)
	w.t.Cleanup(s.Governance.Close)
	w.services, w.engine, w.gate, w.log = s, e, g, log
	w.serve()
}

// serve opens the door to the services as they are now.
func (w *world) serve() {
	s, log := w.services, w.log
	cfg := httpd.Config{Credential: credential.New().Found}
	door := httpd.New(cfg, log)
	door.Handle("/graphql", door.Signed(s.Identity, httpd.GraphQL(cfg, resolver.Schema(s), log, resolver.Present(log), resolver.Recover(log))))
	w.door = door.Handler()
}

// logged shows the decisions of a log.
func (w *world) logged(l *decisionlog.Log) {
	w.services.Audit = audit.New(w.store, w.gate, l, w.services.Governance)
	w.serve()
}

func (w *world) system() context.Context { return model.WithPrincipal(w.t.Context(), model.System()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) as(who string) context.Context {
	return model.WithPrincipal(w.t.Context(), w.people[who])
}

// settle makes the domains and the people.
func (w *world) settle(ctx context.Context) {
	w.t.Helper()
	for _, name := range []string{"sales", "marketing"} {
		d, err := w.services.Mesh.CreateDomain(ctx, mesh.NewDomain{Name: model.Slug(name), DisplayName: strings.ToTitle(name), Description: "All of " + name + "."})
		w.must(err)
		w.domains[name] = d
	}
	for _, p := range []struct {
		name, domain string
		steward      bool
		roles        []model.Role
		clearance    model.Classification
	}{
		{"ana", "sales", true, []model.Role{model.RoleEmployee}, model.Confidential},
		{"bo", "marketing", true, []model.Role{model.RoleEmployee}, model.Confidential},
		{"cy", "marketing", false, []model.Role{model.RoleAdmin, model.RoleSteward}, model.Restricted},
		{"dee", "marketing", false, []model.Role{model.RoleEmployee}, ""},
	} {
		made, err := w.services.Identity.CreatePrincipal(ctx, identity.NewPrincipal{
			Kind: model.Person, Name: p.name + "@" + p.domain, DisplayName: p.name, DomainID: w.domains[p.domain].ID, Roles: p.roles, Clearance: p.clearance,
		})
		w.must(err)
		w.people[p.name] = made
		_, w.tokens[p.name], err = w.services.Identity.IssueToken(ctx, identity.NewToken{PrincipalID: made.ID, Name: "test", Lifetime: time.Hour})
		w.must(err)
		if p.steward {
			w.domains[p.domain], err = w.services.Mesh.UpdateDomain(ctx, mesh.DomainEdit{ID: w.domains[p.domain].ID, StewardIDs: &[]model.ID{made.ID}})
			w.must(err)
		}
	}
}

// furnish gives Sales two assets, a published product over them, a draft and a source.
func (w *world) furnish(ctx context.Context) {
	w.t.Helper()
	var writes []store.Write
	for _, name := range []string{"orders", "lines"} {
		a := model.Asset{
			Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "sqlite://shop", Name: name, ShortName: name,
			Kind: model.KindTable, Status: model.AssetActive, Platform: "sqlite", DomainID: w.domains["sales"].ID, Properties: map[string]string{"b": "2", "a": "1"},
		}
		w.assets = append(w.assets, a)
		writes = append(writes, store.Assets.Put(a))
	}
	_, err := w.store.Apply(ctx, store.Change{Actor: "prn_system", Action: "test.furnish", Writes: writes})
	w.must(err)
	port := model.Port{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{w.assets[0].ID, w.assets[1].ID}}
	made, err := w.services.Mesh.CreateProduct(w.as("ana"), mesh.NewProduct{
		Name: "orders", DomainID: w.domains["sales"].ID, DisplayName: "Orders",
		Description: "Every order.", Classification: model.Confidential, Ports: []model.Port{port},
	})
	w.must(err)
	w.orders, err = w.services.Mesh.PublishProduct(w.as("ana"), made.ID)
	w.must(err)
	w.draft, err = w.services.Mesh.CreateProduct(w.as("ana"), mesh.NewProduct{Name: "draft", DomainID: w.domains["sales"].ID, DisplayName: "Draft"})
	w.must(err)
	w.source, err = w.services.Harvest.CreateSource(w.as("ana"), harvest.NewSource{
		Name: "shop", DomainID: w.domains["sales"].ID, Plugin: "sqlite",
		Config: json.RawMessage(`{"path": ` + strconv.Quote(w.t.TempDir()+"/shop.db") + `}`),
	})
	w.must(err)
}

type vars = map[string]any

// reply is what came back over HTTP.
type reply struct {
	t      *testing.T
	status int
	text   string
	Data   any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

// ask sends one operation in somebody's name.
func (w *world) ask(who, query string, variables vars) reply {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	w.must(err)
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	rec := httptest.NewRecorder()
	w.door.ServeHTTP(rec, r)
	got := reply{t: w.t, status: rec.Code, text: rec.Body.String()}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		w.t.Fatalf("answer is no JSON: %v: %s", err, got.text)
	}
	return got
}

// ok asks and fails the test unless the answer is without errors.
func (w *world) ok(who, query string, variables vars) reply {
	w.t.Helper()
	got := w.ask(who, query, variables)
	if len(got.Errors) > 0 || strings.Contains(got.text, `"userErrors":[{`) {
		w.t.Fatalf("%s asks %s\ngot %s", who, query, got.text)
	}
	return got
}

// at follows a path such as products.nodes.0.name into the data.
func (r reply) at(path string) any {
	v := r.Data
	for step := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func (r reply) str(path string) string {
	r.t.Helper()
	s, ok := r.at(path).(string)
	if !ok {
		r.t.Fatalf("no text at %s in %s", path, r.text)
	}
	return s
}

// code is the code of the first error, or of the first user error, or "".
func (r reply) code() string {
	if len(r.Errors) > 0 {
		return fmt.Sprint(r.Errors[0].Extensions["code"])
	}
	data, _ := r.Data.(map[string]any)
	for _, payload := range data {
		if p, ok := payload.(map[string]any); ok {
			if list, ok := p["userErrors"].([]any); ok && len(list) > 0 {
				return fmt.Sprint(list[0].(map[string]any)["code"])
			}
		}
	}
	return ""
}
